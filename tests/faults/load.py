"""Who is written to in a fault run: four small campaigns, and contacts that arrive over time."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]

_LONG_AGO = datetime(2027, 1, 1, tzinfo=UTC)
_ALL_DAYS = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign: the delay in days before each e-mail, and its window (from 00:00 to 00:00 is the
    whole day). E-mails expire `expires_after` days after they are due; None: never."""

    key: str
    delays: tuple[int, ...]
    days: frozenset[int] = _ALL_DAYS
    opens: time = time(0)
    closes: time = time(0)
    holidays: bool = False
    expires_after: int | None = None

    @property
    def is_always_open(self) -> bool:
        return self.days == _ALL_DAYS and self.opens == self.closes and not self.holidays


PLANS: Mapping[str, Plan] = {
    plan.key: plan
    for plan in (
        Plan("networking", (0, 1)),
        # The second is due at once and must wait a day: nobody gets two on one day.
        Plan("lead", (0, 0, 1)),
        Plan("prospect", (0, 1), frozenset(range(1, 6)), time(9), time(17), holidays=True),
        # Across the hours that DST skips or repeats.
        Plan("client", (0, 1), opens=time(1, 30), closes=time(3, 30)),
    )
}

PLACES = (
    ("America/New_York", "US"),
    ("Europe/Berlin", "DE"),
    ("Australia/Lord_Howe", "AU"),
    ("Pacific/Auckland", "NZ"),
    ("Asia/Kolkata", "IN"),
    ("America/St_Johns", "CA"),
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A contact of the load; its address says who it is everywhere."""

    email: str
    campaign: str
    zone: str
    country: str
    at: datetime


def prepare(connection: Connection) -> None:
    """The campaigns of a migrated database, with their e-mails published."""
    for plan in PLANS.values():
        connection.execute(
            "update drip_campaigns set window_days = %s, window_start = %s, window_end = %s,"
            " respect_holidays = %s where key = %s",
            (sorted(plan.days), plan.opens, plan.closes, plan.holidays, plan.key),
        )
        publish(connection, plan)
    # A kill before the hand-over is an attempt too, and here one contact may meet many.
    connection.execute("update app_settings set value = '1000' where key = 'send_attempts'")


def publish(connection: Connection, plan: Plan) -> None:
    """Every e-mail of the plan, as a new version where it differs from the published one."""
    for step, delay in enumerate(plan.delays, start=1):
        subject = f"{plan.key} {step}"
        content = {
            "name": subject,
            "subject": subject,
            "preheader": "",
            "body": f"E-mail {step}",
            "delay_days": delay,
            "expires_after_days": plan.expires_after,
            "content_hash": f"{subject}, {delay}, {plan.expires_after}",
            "compiled": {
                "subject": subject,
                "html": f"<!DOCTYPE html><title>{subject}</title><p>E-mail {step}</p>",
                "text": f"E-mail {step}",
                "slots": [],
            },
        }
        connection.execute(
            "select publish_template(id, %s, %s, %s) from drip_campaigns where key = %s",
            (step, json.dumps(content), _LONG_AGO, plan.key),
        )


class Load:
    """Draws contacts by the given weights of campaigns, and adds them to the database."""

    def __init__(
        self, randomness: random.Random, weights: Mapping[str, float], *, prefix: str = "c"
    ) -> None:
        self._randomness = randomness
        self._keys = list(weights)
        self._weights = list(weights.values())
        self._prefix = prefix
        self.arrivals: list[Arrival] = []

    def arrive(
        self,
        connection: Connection,
        count: int,
        *,
        now: datetime,
        places: Sequence[tuple[str, str]] = PLACES,
    ) -> list[Arrival]:
        """New contacts, enrolled by the database as any new contact is."""
        fresh = [self._one(now, places) for _ in range(count)]
        with connection.transaction():
            connection.execute("select set_config('mpt.now', %s, true)", (now.isoformat(),))
            connection.execute(
                "insert into contacts"
                " (first_name, last_name, email, contact_type, time_zone, country)"
                " select 'Grace', 'Hopper', * from"
                " unnest(%s::text[], %s::text[], %s::text[], %s::text[])",
                (
                    [a.email for a in fresh],
                    [a.campaign for a in fresh],
                    [a.zone for a in fresh],
                    [a.country for a in fresh],
                ),
            )
        return fresh

    def _one(self, now: datetime, places: Sequence[tuple[str, str]]) -> Arrival:
        zone, country = self._randomness.choice(places)
        campaign = self._randomness.choices(self._keys, self._weights)[0]
        email = f"{self._prefix}{len(self.arrivals) + 1}@customer.example"
        arrival = Arrival(email, campaign, zone, country, now)
        self.arrivals.append(arrival)
        return arrival
