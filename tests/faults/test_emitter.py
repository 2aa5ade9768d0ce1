"""The provider's reports: each event gets there in the end, in whatever disorder."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.faults.emitter import GIVES_UP_AFTER, Emitter, Habits
from tests.standins.sendgrid_events import Event
from tests.standins.sendgrid_records import AcceptedMail

NOON = datetime(2028, 3, 7, 12, 0, tzinfo=UTC)
HABITS = Habits(repeated=0.2, lags=(timedelta(minutes=20),), batch=10, unheard=0.0)


class _Listener:
    def __init__(self) -> None:
        self.answers = True
        self.asked_at: list[datetime] = []
        self.heard: list[Event] = []

    def __call__(self, events: list[Event], at: datetime) -> bool:
        self.asked_at.append(at)
        if self.answers:
            self.heard += events
        return self.answers


def _mails(count: int) -> list[AcceptedMail]:
    return [
        AcceptedMail(
            {"custom_args": {"request_id": "r1"}},
            {"to": [{"email": f"c{n}@customer.example"}], "custom_args": {"send_id": f"s{n}"}},
            f"message{n}",
            NOON,
        )
        for n in range(count)
    ]


def _emitter(listener: _Listener, count: int = 100) -> Emitter:
    emitter = Emitter(listener, random.Random(1), HABITS)
    emitter.hear(_mails(count))
    return emitter


def test_every_e_mail_is_reported_as_processed_and_as_delivered() -> None:
    listener = _Listener()
    emitter = _emitter(listener)
    emitter.deliver_due(NOON + timedelta(days=1))
    told = {(event["send_id"], event["event"]) for event in listener.heard}
    assert told == {(f"s{n}", kind) for n in range(100) for kind in ("processed", "delivered")}
    assert {event["request_id"] for event in listener.heard} == {"r1"}
    assert emitter.pending == 0


def test_nothing_is_told_before_it_happened() -> None:
    listener = _Listener()
    emitter = _emitter(listener)
    emitter.deliver_due(NOON)
    assert listener.heard == []
    emitter.deliver_due(NOON + timedelta(minutes=5))
    told = [datetime.fromtimestamp(event["timestamp"], UTC) for event in listener.heard]
    assert told
    assert max(told) <= NOON + timedelta(minutes=5)


def test_some_events_come_twice_and_some_of_those_under_a_new_id() -> None:
    listener = _Listener()
    _emitter(listener).deliver_due(NOON + timedelta(days=1))
    times = Counter((e["send_id"], e["event"]) for e in listener.heard)
    ids = Counter(e["sg_event_id"] for e in listener.heard)
    assert max(times.values()) == 2
    assert (
        sum(1 for many in times.values() if many == 2)
        > sum(1 for many in ids.values() if many == 2)
        > 0
    )


def test_events_come_out_of_order() -> None:
    listener = _Listener()
    _emitter(listener).deliver_due(NOON + timedelta(days=1))
    stamps = [event["timestamp"] for event in listener.heard]
    assert stamps != sorted(stamps)


def test_a_failed_delivery_comes_again_at_growing_intervals_until_it_is_taken() -> None:
    listener = _Listener()
    emitter = _emitter(listener, count=1)
    listener.answers = False
    moment = NOON + timedelta(hours=5)
    emitter.deliver_due(moment)
    tried = {moment}
    for _ in range(40):
        moment += timedelta(minutes=1)
        before = len(listener.asked_at)
        emitter.deliver_due(moment)
        if len(listener.asked_at) > before:
            tried.add(moment)
    waits = [b - a for a, b in zip(sorted(tried), sorted(tried)[1:], strict=False)]
    assert [wait.total_seconds() / 60 for wait in waits] == [1, 2, 4, 8, 16]
    assert emitter.pending > 0
    listener.answers = True
    emitter.deliver_due(moment + timedelta(hours=1))
    assert emitter.pending == 0
    assert {event["event"] for event in listener.heard} == {"processed", "delivered"}


def test_it_gives_up_after_a_day() -> None:
    listener = _Listener()
    listener.answers = False
    emitter = _emitter(listener, count=1)
    emitter.deliver_due(NOON + timedelta(hours=4))
    emitter.deliver_due(NOON + timedelta(hours=5) + GIVES_UP_AFTER)
    assert emitter.pending == 0
    assert emitter.given_up > 0


def test_a_delivery_whose_answer_got_lost_is_made_again() -> None:
    listener = _Listener()
    emitter = Emitter(listener, random.Random(1), replace(HABITS, repeated=0.0, unheard=0.5))
    emitter.hear(_mails(20))
    for hours in range(1, 30):
        emitter.deliver_due(NOON + timedelta(hours=hours))
    times = Counter((event["send_id"], event["event"]) for event in listener.heard)
    assert len(times) == 40
    assert max(times.values()) > 1
    assert emitter.pending == 0
