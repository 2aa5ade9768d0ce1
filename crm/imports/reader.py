"""Opens a contact file as it comes out of another program, and reads it row by row."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from crm.imports.columns import origin_of, recognised_count
from crm.imports.encoding import ImportFileError, open_text, scan

__all__ = ["EXTRA_CELLS", "ContactFile", "ImportFileError", "SourceRow", "open_contact_file"]

# The column of a rejected row that holds the cells beyond the last header.
EXTRA_CELLS = "Extra cells"

_DELIMITERS = (",", ";", "\t", "|")
# Programs write a few lines of notes above the header, never a page of them.
_HEADER_SEARCH_ROWS = 30
# A line this long is no contact; reading it whole would fill the memory.
_LONGEST_LINE = 1_000_000
_SHOWN_CELLS = 20


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One record. `row_number` is the row a spreadsheet shows it in, counting notes and header.

    `problem` says in plain words why the cells cannot be told apart; it is empty for a good row.
    """

    row_number: int
    values: dict[str, str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ContactFile:
    """A readable contact file. `rows()` starts afresh each time, and keeps one row in memory.

    `byte_size` and `row_count_estimate` (lines, so a little high) are for a progress bar. `origin`
    is hubspot, linkedin, google, outlook, salesforce, mpt_crm, rejects or unknown.
    """

    headers: tuple[str, ...]
    encoding: str
    delimiter: str
    origin: str
    header_row: int
    byte_size: int
    row_count_estimate: int
    source: BinaryIO | Path

    def rows(self) -> Iterator[SourceRow]:
        """Every record below the header that is not blank. Raises ImportFileError for a file with
        a line no program would write."""
        with open_text(self.source, self.encoding) as text:
            for number, cells, problem in _records(text, self.delimiter):
                if number > self.header_row and (problem or any(map(str.strip, cells))):
                    yield _source_row(number, cells, self.headers, problem)


@dataclass(frozen=True, slots=True)
class _Layout:
    delimiter: str
    header_row: int
    headers: list[str]
    score: int
    rows_to_header: list[list[str]]


def open_contact_file(source: BinaryIO | Path) -> ContactFile:
    """Finds encoding, delimiter, header row and origin.

    A file object must be seekable and stays open; it is read again by every `rows()`. Raises
    ImportFileError with one message that names the problem and the fix.
    """
    scanned = scan(source)
    layouts = [_layout(source, scanned.encoding, delimiter) for delimiter in _DELIMITERS]
    best = max(layouts, key=lambda layout: (layout.score, len(layout.headers)))
    _refuse_missing_header(best)
    headers = _unique(best.headers)
    return ContactFile(
        headers=headers,
        encoding=scanned.encoding,
        delimiter=best.delimiter,
        origin=origin_of(headers),
        header_row=best.header_row,
        byte_size=scanned.byte_size,
        row_count_estimate=max(0, scanned.line_count - best.header_row),
        source=source,
    )


def _layout(source: BinaryIO | Path, encoding: str, delimiter: str) -> _Layout:
    with open_text(source, encoding) as text:
        head = list(islice(_records(text, delimiter), _HEADER_SEARCH_ROWS))
    filled = [(number, cells) for number, cells, _ in head if any(map(str.strip, cells))]
    if not filled:
        raise ImportFileError(
            "The file has no rows. Export the contacts again and check the result."
        )
    header_row, headers = max(filled, key=lambda row: (recognised_count(row[1]), -row[0]))
    score = recognised_count(headers)
    if score == 0:
        header_row, headers = _first_of_usual_width(filled)
    rows_to_header = [cells for number, cells in filled if number <= header_row]
    return _Layout(delimiter, header_row, headers, score, rows_to_header)


def _refuse_missing_header(layout: _Layout) -> None:
    of_same_width = [row for row in layout.rows_to_header if len(row) == len(layout.headers)]
    if any("@" in cell for row in of_same_width for cell in row):
        raise ImportFileError(
            "The file has no header row: contacts begin in its first row. Add a row on top that "
            "names the columns, such as First name, Last name, Email."
        )


def _first_of_usual_width(rows: list[tuple[int, list[str]]]) -> tuple[int, list[str]]:
    usual = Counter(len(cells) for _, cells in rows).most_common(1)[0][0]
    return next(row for row in rows if len(row[1]) == usual)


def _unique(headers: list[str]) -> tuple[str, ...]:
    """Headers as dictionary keys: a blank one is called by its place, a repeated one is counted."""
    names: list[str] = []
    for place, header in enumerate(headers, start=1):
        name = base = " ".join(header.split()) or f"Column {place}"
        copy = 2
        while name in names:
            name, copy = f"{base} ({copy})", copy + 1
        names.append(name)
    return tuple(names)


def _records(text: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    reader = csv.reader(_lines(text), delimiter=delimiter)
    number = 0
    while True:
        number += 1
        try:
            yield number, next(reader), ""
        except StopIteration:
            return
        except csv.Error:
            # The csv module gives a field up past 131,072 characters and goes on below it.
            limit = f"{csv.field_size_limit():,}"
            yield (
                number,
                [],
                (
                    f"A cell is longer than {limit} characters: a quotation mark is opened and "
                    f"never closed. All up to line {reader.line_num} is lost in it; add the mark."
                ),
            )


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE and not line.endswith(("\n", "\r")):
            raise ImportFileError(
                f"The file has a line of more than {_LONGEST_LINE:,} characters: it is not a list "
                "of contacts. Export the contacts as CSV, one row each."
            )
        yield line.replace("\0", "") if "\0" in line else line


def _source_row(number: int, cells: list[str], headers: tuple[str, ...], problem: str) -> SourceRow:
    width = len(headers)
    values = dict(zip(headers, cells, strict=False))
    if problem or len(cells) == width:
        return SourceRow(number, values, problem)
    extra = [cell for cell in cells[width:] if cell.strip()]
    if len(cells) > width and not extra:  # delimiters at the end of the line, nothing between them
        return SourceRow(number, values)
    if extra:
        values[EXTRA_CELLS] = " | ".join(extra[:_SHOWN_CELLS])
    return SourceRow(number, values, _width_problem(cells, width))


def _width_problem(cells: list[str], width: int) -> str:
    problem = f"The row has {len(cells)} columns where the header has {width}."
    swallowed = max(cell.count("\n") for cell in cells)
    if swallowed > 0:
        return (
            f"{problem} A cell holds {swallowed} line breaks: check it for a quotation mark that "
            "is opened and never closed."
        )
    return f"{problem} Check it for a missing or additional delimiter."
