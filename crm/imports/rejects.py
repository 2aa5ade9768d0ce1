"""The rejects file: every row that was not imported, with its reason, ready to be corrected."""

import csv
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

from crm.imports.columns import REJECT_HEADERS
from crm.imports.contact_rows import RejectedRow
from crm.imports.reader import EXTRA_CELLS

# Spreadsheets run cells that begin so as formulas (OWASP, CSV Injection; full-width forms too).
# Apostrophes in front count as well, so that `restore` takes off exactly what was put on.
_FORMULA = re.compile(r"'*(?:\s*[=+\-@＝＋－＠]|[\t\r\n])")


def neutralise(cell: str) -> str:
    """The cell as a spreadsheet shows it and never runs it, for every file meant for one."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restore(cell: str) -> str:
    """Undoes `neutralise`, for files that this program wrote."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell, 1) else cell


def write_rejects(out: TextIO, headers: Sequence[str], rejected: Iterable[RejectedRow]) -> int:
    """Writes row number, reason and the original cells; returns how many rows it wrote.

    Open `out` with encoding utf-8-sig (Excel reads UTF-8 by its mark) and newline="". The file can
    be corrected and imported again: the reader knows its columns. Quotes stand around every cell,
    because a spreadsheet that divides at semicolons would else find formulas inside one.
    """
    own = [header for header in headers if header not in (*REJECT_HEADERS, EXTRA_CELLS)]
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(map(neutralise, (*REJECT_HEADERS, *own, EXTRA_CELLS)))
    count = 0
    for row in rejected:
        cells = (row.raw.get(header, "") for header in (*own, EXTRA_CELLS))
        reason = " ".join(row.reasons)
        writer.writerow(map(neutralise, (str(row.row_number), reason, *cells)))
        count += 1
    return count
