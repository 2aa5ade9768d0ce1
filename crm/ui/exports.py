"""A table as a file for spreadsheets: CSV or Excel, and no cell in it runs as a formula."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

import streamlit as st
import xlsxwriter  # type: ignore[import-untyped]

from crm.imports.rejects import neutralise
from crm.ui import calm, session, words

Rows = Sequence[Mapping[str, object]]
MOST_ROWS = 50_000
# Excel refuses a longer cell, and what XML cannot hold.
_LONGEST_CELL = 32_767
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\']")
_WIDEST_COLUMN = 380


@dataclass(frozen=True, slots=True)
class _Format:
    ending: str
    mime: str


_FORMATS: Mapping[str, _Format] = {
    "CSV": _Format("csv", "text/csv"),
    "Excel": _Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def download_menu(
    name: str,
    rows: Callable[[], Rows],
    *,
    key: str,
    log: bool = True,
    relation: str = "contacts",
) -> None:
    """A small menu that writes a table when asked, and offers it.

    `rows` gives one mapping a row, all with the same keys: the headings, in words. It is called
    when a format is chosen and may give more than MOST_ROWS; those are cut off, and the menu says
    so. `log` for tables that hold people: taking it is written down as rows of `relation` first.
    Outside of sections that refresh by themselves: the offer would go with the next refresh.
    """

    @st.fragment
    @calm.section
    def menu() -> None:
        zone = session.current().moments.zone.key.replace("_", " ")
        st.caption(f"{name} as a file. Times are those of {zone}.")
        with st.container(horizontal=True):
            csv_wanted = st.button("CSV", key=f"{key}_csv")
            excel_wanted = st.button("Excel", key=f"{key}_excel")
        if csv_wanted or excel_wanted:
            with st.spinner("Writing the file …"):
                found = rows()
            kind = "CSV" if csv_wanted else "Excel"
            _offer(name, found, kind, key=key, logged_as=relation if log else "")

    with st.popover("Export", key=f"{key}_menu"):
        menu()


def _offer(name: str, found: Rows, kind: str, *, key: str, logged_as: str) -> None:
    if not found:
        st.info("There is nothing to export.")
        return
    here = session.current()
    kept, zone = found[:MOST_ROWS], here.moments.zone
    with st.spinner("Writing the file …"):
        content = as_csv(kept, zone) if kind == "CSV" else as_excel(kept, name, zone)
    if logged_as:
        here.db.audit.record_export(logged_as, len(kept), f"{name}, {kind}", now=session.now())
    day = here.moments.now.astimezone(zone).date()
    st.download_button(
        f"Download {words.counted(len(kept), 'row')}",
        content,
        file_name=f"{_file_name(name)}_{day}.{_FORMATS[kind].ending}",
        mime=_FORMATS[kind].mime,
        on_click="ignore",
        type="primary",
        key=f"{key}_download",
    )
    if len(found) > MOST_ROWS:
        st.caption(
            f"The first {words.number(MOST_ROWS)} of {words.number(len(found))} rows. "
            "Narrow the filters to have the others."
        )


def as_csv(rows: Rows, zone: tzinfo = UTC) -> bytes:
    """UTF-8 with its mark, which Excel looks for. Times are shown in `zone`."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    headings = _headings(rows)
    writer.writerow(map(_text, headings))
    writer.writerows([_cell(row.get(name), zone) for name in headings] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def as_excel(rows: Rows, sheet: str, zone: tzinfo = UTC) -> bytes:
    """One sheet with bold headings that stay in sight. Times are shown in `zone`."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    headings = _headings(rows)
    with xlsxwriter.Workbook(out, options) as book:
        page = book.add_worksheet(_NOT_IN_SHEET_NAMES.sub(" ", sheet)[:31].strip() or "Export")
        bold = book.add_format({"bold": True})
        for column, name in enumerate(headings):
            page.write_string(0, column, _text(name), bold)
            for line, row in enumerate(rows, start=1):
                cell = _cell(row.get(name), zone)
                if cell != "":
                    write = page.write_string if isinstance(cell, str) else page.write_number
                    write(line, column, cell)
        page.freeze_panes(1, 0)
        if headings:
            page.autofilter(0, 0, len(rows), len(headings) - 1)
        page.autofit(_WIDEST_COLUMN)
    return out.getvalue()


def _headings(rows: Rows) -> list[str]:
    return list(rows[0]) if rows else []


def _cell(value: object, zone: tzinfo) -> str | int | float:
    """Numbers stay numbers; everything else is text that no spreadsheet runs."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, int | float):
        return value
    if isinstance(value, Decimal):
        return float(value)
    return _text(_in_words(value, zone))


def _in_words(value: object, zone: tzinfo) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    return str(value)


def _text(text: str) -> str:
    return neutralise(_NOT_IN_XML.sub("", text))[:_LONGEST_CELL]


def _file_name(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower()).strip("_") or "export"
