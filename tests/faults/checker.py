"""What a run did against what it should have done. Pure: facts in, verdict out.

Three witnesses are compared: the load (who is to get what, and when they said stop), the provider
(what it accepted, and when), and the database (what the product believes).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from holidays import country_holidays

from tests.faults.load import Arrival, Plan

Key = tuple[str, str, int]
"""(address, campaign, step): what may be accepted once at most."""

_DAY = timedelta(days=1)
# An e-mail is due once the one before it is known to have gone: after an interrupted request that
# is when the provider reports on it, not when it took it.
_KNOWN_WITHIN = timedelta(hours=3)
KNOWN_AS_SENT = frozenset({"accepted", "delivered", "bounced", "dropped"})


@dataclass(frozen=True, slots=True)
class Taken:
    """An e-mail the provider accepted, told from its own content; `at` in simulated time."""

    key: Key
    send_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A send as the database has it; `held`: it waits for a person or for evidence."""

    id: str
    key: Key
    status: str
    held: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """`stopped`: from when on nothing may be accepted for an address. `expired`: steps left out
    for good because they came too late, as the database explains, and since when."""

    arrivals: tuple[Arrival, ...]
    taken: tuple[Taken, ...]
    stored: tuple[Stored, ...]
    stopped: Mapping[str, datetime] = field(default_factory=dict)
    expired: Mapping[Key, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rules:
    """`on_time` False: some scheduler's clock was wrong, so windows and days are not held against
    it. `may_hold`: what nobody can know may wait for a person."""

    plans: Mapping[str, Plan]
    on_time: bool = True
    may_hold: bool = False
    contact_daily_cap: int = 1


KINDS = {
    "lost": "should have been sent by the end, was never accepted, and waits for nobody",
    "duplicated": "accepted more than once",
    "phantom": "believed to be sent, never accepted",
    "unknown": "accepted, not believed to be sent",
    "after stop": "accepted after the contact said stop",
    "stranger": "accepted for nobody of the load, or for a step that does not exist",
    "outside window": "accepted outside the contact's send window",
    "over cap": "more than the daily cap on one local day of the contact",
    "early": "before the e-mail it follows, or before its delay was over",
    "too late": "accepted although it had expired",
}
"""Everything that is wrong, whatever happened to the machines."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wrong`: kind → every key it concerns. `held`: sends that wait, where they may."""

    accepted: int
    sends: int
    held: int
    expired: int
    wrong: Mapping[str, tuple[Key, ...]]

    def count(self, kind: str) -> int:
        return len(self.wrong.get(kind, ()))

    @property
    def is_clean(self) -> bool:
        return not any(self.wrong.values())


def check(facts: Facts, rules: Rules) -> Verdict:
    arrivals = {arrival.email: arrival for arrival in facts.arrivals}
    first_taken: dict[Key, datetime] = {}
    for mail in facts.taken:
        first_taken.setdefault(mail.key, mail.at)
    held = {s.key for s in facts.stored if s.held and s.key not in first_taken}
    found = [
        *(("lost", key) for key in _lost(facts, rules, first_taken, held)),
        *_counted(facts),
        *_believed(facts),
        *_unwanted(facts, rules, arrivals),
    ]
    if rules.on_time:
        found += _untimely(rules, arrivals, first_taken, facts.expired)
    wrong: dict[str, list[Key]] = {kind: [] for kind in KINDS}
    for kind, key in found:
        wrong[kind].append(key)
    return Verdict(
        accepted=len(facts.taken),
        sends=len(facts.stored),
        held=len(held),
        expired=len(facts.expired),
        wrong={kind: tuple(keys) for kind, keys in wrong.items()},
    )


def _lost(
    facts: Facts, rules: Rules, taken: Mapping[Key, datetime], held: set[Key]
) -> Iterator[Key]:
    waiting = held if rules.may_hold else set()
    # An e-mail that waits keeps those behind it waiting.
    behind = {key[:2] for key in waiting}
    for arrival in facts.arrivals:
        if arrival.email in facts.stopped or (arrival.email, arrival.campaign) in behind:
            continue
        for step in range(1, len(rules.plans[arrival.campaign].delays) + 1):
            key = (arrival.email, arrival.campaign, step)
            if key not in taken and key not in facts.expired:
                yield key


def _counted(facts: Facts) -> Iterator[tuple[str, Key]]:
    times = Counter(mail.key for mail in facts.taken)
    return (("duplicated", key) for key, many in times.items() if many > 1)


def _believed(facts: Facts) -> Iterator[tuple[str, Key]]:
    by_id = {send.id: send for send in facts.stored}
    taken_ids = {mail.send_id for mail in facts.taken}
    for send in facts.stored:
        if send.status in KNOWN_AS_SENT and send.id not in taken_ids:
            yield "phantom", send.key
    for mail in facts.taken:
        send_or_none = by_id.get(mail.send_id)
        if send_or_none is None or send_or_none.status not in KNOWN_AS_SENT:
            yield "unknown", mail.key


def _unwanted(
    facts: Facts, rules: Rules, arrivals: Mapping[str, Arrival]
) -> Iterator[tuple[str, Key]]:
    for mail in facts.taken:
        email, campaign, step = mail.key
        arrival = arrivals.get(email)
        if (
            arrival is None
            or arrival.campaign != campaign
            or not 1 <= step <= len(rules.plans[campaign].delays)
        ):
            yield "stranger", mail.key
        if email in facts.stopped and mail.at > facts.stopped[email]:
            yield "after stop", mail.key
        if mail.key in facts.expired:
            yield "too late", mail.key


def _untimely(
    rules: Rules,
    arrivals: Mapping[str, Arrival],
    taken: Mapping[Key, datetime],
    expired: Mapping[Key, datetime],
) -> list[tuple[str, Key]]:
    found: list[tuple[str, Key]] = []
    days: defaultdict[tuple[str, object], list[Key]] = defaultdict(list)
    # A step left out gives way at that moment: the next one is due, and expires, from there.
    passed = {**taken, **expired}
    for key, at in taken.items():
        email, campaign, step = key
        if email not in arrivals:
            continue
        arrival, plan = arrivals[email], rules.plans[campaign]
        local = at.astimezone(ZoneInfo(arrival.zone))
        if not is_open(plan, local, arrival.country):
            found.append(("outside window", key))
        earlier = [passed[k] for s in range(1, step) if (k := (email, campaign, s)) in passed]
        follows = max(earlier, default=arrival.at)
        days_passed = (local.date() - follows.astimezone(local.tzinfo).date()).days
        delay = plan.delays[step - 1]
        if at < follows or days_passed < delay:
            found.append(("early", key))
        if plan.expires_after is not None and at >= follows + _KNOWN_WITHIN + _DAY * (
            delay + plan.expires_after
        ):
            found.append(("too late", key))
        days[email, local.date()].append(key)
    found += (("over cap", keys[-1]) for keys in _over(days.values(), rules.contact_daily_cap))
    return found


def _over(days: Iterable[list[Key]], cap: int) -> Iterator[list[Key]]:
    return (keys for keys in days if len(keys) > cap)


def is_open(plan: Plan, local: datetime, country: str) -> bool:
    """Whether the wall clock of the contact stands inside the window: worked out here on its own,
    not with the calendar of the product."""
    if local.isoweekday() not in plan.days:
        return False
    if plan.holidays and local.date() in country_holidays(country, years=local.year):
        return False
    clock = local.time()
    return plan.opens <= clock and (plan.closes == time(0) or clock < plan.closes)
