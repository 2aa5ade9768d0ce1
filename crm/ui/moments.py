"""Moments as the viewer's calendar shows them. Stored times are aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# How a date input shows its day: of the formats it knows, the one nobody reads the other way round.
DATE_INPUT: Final = "YYYY-MM-DD"


def zone_or_utc(name: str | None) -> ZoneInfo:
    """The zone a browser or a profile names; UTC for none or one nobody knows."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Moments:
    """Formats for one viewer at one moment (`now`, aware UTC)."""

    zone: ZoneInfo
    now: datetime

    def when(self, moment: datetime | None, *, never: str = "–") -> str:
        """ "Today, 09:00", "Tomorrow, 09:00", "Mon 23 Nov, 09:00"; the year where it is another."""
        if moment is None:
            return never
        local, today = moment.astimezone(self.zone), self.now.astimezone(self.zone)
        near = {-1: "Yesterday", 0: "Today", 1: "Tomorrow"}.get((local.date() - today.date()).days)
        if near:
            return f"{near}, {local:%H:%M}"
        year = f" {local.year}" if local.year != today.year else ""
        return f"{local:%a} {local.day} {local:%b}{year}, {local:%H:%M}"

    def due(self, moment: datetime | None) -> str:
        """For an e-mail to come: "Due now" once its time has passed, nothing without one."""
        if moment is None:
            return ""
        return "Due now" if moment <= self.now else self.when(moment)

    def day(self, moment: datetime) -> str:
        """ "16 March" of a moment that stands for a whole day, in UTC; the year if it is another.

        A contact's quiet ends at midnight UTC: in the viewer's zone that may be the day before.
        """
        there = moment.astimezone(UTC)
        year = f" {there.year}" if there.year != self.now.astimezone(UTC).year else ""
        return f"{there.day} {there:%B}{year}"

    def exact(self, moment: datetime | None) -> str:
        """For hovering: with seconds and zone."""
        if moment is None:
            return ""
        local = moment.astimezone(self.zone)
        return f"{local:%A} {local.day} {local:%B %Y, %H:%M:%S} ({self.zone.key})"

    def ago(self, moment: datetime) -> str:
        """ "just now", "4 minutes ago", "3 hours ago", else as `when`."""
        seconds = int((self.now - moment.astimezone(UTC)).total_seconds())
        if seconds < 45:
            return "just now"
        if seconds < 90 * 60:
            minutes = max(1, round(seconds / 60))
            return f"{minutes} minute{'s' if minutes > 1 else ''} ago"
        if seconds < 24 * 3600:
            return f"{round(seconds / 3600)} hours ago"
        return self.when(moment)
