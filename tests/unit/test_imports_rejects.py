import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.imports.cleaning import clean_rows
from crm.imports.columns import recognise
from crm.imports.contact_rows import CleanContact, RejectedRow
from crm.imports.reader import EXTRA_CELLS, ContactFile, open_contact_file
from crm.imports.rejects import neutralise, restore, write_rejects

FORMULAS = [
    "=1+1",
    "+49 30",
    "-5",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1",
    "'=1",
    "'' +1",
]
PLAIN = ["", "Ana", "a=b", "O'Brien", "'quoted'", "1-2", "a@example.com", " spaced"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_is_neutralised(cell: str) -> None:
    assert neutralise(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", PLAIN)
def test_plain_text_is_left_as_it_is(cell: str) -> None:
    assert neutralise(cell) == restore(cell) == cell


@given(st.text() | st.text(alphabet="'=+-@ \t\r\n＝a"))
def test_restoring_takes_off_exactly_what_was_put_on(cell: str) -> None:
    assert restore(neutralise(cell)) == cell


def address(text: str) -> str:
    if "@" not in text:
        raise ValueError("There is no @.")
    return text.lower()


def cleaned(file: ContactFile) -> list[CleanContact | RejectedRow]:
    types = frozenset({"networking"})
    return list(clean_rows(file, recognise(file.headers), normalise=address, known_types=types))


def written(file: ContactFile, rows: list[RejectedRow]) -> str:
    out = io.StringIO(newline="")
    assert write_rejects(out, file.headers, rows) == len(rows)
    return out.getvalue()


def test_it_writes_row_reason_and_the_original_cells() -> None:
    rows = [
        RejectedRow(7, ("Email: wrong.", "City: too long."), {"Email": "=x", "City": 'a "b"\nc'}),
        RejectedRow(9, ("The row is too long.",), {"Email": "a", EXTRA_CELLS: "+1"}),
    ]
    file = open_contact_file(io.BytesIO(b"Email,City\na@example.com,Rome\n"))
    assert list(csv.reader(io.StringIO(written(file, rows), newline=""))) == [
        ["Rejected row", "Reason", "Email", "City", EXTRA_CELLS],
        ["7", "Email: wrong. City: too long.", "'=x", 'a "b"\nc', ""],
        ["9", "The row is too long.", "a", "", "'+1"],
    ]


def test_a_corrected_rejects_file_can_be_imported() -> None:
    first = open_contact_file(
        io.BytesIO(b"First Name,Company,Email,Phone\n=Ana,-Beta,ana,+49 30 12\nBo,,bo@x.example,\n")
    )
    rejected = [row for row in cleaned(first) if isinstance(row, RejectedRow)]
    corrected = written(first, rejected).replace('"ana"', '"ana@x.example"')
    again = open_contact_file(io.BytesIO(corrected.encode("utf-8-sig")))
    (contact,) = cleaned(again)
    assert again.origin == "rejects"
    assert isinstance(contact, CleanContact)
    assert (contact.first_name, contact.company_name) == ("=Ana", "-Beta")
    assert (contact.email, contact.phone) == ("ana@x.example", "+49 30 12")


def test_a_rejects_file_rejected_again_does_not_grow_columns() -> None:
    file = open_contact_file(io.BytesIO(b"First Name,Email\n=Ana,ana\n"))
    once = written(file, [row for row in cleaned(file) if isinstance(row, RejectedRow)])
    file = open_contact_file(io.BytesIO(once.encode("utf-8-sig")))
    twice = written(file, [row for row in cleaned(file) if isinstance(row, RejectedRow)])
    assert twice == once
