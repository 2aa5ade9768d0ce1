"""Filters of the contact list by time, in words and as moments of the viewer's own days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from crm.ui.moments import Moments

# Code → words, and how many days back it reaches.
ACTIVE: Mapping[str, tuple[str, int]] = {
    "7": ("In the last 7 days", 7),
    "30": ("In the last 30 days", 30),
    "90": ("In the last 90 days", 90),
}
QUIET: Mapping[str, tuple[str, int]] = {
    "none30": ("None for 30 days", 30),
    "none90": ("None for 90 days", 90),
    "none365": ("None for a year", 365),
}
NEVER = "never"
ACTIVITY: Mapping[str, str] = {
    **{code: words for code, (words, _) in ACTIVE.items()},
    **{code: words for code, (words, _) in QUIET.items()},
    NEVER: "Never",
}
ACTIVITY_MEANS = (
    "Activity is what a person did: they wrote back, opened or clicked an e-mail (mail programs "
    "and security scanners left out), or a colleague wrote a note, called, met them, finished a "
    "task, or had them at an event or a discovery call. E-mails we sent do not count. “None for 30 "
    "days” leaves out who was added within them."
)
THIS_YEAR, BETWEEN = "year", "between"
CREATED: Mapping[str, str] = {
    "7": "In the last 7 days",
    "30": "In the last 30 days",
    "90": "In the last 90 days",
    THIS_YEAR: "This year",
    BETWEEN: "Between two days",
}


@dataclass(frozen=True, slots=True)
class Span:
    """Aware UTC; from `since` on and before `until`, None where it is open."""

    since: datetime | None = None
    until: datetime | None = None


def days_ago(days: int, moments: Moments) -> datetime:
    """Where the viewer's day began so many days ago. Whole days, so that a list stays the same
    while somebody turns its pages."""
    return _midnight(_today(moments) - timedelta(days=days), moments)


def created(code: str | None, first: date | None, last: date | None, moments: Moments) -> Span:
    """`first` and `last` are days of the viewer, both included, for BETWEEN alone."""
    if code is None:
        return Span()
    if code == THIS_YEAR:
        return Span(_midnight(_today(moments).replace(month=1, day=1), moments))
    if code == BETWEEN:
        return Span(
            _midnight(first, moments) if first else None,
            _midnight(last + timedelta(days=1), moments) if last else None,
        )
    return Span(days_ago(int(code), moments))


def _today(moments: Moments) -> date:
    return moments.now.astimezone(moments.zone).date()


def _midnight(day: date, moments: Moments) -> datetime:
    return datetime.combine(day, time(), moments.zone).astimezone(UTC)
