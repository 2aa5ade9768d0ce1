"""Evidence that comes before the answer, after the judgement, or twice at once."""

import json
import threading
import uuid
from dataclasses import asdict
from datetime import timedelta

import psycopg

from crm.records.engine import Settlement
from db_service import DbService, IncomingEvent
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.reporting import an_hour_of_reports, told
from tests.database.sending import SlowScheduler, accepted, one, values

DAY = timedelta(days=1)


def _handed_over(service: DbService, how_many: int) -> tuple[SlowScheduler, list[str]]:
    """A scheduler and its sends, which left in one request."""
    scheduler = SlowScheduler(service)
    sends = [c.send_id for c in scheduler.claim()]
    assert scheduler.hand_over(sends) == set(sends)
    assert len(sends) == how_many
    return scheduler, sends


def _unclear(sends: list[str]) -> list[Settlement]:
    return [Settlement(send_id=s, status="unconfirmed", reason="timeout") for s in sends]


def test_a_request_half_of_which_was_reported_before_its_answer_is_not_heard_of(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 2)
    for _ in range(10):
        a_contact()
    scheduler, sends = _handed_over(service, 10)
    for row in raw.execute("select * from email_sends order by id limit 5").fetchall():
        told(service, row, "processed", heard_at=NOW)
    scheduler.settle([accepted(send) for send in sends])
    assert one(raw, "select accepted_count, heard_of_count from send_requests") == {
        "accepted_count": 10,
        "heard_of_count": 5,
    }
    assert scheduler.settle([accepted(send) for send in sends]) == 0
    assert values(raw, "select accepted_count from send_requests") == [10]


def test_a_report_after_the_judgement_proves_the_rest_of_its_request(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 2)
    a_contact()
    a_contact()
    scheduler, sends = _handed_over(service, 2)
    scheduler.settle(_unclear(sends))
    an_hour_of_reports(raw)
    assert service.engine.sweep(scheduler.run, now=NOW + timedelta(hours=3)).resent == 2
    row = one(raw, "select * from email_sends order by id limit 1")
    told(service, row, "delivered", heard_at=NOW + timedelta(hours=4))
    assert sorted(values(raw, "select status from email_sends")) == ["accepted", "delivered"]
    assert not SlowScheduler(service).claim(NOW + timedelta(hours=5))


def test_an_e_mail_that_did_not_go_out_before_the_type_went_there_and_back_goes_out_now(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 3)
    published_steps("client", 3)
    a_contact()
    scheduler, sends = _handed_over(service, 1)
    scheduler.settle(_unclear(sends))
    for contact_type in ("client", "lead"):
        raw.execute("update contacts set contact_type = %s", [contact_type])
    an_hour_of_reports(raw)
    assert service.engine.sweep(scheduler.run, now=NOW + timedelta(hours=3)).resent == 1
    went = [
        c.step
        for day in range(1, 30)
        for c in SlowScheduler(service).send_all(NOW + day * DAY, next_step=None)
    ]
    assert went[0] == 1


def test_two_batches_about_one_e_mail_at_the_same_moment_are_both_heard(
    service: DbService,
    raw: Raw,
    address: str,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    a_contact()
    SlowScheduler(service).send_all()
    send = one(raw, "select id::text, to_email from email_sends")

    def event(kind: str, minute: int) -> IncomingEvent:
        return IncomingEvent(
            event=kind,
            occurred_at=NOW + timedelta(minutes=minute),
            email=send["to_email"],
            send_id=send["id"],
            message_id="m1",
            provider_event_id=str(uuid.uuid4()),
            payload={},
        )

    with psycopg.connect(address) as first:
        early = event("delivered", 1)
        text = json.dumps([asdict(early) | {"occurred_at": early.occurred_at.isoformat()}])
        first.execute("select * from record_events(%s, %s)", (text, NOW))
        second = threading.Thread(
            target=lambda: service.events.record([event("open", 30)], now=NOW)
        )
        second.start()
        second.join(0.5)
        assert second.is_alive(), "the second batch waits for the first"
        first.commit()
        second.join(10)
    assert not second.is_alive()
    assert one(raw, "select delivered_at, first_opened_at from email_sends") == {
        "delivered_at": NOW + timedelta(minutes=1),
        "first_opened_at": NOW + timedelta(minutes=30),
    }


def test_reports_on_earlier_requests_of_a_fast_clock_prove_nothing(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 2)
    # Handed over before, and written down three hours too late by a clock that is ahead.
    an_hour_of_reports(raw)
    raw.execute("update send_requests set handed_over_at = handed_over_at + interval '3 hours'")
    a_contact()
    scheduler, sends = _handed_over(service, 1)
    scheduler.settle(_unclear(sends))
    in_a_day = NOW + DAY
    assert service.engine.sweep(scheduler.run, now=in_a_day).resent == 0
    raw.execute(
        "insert into send_requests (id, scheduler_run_id, handed_over_at, accepted_count,"
        " heard_of_count, first_event_at)"
        " select gen_random_uuid(), scheduler_run_id, handed_over_at, accepted_count,"
        " heard_of_count, first_event_at from send_requests where first_event_at is not null"
        " order by number"
    )
    assert service.engine.sweep(scheduler.run, now=in_a_day).resent == 1
