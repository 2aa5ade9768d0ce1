"""What happens between the claim and the hand-over: no e-mail to somebody who may not get it."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import cast

import pytest

from crm.mail.message import Answer
from crm.records.states import EmailStatus
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import one, values
from tests.scheduler.conftest import ACrowd, Scheduler
from tests.scheduler.interruptions import EngineThatPauses, SenderThatWaits
from tests.standins.sendgrid import SendGridStandIn

Change = Callable[[DbService, str], object]


def _unsubscribe(bob: DbService, contact: str) -> None:
    bob.contacts.set_email_status(contact, EmailStatus.UNSUBSCRIBED, reason="Asked us", now=NOW)


def _archive(bob: DbService, contact: str) -> None:
    bob.contacts.archive([contact], now=NOW)


def _suppress(bob: DbService, contact: str) -> None:
    found = bob.contacts.get(contact)
    assert found is not None
    bob.contact_imports.suppress([cast(str, found.email)], now=NOW)


def _stop(bob: DbService, contact: str) -> None:
    assert bob.enrollments.stop_all(contact, now=NOW) == 1


def _pause(bob: DbService, contact: str) -> None:
    bob.enrollments.change([bob.enrollments.of_contact(contact)[0].id], "pause", now=NOW)


def _change_type(bob: DbService, contact: str) -> None:
    bob.contacts.change_type([contact], "other", now=NOW)


def _pause_campaign(bob: DbService, _contact: str) -> None:
    lead = next(c for c in bob.campaigns.overview() if c.key == "lead")
    assert bob.campaigns.pause(lead.id, reason="Text under review", now=NOW)


def _halt(bob: DbService, _contact: str, service: DbService) -> None:
    service.engine.halt_sending("The key was refused.", now=NOW)


CHANGES: dict[str, tuple[Change, str, str]] = {
    "unsubscribed": (_unsubscribe, "consent_withdrawn", "the contact unsubscribed"),
    "archived": (_archive, "consent_withdrawn", "the contact was archived"),
    "suppressed": (_suppress, "consent_withdrawn", "unsubscribed"),
    "stopped": (_stop, "consent_withdrawn", "stopped by hand"),
    "paused": (_pause, "consent_withdrawn", "paused by hand"),
    "another type": (_change_type, "consent_withdrawn", "the contact type changed"),
    "campaign paused": (_pause_campaign, "consent_withdrawn", "The campaign was paused"),
}


@pytest.fixture
def interrupted(scheduler: Scheduler) -> EngineThatPauses:
    """The scheduler's engine, to be given something that happens right after the claim."""
    engine = EngineThatPauses(scheduler.service._gateway)
    scheduler.service.__dict__["engine"] = engine
    return engine


@pytest.mark.parametrize("change", CHANGES)
def test_a_contact_that_changed_after_the_claim_gets_nothing_and_the_decision_says_why(
    scheduler: Scheduler,
    interrupted: EngineThatPauses,
    bob: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
    change: str,
) -> None:
    published_steps("lead", 2)
    act, reason, words = CHANGES[change]
    contact = a_contact()
    interrupted.after_claim = partial(act, bob, contact)

    report = scheduler.tick()

    assert (report["withdrawn"], report["error"], sendgrid_standin.requests) == (1, "", [])
    decision = one(raw, "select reason, explanation from drip_decisions")
    assert decision["reason"] == reason
    assert words in decision["explanation"]
    assert values(raw, "select status from email_sends") == ["retry"]
    interrupted.after_claim = EngineThatPauses.after_claim
    assert scheduler.tick(hours=1).get("accepted", 0) == 0


def test_one_who_changed_does_not_hold_back_the_others(
    scheduler: Scheduler,
    interrupted: EngineThatPauses,
    bob: DbService,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    gone = a_contact(email="gone@customer.example")
    a_contact(email="here@customer.example")
    interrupted.after_claim = partial(_unsubscribe, bob, gone)
    report = scheduler.tick()
    assert (report["accepted"], report["withdrawn"]) == (1, 1)
    assert [mail.to for mail in sendgrid_standin.accepted] == ["here@customer.example"]


def test_a_corrected_address_gets_the_e_mail_instead_of_the_old_one(
    scheduler: Scheduler,
    interrupted: EngineThatPauses,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    contact = a_contact(email="typo@customer.example")

    def correct() -> None:
        raw.execute(
            "update contacts set email = 'right@customer.example' where id = %s", (contact,)
        )

    interrupted.after_claim = correct
    assert scheduler.tick()["withdrawn"] == 1
    assert scheduler.tick()["accepted"] == 1
    assert [mail.to for mail in sendgrid_standin.accepted] == ["right@customer.example"]
    assert (
        "address was changed" in one(raw, "select explanation from drip_decisions")["explanation"]
    )


def test_a_campaign_paused_after_the_claim_goes_on_when_it_is_resumed(
    scheduler: Scheduler,
    interrupted: EngineThatPauses,
    bob: DbService,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    interrupted.after_claim = partial(_pause_campaign, bob, a_contact())
    scheduler.tick()
    lead = next(c for c in bob.campaigns.overview() if c.key == "lead")
    assert bob.campaigns.resume(lead.id, now=NOW)
    interrupted.after_claim = EngineThatPauses.after_claim
    assert scheduler.tick()["accepted"] == 1
    assert len(sendgrid_standin.accepted) == 1


def test_a_halt_after_the_claim_holds_everything_and_says_so(
    scheduler: Scheduler,
    interrupted: EngineThatPauses,
    bob: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    interrupted.after_claim = partial(_halt, bob, a_contact(), scheduler.service)
    assert scheduler.tick()["withdrawn"] == 1
    assert sendgrid_standin.requests == []
    assert one(raw, "select reason from drip_decisions")["reason"] == "sending_halted"
    bob.app_settings.resume_sending(now=NOW)
    interrupted.after_claim = EngineThatPauses.after_claim
    assert scheduler.tick()["accepted"] == 1


def test_a_scheduler_that_overslept_its_lease_does_not_disturb_the_next_owner(
    scheduler: Scheduler,
    interrupted: EngineThatPauses,
    settings_for: Callable[..., object],
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    a_contact()
    later = NOW + timedelta(minutes=11)

    def somebody_else_claims() -> None:
        interrupted.after_claim = EngineThatPauses.after_claim
        other = interrupted.start_run(trigger="command", host="other", sender={}, now=later)
        assert interrupted.sweep(other, now=later).released == 1
        token = "00000000-0000-4000-8000-00000000000b"
        assert len(interrupted.claim_due(other, token, limit=10, lease_seconds=600, now=later)) == 1
        scheduler.clock.now = later

    interrupted.after_claim = somebody_else_claims
    scheduler.tick()
    row = one(raw, "select status, lease_token::text from email_sends")
    assert row == {"status": "claimed", "lease_token": "00000000-0000-4000-8000-00000000000b"}
    assert sendgrid_standin.requests == []


def test_who_says_stop_between_two_requests_of_one_batch_is_left_out_of_the_second(
    service: DbService,
    raw: Raw,
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    a_crowd(3)
    sendgrid_standin.refuse_address("lead-crowd1@customer.example", "Does not exist.")
    leaver = values(
        raw, "select id::text from contacts where email = 'lead-crowd2@customer.example'"
    )

    def leave(_: Answer) -> None:
        service.contacts.unsubscribe(leaver[0], now=NOW)

    scheduler.sender = SenderThatWaits(scheduler.sender, after=leave)
    scheduler.tick()
    scheduler.tick(minutes=30)
    assert [mail.to for mail in sendgrid_standin.accepted] == ["lead-crowd3@customer.example"]
    left = one(raw, f"select status, reason from email_sends where contact_id = '{leaver[0]}'")
    assert left == {"status": "retry", "reason": "Stopped, paused or changed before it left."}
