"""Analytics: what the campaigns' e-mails led to.

The database keeps one short row an e-mail with what became of it (migration …2700), brought up to
date contact by contact; every figure is counted from those rows when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from crm.database.gateway import Gateway
from crm.records.figures import (
    CampaignFigures,
    CohortFigures,
    DayFigures,
    EmailFigures,
    Period,
    StepFigures,
    TypeFigures,
)
from crm.records.rows import records_from

__all__ = [
    "AnalyticsRecords",
    "CampaignFigures",
    "CohortFigures",
    "DayFigures",
    "EmailFigures",
    "Period",
    "StepFigures",
    "TypeFigures",
]

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _CaughtUp:
    taken: int
    waiting: int


class AnalyticsRecords:
    """Sums over all contacts, for every colleague. Raises NotAllowedError for anybody else."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def catch_up(self, *, parts: int = 1) -> int:
        """Take in what happened since the last time, at most a thousand changes a part. Returns
        how many still wait: 0 means that the figures are up to date."""
        for _ in range(parts):
            caught_up = records_from(_CaughtUp, self._gateway.call("count_outcomes"))[0]
            # Nothing taken while something waits: somebody else is at it already.
            if not caught_up.taken or not caught_up.waiting:
                break
        return caught_up.waiting

    def campaigns(self, period: Period) -> list[CampaignFigures]:
        """Every campaign that is not archived or sent something in the period, in the order of
        contact types."""
        rows = self._gateway.call("campaign_figures", p_since=period.since, p_until=period.until)
        return records_from(CampaignFigures, rows)

    def steps(self, campaign_id: str, period: Period) -> list[StepFigures]:
        """The e-mails of the sequence in their order, then those that were taken out of it and
        sent in the period."""
        rows = self._gateway.call(
            "step_figures", p_campaign=campaign_id, p_since=period.since, p_until=period.until
        )
        return records_from(StepFigures, rows)

    def by_day(self, campaign_id: str | None, period: Period, zone: str) -> list[DayFigures]:
        """Every day of the period in that IANA zone, quiet ones too; None: all campaigns. The first
        and the last day are only as long as the period reaches into them."""
        found: dict[date, DayFigures] = {}
        for part in _parts(period, self._gateway.most_rows()):
            rows = self._gateway.call(
                "day_figures",
                p_campaign=campaign_id,
                p_since=part.since,
                p_until=part.until,
                p_zone=zone,
            )
            for day in records_from(DayFigures, rows):
                found[day.day] = _together(found[day.day], day) if day.day in found else day
        return [found.get(day, DayFigures(day)) for day in _days(period, zone)]

    def cohorts(
        self, campaign_id: str, *, months: int, now: datetime, zone: str = "UTC"
    ) -> list[CohortFigures]:
        """The current month of that IANA zone and those before it, the oldest first; months in
        which nobody joined too."""
        rows = self._gateway.call(
            "cohort_figures", p_campaign=campaign_id, p_months=months, p_zone=zone, p_now=now
        )
        return records_from(CohortFigures, rows)

    def funnel_by_type(self) -> list[TypeFigures]:
        """Every contact type, in its order."""
        return records_from(TypeFigures, self._gateway.call("type_figures"))


def _days(period: Period, zone: str) -> Iterator[date]:
    there = ZoneInfo(zone)
    day = period.since.astimezone(there).date()
    # The period ends before `until`: a day that begins there is not part of it.
    last = (period.until - timedelta(microseconds=1)).astimezone(there).date()
    while day <= last:
        yield day
        day += _A_DAY


def _parts(period: Period, most_rows: int) -> Iterator[Period]:
    """Stretches that have fewer days than one answer may have rows, borders included."""
    # A stretch of n days touches n + 1 days of the calendar, or n + 2 when the clocks change.
    days = min(most_rows - 2, period.length.days + 1)
    length = max(1, days) * _A_DAY
    since = period.since
    while since < period.until:
        until = min(since + length, period.until)
        yield Period(since, until)
        since = until


def _together(one: DayFigures, other: DayFigures) -> DayFigures:
    """A day that two answers each tell a part of."""
    return DayFigures(
        one.day,
        one.sent + other.sent,
        one.delivered + other.delivered,
        one.opened + other.opened,
        one.clicked + other.clicked,
        one.replied + other.replied,
        one.unsubscribed + other.unsubscribed,
        one.converted + other.converted,
    )
