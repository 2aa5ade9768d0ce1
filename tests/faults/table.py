"""The figures of a run: a table for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.faults.checker import KINDS
from tests.faults.stage import Row

_SHOWN = ("lost", "duplicated", "after stop")
_HEAD = (
    "phase",
    "faults",
    "sends",
    "accepted",
    "held",
    *_SHOWN,
    "otherwise wrong",
    "seconds",
)


def table(rows: Sequence[Row]) -> str:
    cells = [_cells(row) for row in rows]
    lines = [_HEAD, *cells, _totals(rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    shown = [_line(line, widths) for line in lines]
    rule = "-" * len(shown[0])
    return "\n".join([shown[0], rule, *shown[1:-1], rule, shown[-1]])


def faults_by_kind(row: Row) -> str:
    """One line: what was done how often, and what the engine made of it."""
    done = ", ".join(f"{kind} {many:,}" for kind, many in sorted(row.faults.items()))
    noted = ", ".join(f"{what} {many:,}" for what, many in row.notes.items() if many)
    return f"{row.phase}: {done}\n    {noted}"


def examples(row: Row) -> list[str]:
    """Up to three of each kind of wrong, in words."""
    said = [
        f"{row.phase}: {kind} ({KINDS[kind]}): {len(keys)}, such as {keys[:3]}"
        for kind, keys in row.verdict.wrong.items()
        if keys
    ]
    if row.fault_count < row.goal:
        said.append(f"{row.phase}: only {row.fault_count} of {row.goal} faults came about")
    return said


def as_json(row: Row) -> dict[str, Any]:
    verdict = row.verdict
    return {
        "phase": row.phase,
        "faults": row.fault_count,
        "goal": row.goal,
        "faults_by_kind": dict(row.faults),
        "sends": verdict.sends,
        "accepted": verdict.accepted,
        "held": verdict.held,
        "expired": verdict.expired,
        "wrong": {kind: verdict.count(kind) for kind in KINDS},
        "notes": dict(row.notes),
        "seconds": round(row.seconds, 1),
    }


def _cells(row: Row) -> tuple[str, ...]:
    verdict = row.verdict
    others = sum(verdict.count(kind) for kind in KINDS if kind not in _SHOWN)
    numbers = [row.fault_count, verdict.sends, verdict.accepted, verdict.held]
    numbers += [*(verdict.count(kind) for kind in _SHOWN), others]
    return (row.phase, *(f"{number:,}" for number in numbers), f"{row.seconds:,.0f}")


def _totals(rows: Sequence[Row]) -> tuple[str, ...]:
    columns = zip(*(_cells(row)[1:] for row in rows), strict=True)
    return ("all", *(f"{sum(int(c.replace(',', '')) for c in column):,}" for column in columns))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "  ".join([first, *rest])
