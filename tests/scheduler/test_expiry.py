"""Steps that say how long they are of use: too late they are left out, and the rest goes on."""

from datetime import timedelta
from typing import Any

import pytest

from crm.records.templates import TemplateDraft
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, Raw
from tests.database.sending import one, values
from tests.scheduler.conftest import Scheduler
from tests.standins import sendgrid_records as answers
from tests.standins.sendgrid import SendGridStandIn

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def library(service: DbService, raw: Raw) -> None:
    """Four steps a week apart; from the second on they are of use for two days."""
    raw.execute(
        "update drip_campaigns set window_days = '{1,2,3,4,5,6,7}', window_start = '00:00',"
        " window_end = '00:00', respect_holidays = false"
    )
    for step in (1, 2, 3, 4):
        _publish(service, raw, step, expires=None if step == 1 else 2)


def _publish(
    desk: DbService, raw: Raw, step: int, *, expires: int | None, delay: int = 7, **fields: Any
) -> None:
    text = f"lead {step}"
    given: dict[str, Any] = {
        "campaign_id": str(values(raw, "select id from drip_campaigns where key = 'lead'")[0]),
        "step": step,
        "name": f"E-mail {step}",
        "subject": text,
        "preheader": "",
        "body": text,
        "delay_days": 0 if step == 1 else delay,
        "expires_after_days": expires,
        "content_hash": f"{step}-{delay}-{expires}",
        "compiled": {"subject": text, "html": f"<p>{text}</p>", "text": text, "slots": []},
    }
    desk.templates.publish(TemplateDraft(**given | fields), now=NOW - DAY)


def _subjects(standin: SendGridStandIn) -> list[str]:
    return [mail.subject for mail in standin.accepted]


def _due(raw: Raw) -> tuple[int, Any]:
    row = one(raw, "select next_step, next_send_at from campaign_enrollments")
    return row["next_step"], row["next_send_at"]


@pytest.mark.parametrize(("late", "sent"), [(0, True), (1.9, True), (2, False), (3, False)])
def test_a_step_that_comes_too_late_is_left_out(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    late: float,
    sent: bool,
) -> None:
    a_contact()
    scheduler.tick()
    told = scheduler.tick(days=7 + late)
    assert (told.get("accepted", 0), told.get("expired", 0)) == (int(sent), int(not sent))
    assert _subjects(sendgrid_standin) == ["lead 1", "lead 2"][: 1 + sent]


def test_after_three_days_of_silence_the_sequence_goes_on_with_the_next_step(
    scheduler: Scheduler, sendgrid_standin: SendGridStandIn, raw: Raw, a_contact: AContact
) -> None:
    """One that was left out must not make the next ones late in turn."""
    contact = a_contact()
    scheduler.tick()
    assert scheduler.tick(days=10)["expired"] == 1
    assert _due(raw) == (3, NOW + 17 * DAY)
    decision = one(raw, "select reason, explanation from drip_decisions")
    assert decision["reason"] == "step_expired"
    assert "Step 2 was to be sent before" in decision["explanation"]
    assert scheduler.tick(days=7)["accepted"] == 1
    assert scheduler.tick(days=7)["accepted"] == 1
    assert _subjects(sendgrid_standin) == ["lead 1", "lead 3", "lead 4"]
    query = "select status from campaign_enrollments where contact_id = %s"
    assert values(raw, query, contact) == ["completed"]


def test_a_step_without_a_limit_is_sent_however_late(
    scheduler: Scheduler, sendgrid_standin: SendGridStandIn, a_contact: AContact
) -> None:
    a_contact()
    assert scheduler.tick(days=300)["accepted"] == 1
    assert _subjects(sendgrid_standin) == ["lead 1"]


def test_the_last_step_left_out_completes_the_enrollment(
    scheduler: Scheduler, raw: Raw, a_contact: AContact
) -> None:
    a_contact()
    for days in (0, 7, 7):
        assert scheduler.tick(days=days)["accepted"] == 1
    assert scheduler.tick(days=10)["expired"] == 1
    row = one(raw, "select status, next_send_at from campaign_enrollments")
    assert row == {"status": "completed", "next_send_at": None}


def test_a_provider_that_is_away_too_long_makes_a_step_expire(
    scheduler: Scheduler, sendgrid_standin: SendGridStandIn, raw: Raw, a_contact: AContact
) -> None:
    a_contact()
    scheduler.tick()
    scheduler.clock.advance(days=7)
    sendgrid_standin.answer_next(answers.rate_limited(retry_after="60"), times=4)
    for _ in range(4):
        assert scheduler.tick(hours=11)["retry"] == 1
    assert scheduler.tick(hours=11)["expired"] == 1
    assert _subjects(sendgrid_standin) == ["lead 1"]


def test_what_would_wait_beyond_its_use_is_left_out_at_once(
    scheduler: Scheduler, raw: Raw, a_contact: AContact
) -> None:
    a_contact()
    scheduler.tick()
    tuesday = "update drip_campaigns set window_days = '{1}'"
    raw.execute(tuesday.encode())
    assert scheduler.tick(days=7)["expired"] == 1
    assert (
        "Outside sending hours" in one(raw, "select explanation from drip_decisions")["explanation"]
    )


def test_a_delay_made_shorter_does_not_make_anybody_late(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
) -> None:
    """They were told nothing yet: what counts is when it was to be sent, not a delay of today."""
    a_contact()
    scheduler.tick()
    _publish(service, raw, 2, expires=2, delay=1)
    assert scheduler.tick(days=7)["accepted"] == 1
    assert _subjects(sendgrid_standin) == ["lead 1", "lead 2"]


def test_a_step_taken_out_makes_the_one_behind_it_due_and_not_late(
    scheduler: Scheduler,
    bob: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
) -> None:
    _publish(bob, raw, 2, expires=2, delay=60)
    a_contact()
    scheduler.tick()
    now = scheduler.clock.advance(days=30)
    lead = str(values(raw, "select id from drip_campaigns where key = 'lead'")[0])
    bob.templates.retire(lead, 2, now=now)
    assert scheduler.tick(hours=1)["accepted"] == 1
    assert _subjects(sendgrid_standin) == ["lead 1", "lead 3"]


def test_a_late_report_of_a_step_left_out_still_proves_it(
    scheduler: Scheduler, raw: Raw, a_contact: AContact
) -> None:
    a_contact()
    scheduler.tick()
    scheduler.tick(days=10)
    raw.execute(
        "insert into email_events (send_id, contact_id, event, occurred_at, message_id)"
        " select id, contact_id, 'delivered', %s, 'm' from email_sends where step = 2",
        (scheduler.clock(),),
    )
    assert values(raw, "select status from email_sends order by step") == ["accepted", "delivered"]
    assert _due(raw)[0] == 3, "it goes on once"
