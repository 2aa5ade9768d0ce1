"""A table as CSV and as Excel, read back by programs that are not ours."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from crm.ui.exports import Rows, as_csv, as_excel

NEW_YORK = ZoneInfo("America/New_York")
RUNS_AS_A_FORMULA = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    " =1",
    "\t=1",
    "＝1",
    "'=1",
    "=cmd|' /C calc'!A0",
)


def from_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def from_excel(content: bytes) -> list[list[object]]:
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def both(rows: Rows) -> tuple[list[object], list[object]]:
    """The first row below the headings, as CSV and as Excel have it."""
    return list(from_csv(as_csv(rows))[1]), from_excel(as_excel(rows, "Rows"))[1]


@pytest.mark.parametrize("typed", RUNS_AS_A_FORMULA)
def test_no_cell_and_no_heading_runs_as_a_formula(typed: str) -> None:
    rows = [{typed: typed}]
    for table in (from_csv(as_csv(rows)), from_excel(as_excel(rows, "Rows"))):
        assert table == [["'" + typed], ["'" + typed]]


def test_a_web_address_stays_text() -> None:
    content = as_excel([{"Site": "https://mpt.example/a"}], "Sites")
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    assert sheet["A2"].hyperlink is None
    assert sheet["A2"].value == "https://mpt.example/a"


def test_numbers_stay_numbers_below_nothing_too() -> None:
    rows = [{"Sent": 1204, "Share": 0.125, "Change": -5, "Value": Decimal("12500.50")}]
    assert both(rows) == (["1204", "0.125", "-5", "12500.5"], [1204, 0.125, -5, 12500.5])


def test_what_is_missing_is_an_empty_cell() -> None:
    rows = [{"a": None, "b": float("nan"), "c": float("inf"), "d": "x"}]
    assert both(rows) == (["", "", "", "x"], [None, None, None, "x"])


def test_yes_no_and_lists_are_words() -> None:
    rows = [{"Archived": False, "Won": True, "Tags": ("vip", "=2")}]
    assert both(rows) == (["No", "Yes", "vip, =2"], ["No", "Yes", "vip, =2"])


def test_times_are_the_viewers_and_days_are_days() -> None:
    rows = [{"Sent": datetime(2026, 11, 21, 2, 5, tzinfo=UTC), "Due": date(2026, 12, 1)}]
    assert from_csv(as_csv(rows, NEW_YORK))[1] == ["2026-11-20 21:05", "2026-12-01"]
    assert from_excel(as_excel(rows, "Rows", NEW_YORK))[1] == ["2026-11-20 21:05", "2026-12-01"]


def test_characters_that_excel_refuses_are_left_out() -> None:
    typed = "a\x00\x01\x0b\x1f\x7f\ufffe\uffff\ud800b\nc\td 😀 é"
    assert both([{"Note": typed}]) == (["ab\nc\td 😀 é"], ["ab\nc\td 😀 é"])


def test_a_control_character_hides_no_formula() -> None:
    assert both([{"Note": "\x01=1+1"}]) == (["'=1+1"], ["'=1+1"])


def test_a_text_too_long_for_a_cell_is_cut_and_not_lost() -> None:
    for cell in (row[0] for row in both([{"Note": "x" * 40_000}])):
        assert cell == "x" * 32_767


def test_headings_are_bold_and_stay_in_sight() -> None:
    content = as_excel(
        [{"Name": "Ada", "Sent": 1}], "A [sheet]: named/with *all* of it? and longer"
    )
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    assert sheet.freeze_panes == "A2"
    assert sheet["A1"].font.b
    assert sheet.auto_filter.ref == "A1:B2"
    assert len(sheet.title) <= 31


def test_no_rows_make_an_empty_file_that_opens() -> None:
    assert from_csv(as_csv([])) == [[]]
    assert openpyxl.load_workbook(io.BytesIO(as_excel([], ""))).sheetnames == ["Export"]


def test_a_key_a_row_lacks_is_an_empty_cell() -> None:
    rows: Rows = [{"a": "1", "b": "2"}, {"a": "3"}]
    assert from_csv(as_csv(rows)) == [["a", "b"], ["1", "2"], ["3", ""]]
