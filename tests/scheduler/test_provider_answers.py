"""What the provider can answer, and what becomes of the e-mails, the run and the runs after it."""

import socket
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from crm.drip.compose import Letter
from crm.mail.sendgrid_sender import SendGridSender
from crm.scheduler.desk import Desk, sender_identity
from crm.scheduler.dispatch import Dispatcher
from crm.scheduler.progress import Lease, Progress, StopReason
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import last_reason, live, one, values
from tests.scheduler.conftest import ACrowd, Scheduler, SettingsFor
from tests.standins import sendgrid_records as answers
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.sendgrid_records import Scripted

# After any of these the provider may have the e-mail or not.
UNCLEAR = {
    "a server error": answers.server_error(503),
    "a server error after accepting": answers.server_error(500, accept=True),
    "a dropped connection": answers.drop_before_accepting(),
    "a connection dropped after accepting": answers.drop_after_accepting(),
    "a connection dropped while reading": answers.drop_while_reading(),
    "a captive portal": answers.garbage(),
    "a redirect": answers.redirect("http://127.0.0.1:9/elsewhere"),
    "silence": answers.slow(1.5),
}


def _statuses(raw: Raw) -> Counter[str]:
    return Counter(values(raw, "select status from email_sends"))


def _sent_once(standin: SendGridStandIn, n: int) -> bool:
    counts = Counter(mail.to for mail in standin.accepted)
    return len(counts) == n and set(counts.values()) == {1}


def test_one_bad_recipient_in_a_thousand_fails_alone(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 2)
    bad = a_contact(email="bad@customer.example")
    a_crowd(999)
    reason = "Does not contain a valid address."
    sendgrid_standin.refuse_address("bad@customer.example", reason)

    report = scheduler.tick()

    assert (report["accepted"], report["failed"], report["error"]) == (999, 1, "")
    assert _sent_once(sendgrid_standin, 999)
    contact = service.contacts.get(bad)
    assert contact is not None
    assert (contact.email_status, reason in contact.email_status_reason) == ("invalid", True)
    assert (live(raw, bad), last_reason(raw, bad)) == ([], "invalid")
    told = [activity.summary for activity in service.activities.timeline(bad)]
    assert any(words.startswith("E-mail not sent: ") and reason in words for words in told)
    assert [send.to_email for send in service.sends.held(limit=10)] == ["bad@customer.example"]
    assert scheduler.tick(days=30).get("failed", 0) == 0


def test_a_rate_limit_ends_the_run_and_the_next_one_comes_at_the_reset(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    a_crowd(10)
    reset = datetime.now(UTC) + timedelta(minutes=10)
    sendgrid_standin.answer_next(answers.rate_limited(reset_epoch_seconds=reset.timestamp()))

    tick = scheduler.a_tick()
    report = tick.run()

    assert (report["retry"], report["error"]) == (10, "the provider's rate limit was reached")
    assert report.get("postponed", 0) == 0, "they were put back once, not twice"
    assert abs(tick.next_run_at - (NOW + timedelta(minutes=10))) < timedelta(seconds=5)
    run = service.scheduler_runs.latest(limit=1)[0]
    assert (run.next_run_at, run.error) == (tick.next_run_at, report["error"])
    assert scheduler.tick().get("claimed", 0) == 0, "not before the reset"
    assert scheduler.tick(minutes=11)["accepted"] == 10
    assert _sent_once(sendgrid_standin, 10)
    assert _statuses(raw) == {"accepted": 10}


def test_a_rate_limit_keeps_what_was_not_sent_yet_for_after_the_reset(
    scheduler: Scheduler,
    service: DbService,
    settings_for: SettingsFor,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    a_crowd(55)
    sendgrid_standin.answer_next(answers.rate_limited(retry_after="600"), times=3)
    small = Scheduler(service, scheduler.sender, settings_for(drip_batch_size=10), scheduler.clock)
    small.tick()
    limited = sum(seen.status == 429 for seen in sendgrid_standin.requests)
    assert len(sendgrid_standin.requests) - limited < 6, "it stopped asking"
    for _ in range(3):
        small.tick(minutes=11)
    assert _sent_once(sendgrid_standin, 55)


def test_letters_still_waiting_when_the_run_ends_are_put_back_with_its_reason(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    a_crowd(3)
    engine, desk = scheduler.service.engine, Desk(scheduler.service, {})
    run = engine.start_run(trigger="command", host="test", sender={}, now=NOW)
    lease = Lease(run, str(uuid.uuid4()), 600)
    claimed = engine.claim_due(lease.run, lease.token, limit=10, lease_seconds=600, now=NOW)
    letters = [desk.composer.compose(due, now=NOW, unsubscribe_url="https://x") for due in claimed]
    progress, reset = Progress(), NOW + timedelta(minutes=10)
    progress.stop("the provider's rate limit was reached", StopReason.PROVIDER, wake_at=reset)
    Dispatcher(
        engine,
        scheduler.sender,
        desk,
        lease=lease,
        identity=sender_identity(scheduler.settings),
        clock=scheduler.clock,
        progress=progress,
    ).post([letter for letter in letters if isinstance(letter, Letter)])
    assert sendgrid_standin.requests == []
    assert _statuses(raw) == {"retry": 3}
    assert values(raw, "select distinct next_send_at from campaign_enrollments") == [reset]
    decisions = raw.execute("select distinct reason, explanation, until from drip_decisions")
    assert decisions.fetchall() == [
        {
            "reason": "provider_unreachable",
            "explanation": "the provider's rate limit was reached",
            "until": reset,
        }
    ]


@pytest.mark.parametrize("answer", UNCLEAR)
def test_without_a_clear_answer_an_e_mail_is_held_and_never_sent_again(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
    answer: str,
) -> None:
    published_steps("lead", 2)
    a_crowd(3)
    sendgrid_standin.answer_next(UNCLEAR[answer])

    report = scheduler.tick()

    assert (report["unconfirmed"], report.get("accepted", 0)) == (3, 0)
    held = service.sends.held(limit=10)
    assert [(send.status, bool(send.reason)) for send in held] == [("unconfirmed", True)] * 3
    decisions = values(raw, "select reason from drip_decisions")
    assert decisions == ["unconfirmed"] * 3
    for _ in range(3):
        scheduler.tick(days=7)
    assert len(sendgrid_standin.requests) <= 1, "the late answer may still be on its way"
    assert max(sendgrid_standin.send_counts.values(), default=0) <= 1
    assert _statuses(raw) == {"unconfirmed": 3}


def test_an_unclear_answer_ends_the_run_before_everyone_is_unconfirmed(
    scheduler: Scheduler,
    service: DbService,
    settings_for: SettingsFor,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    a_crowd(200)
    sendgrid_standin.answer_next(answers.server_error(), times=100)
    small = Scheduler(service, scheduler.sender, settings_for(drip_batch_size=5), scheduler.clock)
    tick = small.a_tick()
    report = tick.run()
    assert report["error"]
    assert len(sendgrid_standin.requests) <= 8, "at most what was in flight"
    assert NOW < tick.next_run_at < NOW + timedelta(hours=1)


def test_a_refused_connection_is_tried_again_later(
    scheduler: Scheduler,
    service: DbService,
    settings_for: SettingsFor,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    a_crowd(4)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        deaf = SendGridSender(sendgrid_standin.key, f"http://127.0.0.1:{nobody.getsockname()[1]}")
        offline = Scheduler(service, deaf, scheduler.settings, scheduler.clock)
        report = offline.tick()
        deaf.close()
    assert (report["retry"], "no connection" in str(report["error"])) == (4, True)
    assert values(raw, "select distinct reason from drip_decisions") == ["provider_unreachable"]
    assert scheduler.tick(minutes=2)["accepted"] == 4
    assert _sent_once(sendgrid_standin, 4)


def test_an_e_mail_refused_for_its_content_waits_for_a_person_not_the_contact(
    scheduler: Scheduler,
    service: DbService,
    bob: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 2)
    contact = a_contact()
    sendgrid_standin.answer_next(answers.refused("The subject is required", field_name="subject"))
    assert scheduler.tick()["failed"] == 1
    row = one(raw, "select status, reason from campaign_enrollments")
    assert (row["status"], row["reason"]) == ("paused", "send_failed")
    kept = service.contacts.get(contact)
    assert kept is not None
    assert kept.email_status == "ok"
    assert "The subject is required" in service.sends.held(limit=1)[0].reason
    assert scheduler.tick(days=1).get("claimed", 0) == 0
    assert bob.sends.retry_failed([service.sends.held(limit=1)[0].id], now=scheduler.clock()) == 1
    assert scheduler.tick()["accepted"] == 1
    assert service.sends.held(limit=1) == []


def test_a_request_too_large_for_the_provider_is_halved(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    a_crowd(8)
    sendgrid_standin.answer_next(Scripted(status=413))
    assert scheduler.tick()["accepted"] == 8
    assert _sent_once(sendgrid_standin, 8)
