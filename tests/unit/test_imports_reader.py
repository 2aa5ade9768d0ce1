import io
from pathlib import Path

import pytest

from crm.imports.reader import (
    EXTRA_CELLS,
    ContactFile,
    ImportFileError,
    SourceRow,
    open_contact_file,
)

PLAIN = "First Name,Last Name,Email\nAna,Ruiz,ana@example.com\nBo,Larsen,bo@example.com\n"


def opened(content: str | bytes, encoding: str = "utf-8") -> ContactFile:
    raw = content if isinstance(content, bytes) else content.encode(encoding)
    return open_contact_file(io.BytesIO(raw))


def refusal(content: str | bytes) -> str:
    with pytest.raises(ImportFileError) as caught:
        opened(content)
    return str(caught.value)


def test_it_reads_headers_rows_and_their_numbers() -> None:
    file = opened(PLAIN)
    assert file.headers == ("First Name", "Last Name", "Email")
    assert (file.encoding, file.delimiter, file.header_row) == ("utf-8", ",", 1)
    assert list(file.rows()) == [
        SourceRow(2, {"First Name": "Ana", "Last Name": "Ruiz", "Email": "ana@example.com"}),
        SourceRow(3, {"First Name": "Bo", "Last Name": "Larsen", "Email": "bo@example.com"}),
    ]


def test_it_reads_a_path_as_it_reads_an_upload(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text(PLAIN, encoding="utf-8")
    assert list(open_contact_file(path).rows()) == list(opened(PLAIN).rows())


def test_the_size_and_the_estimate_serve_a_progress_bar() -> None:
    file = opened(PLAIN)
    assert (file.byte_size, file.row_count_estimate) == (len(PLAIN), 2)


def test_rows_can_be_read_again_and_two_readings_do_not_disturb_each_other() -> None:
    many = "Name,Email\n" + "".join(f"Bob {n},bob{n}@example.com\n" for n in range(20_000))
    upload = io.BytesIO(many.encode())
    file = open_contact_file(upload)
    first, second = file.rows(), file.rows()
    pairs = list(zip(first, second, strict=True))
    assert len(pairs) == 20_000
    assert all(one == other for one, other in pairs)
    assert not upload.closed


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_marked_and_wide_encodings_are_read(encoding: str) -> None:
    text = "First Name,Last Name,Email\nZoë,Łuczak,zoe@example.com\n小林,淳,jun@example.com\n"
    rows = list(opened(text, encoding).rows())
    assert [row.values["First Name"] for row in rows] == ["Zoë", "小林"]
    assert next(iter(rows[0].values)) == "First Name"


def test_a_letter_of_windows_1252_on_the_last_line_is_read_right() -> None:
    text = "Name,Email\n" + "Bob,bob@example.com\n" * 200_000 + "José,jose@example.com\n"
    file = opened(text, "cp1252")
    assert file.encoding == "cp1252"
    assert list(file.rows())[-1].values["Name"] == "José"


def test_utf_8_across_a_chunk_border_stays_utf_8() -> None:
    text = "Name,Email\n" + "é" * 100 + ",x@example.com\n"
    padding = "Bob,bob@example.com\n" * 60_000
    for shift in range(2):
        assert opened(text + " " * shift + padding + "é,y@example.com\n").encoding == "utf-8"


def test_damaged_utf_8_is_refused_instead_of_garbled() -> None:
    damaged = "Name,Email\nJosé,a@example.com\nZoë,b@example.com\nFrançois".encode() + b"\xc3"
    assert "UTF-8 text with damaged characters" in refusal(damaged)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty"),
        (b"\xef\xbb\xbf \r\n\r\n", "The file is empty"),
        (b"PK\x03\x04" + bytes(200), "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1" + bytes(200), "old Excel workbook"),
        (b"%PDF-1.7\n%abc", "PDF document"),
        (b"\x1f\x8b\x08" + bytes(100), "compressed"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "not a text file"),
        (b"Name,Email\nA\x81\x8d,a@example.com\n", "cannot be read as text"),
        ("Name,Email\nA".encode("utf-16") + b"x", "cannot be read as text"),
        (b'""\n""\n', "no rows"),
        (b"ana@example.com,Ana,Ruiz\nbo@example.com,Bo,Larsen\n", "no header row"),
        (b"ana@example.com,Ana,Ruiz\nbo@example.com,Email,Larsen\n", "no header row"),
    ],
)
def test_a_file_that_is_no_contact_list_is_refused_with_its_fix(content: bytes, words: str) -> None:
    message = refusal(content)
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    file = opened(PLAIN.replace(",", delimiter).replace("Larsen", '"Larsen, Jr; the | first\tone"'))
    assert file.delimiter == delimiter
    assert [row.problem for row in file.rows()] == ["", ""]


def test_notes_above_the_header_are_passed_over_and_counted() -> None:
    text = (
        'Notes:\n"Write to help@example.com,\nif addresses are missing."\n\n'
        "First Name,Last Name,URL,Email Address,Company,Position,Connected On\n"
        "Jerzy,Zawal,https://www.linkedin.com/in/u0,,Kluj,Clerk,11 Mar 2026\n"
    )
    file = opened(text)
    assert (file.origin, file.header_row) == ("linkedin", 4)
    assert [row.row_number for row in file.rows()] == [5]


def test_a_separator_line_of_excel_is_passed_over() -> None:
    file = opened("sep=;\n" + PLAIN.replace(",", ";"))
    assert (file.delimiter, file.header_row) == (";", 2)


def test_headers_in_an_unknown_language_are_still_headers() -> None:
    file = opened("Etunimi;Sukunimi;Sähköposti\nAino;Virtanen;aino@example.com\n")
    assert file.headers == ("Etunimi", "Sukunimi", "Sähköposti")
    assert (file.origin, file.header_row) == ("unknown", 1)


def test_a_single_column_of_addresses_is_a_contact_file() -> None:
    file = opened("Email\nana@example.com\nbo@example.com\n")
    assert [row.values for row in file.rows()] == [
        {"Email": "ana@example.com"},
        {"Email": "bo@example.com"},
    ]


def test_repeated_and_blank_headers_get_names_of_their_own() -> None:
    file = opened('Name,Email,Email,,"Two\nlines"\nAna,a@example.com,b@example.com,c,d\n')
    assert file.headers == ("Name", "Email", "Email (2)", "Column 4", "Two lines")
    assert next(file.rows()).values["Email (2)"] == "b@example.com"


def test_a_row_of_another_width_is_a_row_error_and_keeps_its_cells() -> None:
    text = PLAIN + "10,short\n1,2,3,4,,5\nCy,Doe,c@example.com,,\n"
    short, long, padded = list(opened(text).rows())[2:]
    assert "2 columns where the header has 3" in short.problem
    assert short.values == {"First Name": "10", "Last Name": "short"}
    assert "6 columns where the header has 3" in long.problem
    assert long.values[EXTRA_CELLS] == "4 | 5"
    assert padded.problem == ""


def test_blank_rows_are_passed_over_and_counted() -> None:
    text = PLAIN.replace("Bo,", "\n,,\n  , ,\nBo,")
    assert [row.row_number for row in opened(text).rows()] == [2, 6]


def test_line_breaks_in_a_cell_are_part_of_it_and_of_one_row() -> None:
    rows = list(opened('Name,Notes\nAna,"one\r\ntwo"\nBo,x\n').rows())
    assert rows[0].values["Notes"] == "one\r\ntwo"
    assert [row.row_number for row in rows] == [2, 3]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(end: str) -> None:
    file = opened(PLAIN.replace("\n", end))
    assert len(list(file.rows())) == file.row_count_estimate == 2


def test_a_quotation_mark_never_closed_is_told_with_the_lines_it_swallowed() -> None:
    text = PLAIN + 'Cy,"Doe,c@example.com\n' + "Di,Poe,d@example.com\n" * 3
    row = list(opened(text).rows())[-1]
    assert row.row_number == 4
    assert "quotation mark that is opened and never closed" in row.problem
    assert "4 line breaks" in row.problem


def test_a_huge_cell_spoils_its_row_and_not_the_file() -> None:
    text = PLAIN + f'Cy,"{"x" * 140_000}",c@example.com\n' + "Di,Poe,d@example.com\n"
    rows = list(opened(text).rows())
    assert "longer than 131,072 characters" in rows[2].problem
    assert rows[3] == SourceRow(
        5, {"First Name": "Di", "Last Name": "Poe", "Email": "d@example.com"}
    )


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(ImportFileError, match="1,000,000 characters"):
        list(opened(PLAIN + "x" * 2_000_000).rows())


def test_nul_characters_are_dropped() -> None:
    assert next(opened(PLAIN.replace("Ruiz", "Ru\0iz")).rows()).values["Last Name"] == "Ruiz"


def test_lists_in_a_cell_do_not_pass_for_columns() -> None:
    rows = "".join(f"Bob {n},bob{n}@example.com,a;b;c;d;e\n" for n in range(5))
    file = opened(f"Name,Email,Tags\n{rows}")
    assert (file.delimiter, len(list(file.rows()))) == (",", 5)


def test_of_two_header_rows_the_upper_one_counts() -> None:
    assert opened(PLAIN + PLAIN).header_row == 1


def test_windows_1252_that_spells_a_pair_of_utf_8_by_chance_is_read() -> None:
    file = opened("Name,Email\nMÜLLER Ã© é à ö ç ñ,m@example.com\n", "cp1252")
    assert next(file.rows()).values["Name"] == "MÜLLER Ã© é à ö ç ñ"
