"""One row under the answers of the mapping page: a field's cell, and what is wrong with the row."""

from collections.abc import Callable, Mapping

from crm.imports.text import many_lines, one_line

_LONGEST = {"notes": 10_000, "profile_url": 2_000, "website": 2_000, "tags": 2_000, "email": 2_000}
_LONGEST_OTHER = 200
_SHOWN_LENGTH = 60
# What exports write where nothing is known. Plain words are not among them: Na is a surname.
_BLANK_MARKS = frozenset(("-", "--", "n/a", "[not provided]"))


class RowCells:
    """The mapped cells of one row. `reasons` fills up with plain words for the rejects file."""

    __slots__ = ("_columns", "_values", "reasons")

    def __init__(self, columns: Mapping[str, tuple[str, ...]], values: Mapping[str, str]) -> None:
        self._columns = columns
        self._values = values
        self.reasons: list[str] = []

    def written(self, field: str) -> list[tuple[str, str]]:
        """(header, cell) of the field's columns that are not blank, in the order of the file."""
        cells = [(header, self._values.get(header, "")) for header in self._columns.get(field, ())]
        return [(header, cell) for header, cell in cells if cell and not cell.isspace()]

    def text(self, field: str, clean: Callable[[str], str] = one_line) -> str:
        """The field's first filled cell, cleaned; "" when blank, or too long, which is a reason."""
        # A file of 100,000 rows comes by here two million times.
        for header in self._columns.get(field, ()):
            cell = self._values.get(header)
            text = clean(cell) if cell else ""
            if text and text.casefold() not in _BLANK_MARKS:
                return text if self._fits(field, header, text) else ""
        return ""

    def lines(self, field: str) -> str:
        """As `text`, with line breaks kept."""
        return self.text(field, many_lines)

    def header(self, field: str) -> str:
        """The name of the field's column, for a reason."""
        return self._columns[field][0]

    def refuse(self, header: str, problem: str) -> None:
        """Adds a reason that begins with the column's name."""
        self.reasons.append(f"{header}: {problem}")

    def _fits(self, field: str, header: str, text: str) -> bool:
        longest = _LONGEST.get(field, _LONGEST_OTHER)
        if len(text) <= longest:
            return True
        self.refuse(
            header, f"the text has {len(text):,} characters; shorten it to {longest:,} at most."
        )
        return False


def shown(cell: str) -> str:
    """A cell as a reason quotes it: on one line, and not too much of it."""
    text = one_line(cell)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"
