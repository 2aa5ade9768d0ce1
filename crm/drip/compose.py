"""From a due contact to a letter ready to leave, or the reason why it stays. No clock, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from crm.drip.calendar import Calendar, NoOpening, UnknownTimeZone
from crm.drip.decide import Candidate, Caps, Postpone, Send, decide
from crm.drip.plan import CampaignPlan, DueDates
from crm.drip.render import MissingMergeValue, Renderer

# A person must mend what keeps it from being written; looking again each day is soon enough.
_LOOK_AGAIN = timedelta(days=1)


class DueContact(Protocol):
    """What the claim returns for one e-mail: the contact's merge values and recent sends."""

    @property
    def send_id(self) -> str: ...
    @property
    def contact_id(self) -> str: ...
    @property
    def campaign_id(self) -> str: ...
    @property
    def template_id(self) -> str: ...
    @property
    def step(self) -> int: ...
    @property
    def email(self) -> str: ...
    @property
    def first_name(self) -> str: ...
    @property
    def last_name(self) -> str: ...
    @property
    def company_name(self) -> str: ...
    @property
    def job_title(self) -> str: ...
    @property
    def industry(self) -> str: ...
    @property
    def city(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def time_zone(self) -> str | None: ...
    @property
    def owner_name(self) -> str | None: ...
    @property
    def owner_email(self) -> str | None: ...
    @property
    def owner_phone(self) -> str | None: ...
    @property
    def recent_sends(self) -> tuple[datetime, ...] | None: ...
    @property
    def expires_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Letter:
    """A rendered e-mail: the values of its template's slots, in their order."""

    due: DueContact
    values: tuple[str, ...]
    unsubscribe_url: str


@dataclass(frozen=True, slots=True)
class Held:
    """Not now, and until when (UTC; None: never), with the reason's code and plain words."""

    send_id: str
    until: datetime | None
    reason: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Defaults:
    """For contacts that name no time zone or country."""

    time_zone: str
    country: str


class Composer:
    """Decides and renders for one tick. Templates arrive bound to the sender."""

    def __init__(
        self,
        plans: Mapping[str, CampaignPlan],
        renderers: Mapping[str, Renderer],
        *,
        defaults: Defaults,
        caps: Caps,
    ) -> None:
        self._plans = plans
        self._renderers = renderers
        self._defaults = defaults
        self._caps = caps
        self._calendar = Calendar()
        self._open_until: dict[tuple[str, str, str], datetime] = {}
        self._due_dates = DueDates(self._calendar)

    def compose(self, due: DueContact, *, now: datetime, unsubscribe_url: str) -> Letter | Held:
        """Never raises for what a contact or a template brings along: such a letter is held."""
        if not due.recent_sends and not due.expires_at and self._is_open(due, now):
            return self._render(due, now, unsubscribe_url)
        held = self._decide(due, now)
        return held or self._render(due, now, unsubscribe_url)

    def _is_open(self, due: DueContact, now: datetime) -> bool:
        """Whether the window is known to be open: most of a batch shares a handful of places."""
        key = (due.campaign_id, *self._place(due))
        open_until = self._open_until.get(key)
        return open_until is not None and now < open_until

    def _decide(self, due: DueContact, now: datetime) -> Held | None:
        plan = self._plans[due.campaign_id]
        zone, country = self._place(due)
        candidate = Candidate(
            send_id=due.send_id,
            time_zone=zone,
            country=country if plan.respect_holidays else None,
            window=plan.window,
            step=due.step,
            recent_sends=due.recent_sends or (),
            expires_at=due.expires_at,
        )
        try:
            decision = decide(candidate, now=now, calendar=self._calendar, caps=self._caps)
        except (UnknownTimeZone, NoOpening) as error:
            return Held(due.send_id, now + _LOOK_AGAIN, "outside_send_window", str(error))
        if not isinstance(decision, Send):
            until = decision.until if isinstance(decision, Postpone) else None
            return Held(due.send_id, until, str(decision.reason), decision.explanation)
        opening = self._calendar.open_interval(plan.window, now, zone, candidate.country)
        if opening is not None:
            self._open_until[due.campaign_id, zone, country] = opening[1]
        return None

    def next_due(self, due: DueContact, *, sent_at: datetime) -> tuple[int, datetime] | None:
        """The step after this one and when it is due; None after the last."""
        plan = self._plans[due.campaign_id]
        step = plan.next_after(due.step)
        if step is None:
            return None
        zone, country = self._place(due)
        try:
            return step.number, self._due_dates.of(
                plan, step, sent_at=sent_at, zone=zone, country=country
            )
        except (UnknownTimeZone, NoOpening):
            # Decided again when it is due, and explained then.
            return step.number, sent_at + timedelta(days=step.delay_days)

    def _place(self, due: DueContact) -> tuple[str, str]:
        return due.time_zone or self._defaults.time_zone, due.country or self._defaults.country

    def _render(self, due: DueContact, now: datetime, unsubscribe_url: str) -> Letter | Held:
        try:
            values = self._renderers[due.template_id].values(merge_values(due), unsubscribe_url)
        except MissingMergeValue as error:
            return Held(due.send_id, now + _LOOK_AGAIN, "missing_merge_value", str(error))
        return Letter(due, tuple(values), unsubscribe_url)


def merge_values(due: DueContact) -> dict[str, Mapping[str, str | None]]:
    """The merge fields of one recipient, without sender.*, which is the same for all."""
    owner = due.owner_name or ""
    return {
        "contact": {
            "first_name": due.first_name,
            "last_name": due.last_name,
            "full_name": f"{due.first_name} {due.last_name}",
            "email": due.email,
            "job_title": due.job_title,
            "industry": due.industry,
            "city": due.city,
            "country": due.country,
        },
        "company": {"name": due.company_name},
        "owner": {
            "name": owner,
            "first_name": owner.split(" ", 1)[0],
            "email": due.owner_email,
            "phone": due.owner_phone,
        },
    }
