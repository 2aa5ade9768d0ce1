"""Moments that Postgres can hold and Python, or a page in somebody's zone, cannot: infinity, years
before Christ, and those beyond 9999. One such row must not keep all others from being shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

# Far enough from Python's own bounds that no time zone reaches over them.
EARLIEST = datetime(1000, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)


def moment_within_reach(text: str, read: Callable[[], datetime]) -> datetime:
    """The moment in UTC; the nearest one within reach for those that are not."""
    try:
        return min(max(read().astimezone(UTC), EARLIEST), LATEST)
    except (ValueError, OverflowError):
        return EARLIEST if _is_long_ago(text) else LATEST


def day_within_reach(text: str, read: Callable[[], date]) -> date:
    try:
        return min(max(read(), EARLIEST.date()), LATEST.date())
    except (ValueError, OverflowError):
        return (EARLIEST if _is_long_ago(text) else LATEST).date()


def _is_long_ago(text: str) -> bool:
    return text.startswith("-") or text.endswith("BC")
