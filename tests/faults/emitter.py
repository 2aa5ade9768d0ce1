"""The provider's event webhook in simulated time: what was accepted is reported, in the disorder
that real deliveries show — late, shuffled, twice, and again and again while nobody answers."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from tests.standins.sendgrid_events import Event, again, event_of
from tests.standins.sendgrid_records import AcceptedMail

Item = TypeVar("Item")
Post = Callable[[list[Event], datetime], bool]
"""Makes one signed request; True if it was answered with a 2xx."""

GIVES_UP_AFTER = timedelta(hours=24)
"""So long SendGrid repeats a delivery."""


@dataclass(frozen=True, slots=True)
class Habits:
    """Shares are of all events. An e-mail's events come within one of the `lags`, each as likely
    as the others. A share of `unheard` answers never gets back, and such a delivery counts as
    failed. A failed one is repeated after `first_retry`, then each time after twice as long, up to
    `longest_retry`."""

    repeated: float = 0.1
    new_event_id: float = 0.5
    lags: tuple[timedelta, ...] = (
        timedelta(seconds=10),
        timedelta(seconds=30),
        timedelta(minutes=3),
        timedelta(minutes=20),
    )
    batch: int = 100
    unheard: float = 0.02
    first_retry: timedelta = timedelta(minutes=1)
    longest_retry: timedelta = timedelta(minutes=30)


@dataclass(slots=True)
class _Delivery:
    """Events that travel together from their first attempt on."""

    events: list[Event]
    since: datetime
    wait: timedelta


class Emitter:
    def __init__(self, post: Post, randomness: random.Random, habits: Habits) -> None:
        self._post = post
        self._randomness = randomness
        self._habits = habits
        self._order = itertools.count()
        self._events: list[tuple[datetime, int, Event]] = []
        self._failed: list[tuple[datetime, int, _Delivery]] = []
        self.posts = 0
        self.failures = 0
        self.given_up = 0

    @property
    def pending(self) -> int:
        """Events not yet told, whether due or not."""
        return len(self._events) + sum(len(d.events) for _, _, d in self._failed)

    def hear(self, mails: Iterable[AcceptedMail]) -> None:
        """Plan what will be reported about e-mails just accepted."""
        for mail in mails:
            lag = self._randomness.choice(self._habits.lags)
            processed = mail.at + timedelta(seconds=2) * self._randomness.random()
            delivered = processed + lag * self._randomness.random()
            self._plan(mail, "processed", processed, lag)
            self._plan(mail, "delivered", delivered, lag)

    def _plan(self, mail: AcceptedMail, kind: str, at: datetime, lag: timedelta) -> None:
        event = event_of(mail, kind, at=at)
        self._tell(event, at + lag * self._randomness.random())
        if self._randomness.random() < self._habits.repeated:
            newly_named = self._randomness.random() < self._habits.new_event_id
            copy = again(event) if newly_named else event
            self._tell(copy, at + timedelta(hours=3) * self._randomness.random())

    def _tell(self, event: Event, at: datetime) -> None:
        heapq.heappush(self._events, (at, next(self._order), event))

    def deliver_due(self, now: datetime) -> None:
        """Everything due by now goes out, in shuffled batches; what fails comes again later."""
        for delivery in self._due(now):
            self.posts += 1
            taken = self._post(delivery.events, now)
            if taken and self._randomness.random() >= self._habits.unheard:
                continue
            self.failures += 1
            if now - delivery.since > GIVES_UP_AFTER:
                self.given_up += len(delivery.events)
                continue
            heapq.heappush(self._failed, (now + delivery.wait, next(self._order), delivery))
            delivery.wait = min(delivery.wait * 2, self._habits.longest_retry)

    def _due(self, now: datetime) -> list[_Delivery]:
        failed = _pop_due(self._failed, now)
        fresh = _pop_due(self._events, now)
        self._randomness.shuffle(fresh)
        deliveries = [
            _Delivery(batch, now, self._habits.first_retry) for batch in self._batches(fresh)
        ]
        due = [*failed, *deliveries]
        self._randomness.shuffle(due)
        return due

    def _batches(self, events: list[Event]) -> Iterable[list[Event]]:
        start = 0
        while start < len(events):
            size = self._randomness.randint(1, self._habits.batch)
            yield events[start : start + size]
            start += size


def _pop_due(heap: list[tuple[datetime, int, Item]], now: datetime) -> list[Item]:
    due = []
    while heap and heap[0][0] <= now:
        due.append(heapq.heappop(heap)[2])
    return due
