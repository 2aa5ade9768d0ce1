"""People pasted as text, a line each."""

from __future__ import annotations

import pytest

from crm.imports.contact_rows import CleanContact, RejectedRow
from crm.imports.pasted import MOST_LINES, pasted_people
from crm.mail.addresses import normalise_address


def read(text: str) -> list[CleanContact | RejectedRow]:
    return list(pasted_people(text, normalise=normalise_address))


def person(row: CleanContact | RejectedRow) -> tuple[str, str, str | None, str, str]:
    assert isinstance(row, CleanContact), row
    return row.first_name, row.last_name, row.email, row.company_name, row.job_title


ADA = ("Ada", "Byron", "ada@harbor.example")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Ada Byron <ada@harbor.example>", (*ADA, "", "")),
        ("  - Ada Byron <Ada@Harbor.example>,", (*ADA, "", "")),
        ("Byron, Ada <ada@harbor.example>", (*ADA, "", "")),
        ('"Byron, Ada" <ada@harbor.example>', (*ADA, "", "")),
        ("Ada Byron, Harbor Precision, ada@harbor.example", (*ADA, "Harbor Precision", "")),
        ("Ada Byron, Harbor Precision, <ada@harbor.example>", (*ADA, "Harbor Precision", "")),
        (
            "Ada Byron\tHarbor Precision\tDirector\tada@harbor.example",
            (*ADA, "Harbor Precision", "Director"),
        ),
        (
            "Ada Byron; ada@harbor.example; Harbor Precision; Director",
            (*ADA, "Harbor Precision", "Director"),
        ),
        ("Ada Byron ada@harbor.example", (*ADA, "", "")),
        ("3. Ludwig van Beethoven", ("Ludwig", "van Beethoven", None, "", "")),
        ("ada@harbor.example", ("", "", "ada@harbor.example", "", "")),
        ("mailto:ada@harbor.example", ("", "", "ada@harbor.example", "", "")),
    ],
)
def test_a_line_is_read_as_people_write_them(line: str, expected: tuple[str, ...]) -> None:
    (row,) = read(line)
    assert person(row) == expected


def test_recipients_copied_from_a_mail_program_are_several_people() -> None:
    rows = read("Ada Byron <ada@harbor.example>; Bo Chen <bo@harbor.example>, cy@x.example")
    assert [person(row)[2] for row in rows][:2] == ["ada@harbor.example", "bo@harbor.example"]
    rows = read("ada@harbor.example; bo@harbor.example cy@x.example")
    assert [person(row)[2] for row in rows] == [
        "ada@harbor.example",
        "bo@harbor.example",
        "cy@x.example",
    ]


def test_a_bad_line_says_why_and_leaves_the_others() -> None:
    good, bad, twice, empty = read(
        "Ada Byron <ada@harbor.example>\n\nBo Chen <bo@@harbor>\nada@harbor.example\n , ; "
    )
    assert person(good) == (*ADA, "", "")
    assert isinstance(bad, RejectedRow)
    assert bad.row_number == 3
    assert isinstance(twice, RejectedRow)
    assert twice.reasons == ("The same person stands in line 1.",)
    assert isinstance(empty, RejectedRow)
    assert "no name and no address" in empty.reasons[0]


def test_a_formula_stays_the_text_it_is() -> None:
    (row,) = read("=1+1, @SUM(A1)")
    assert isinstance(row, RejectedRow), "the second part reads like an address and is none"
    (row,) = read("=HYPERLINK(1)")
    assert person(row)[0] == "=HYPERLINK(1)"


def test_more_lines_than_are_read_are_named() -> None:
    rows = read("\n".join(f"Person {n}" for n in range(MOST_LINES + 2)))
    assert len(rows) == MOST_LINES + 2
    assert all(isinstance(row, RejectedRow) for row in rows[MOST_LINES:])


def test_hostile_text_is_read_quickly() -> None:
    assert len(read("<" * 50_000)) == 1
    assert len(read("a@" * 50_000)) == 1
    assert len(read("<@>," * 900)) >= 1
