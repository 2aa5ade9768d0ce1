"""A campaign's plan: its steps in order, and when the next one is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.drip.calendar import Calendar, SendWindow


@dataclass(frozen=True, slots=True)
class Step:
    """One e-mail of a sequence. `number` is its identity for life, `position` its place today."""

    number: int
    position: int
    delay_days: int


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """Steps by position, and the window in which they may leave."""

    key: str
    window: SendWindow
    respect_holidays: bool
    steps: tuple[Step, ...]

    def next_after(self, number: int) -> Step | None:
        """The step that follows, or None after the last. A step no longer in the plan ends it."""
        positions = {step.number: step.position for step in self.steps}
        here = positions.get(number)
        if here is None:
            return None
        return min(
            (s for s in self.steps if s.position > here), key=lambda s: s.position, default=None
        )


class DueDates:
    """When the next step is due, worked out once for contacts that share a zone and country."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._known: dict[tuple[str, int, str, str | None, datetime], datetime] = {}

    def of(
        self, plan: CampaignPlan, step: Step, *, sent_at: datetime, zone: str, country: str | None
    ) -> datetime:
        """Aware UTC. Seconds are dropped: a batch of a thousand then shares a handful of dates."""
        minute = sent_at.replace(second=0, microsecond=0)
        key = (plan.key, step.number, zone, country, minute)
        if key not in self._known:
            holidays = country if plan.respect_holidays else None
            self._known[key] = self._calendar.due_at(
                minute, step.delay_days, plan.window, zone, holidays
            )
        return self._known[key]


def plan_of(
    key: str, *, window: SendWindow, respect_holidays: bool, steps: Sequence[Step]
) -> CampaignPlan:
    ordered = tuple(sorted(steps, key=lambda s: s.position))
    return CampaignPlan(key, window, respect_holidays, ordered)
