"""Over REST nobody knows whether a request that broke off was done. The engine never sends twice.

Every function of a tick loses its request or its answer once, and all of them at random; the
stand-in of the provider counts what it took.
"""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, Raw
from tests.contract.gateway.answer_cutter import AFTER, BEFORE, LATER, AnswerCutter, Cut
from tests.contract.gateway.cut_off import (
    LEADS,
    a_crowd,
    bob,
    clock,
    cutter,
    each_lead_once,
    leads,
    no_waiting,
    run,
    scheduler,
    sender,
    service,
    settings_for,
    unsure_of,
)
from tests.contract.gateway.telling import template
from tests.database.sending import values
from tests.scheduler.conftest import Scheduler
from tests.standins.sendgrid import SendGridStandIn

__all__ = [
    "a_crowd",
    "bob",
    "clock",
    "cutter",
    "leads",
    "no_waiting",
    "scheduler",
    "sender",
    "service",
    "settings_for",
]

pytestmark = pytest.mark.faults

FUNCTIONS = (
    "start_run",
    "a_thousand_rows",
    "sweep",
    "claim_due",
    "postpone",
    "expire_steps",
    "hand_over",
    "still_wanted",
    "settle",
    "give_back",
    "finish_run",
)
# Asked again at once: they only read.
READING = {"a_thousand_rows", "still_wanted"}


@pytest.fixture
def every_kind(
    service: DbService,
    leads: None,
    a_contact: AContact,
    raw: Raw,
    cutter: AnswerCutter,
    sendgrid_standin: SendGridStandIn,
) -> None:
    """Besides the leads: one who sleeps, one whose e-mail comes too late, one who is archived after
    the claim, and one whose address the provider refuses, so that the others leave a second time.
    """
    campaigns = {c.key: c.id for c in service.campaigns.overview()}
    too_late = replace(template(campaigns["client"], 1), expires_after_days=1)
    service.templates.publish(too_late, now=NOW - timedelta(days=30))
    a_contact(time_zone="Asia/Tokyo")
    slow, gone = a_contact(contact_type="client"), a_contact(email="gone@customer.example")
    raw.execute(
        "update campaign_enrollments set next_send_at = %s where contact_id = any (%s::uuid[])",
        (NOW - timedelta(days=3), [slow, gone]),
    )
    archive = "update contacts set archived_at = %s where id = %s"
    cutter.before["hand_over"] = lambda: raw.execute(archive, (NOW, gone))
    a_contact(email="refused@customer.example")
    sendgrid_standin.refuse_address("refused@customer.example", "no such mailbox")


@pytest.mark.parametrize("how", [BEFORE, AFTER])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_lost_request_or_answer_costs_nobody_an_e_mail_and_doubles_none(
    scheduler: Scheduler,
    cutter: AnswerCutter,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    every_kind: None,
    function: str,
    how: Cut,
) -> None:
    cutter.cut(function, how)
    for _ in range(3):
        run(scheduler)
    assert cutter.lost == [(function, how)]
    each_lead_once(sendgrid_standin)
    assert unsure_of(raw) == [], "nothing waits for evidence: all of it is known"
    ended_early = values(raw, "select error from scheduler_runs where error <> ''")
    assert len(ended_early) == (function not in {*READING, "start_run", "settle", "finish_run"})


@pytest.mark.parametrize("seed", range(2))
def test_a_fifth_of_everything_lost_at_random_doubles_nothing(
    scheduler: Scheduler,
    cutter: AnswerCutter,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    every_kind: None,
    seed: int,
) -> None:
    scheduler.settings = scheduler.settings.model_copy(update={"drip_batch_size": 5})
    cutter.chance = (random.Random(seed), 1 / 5)
    for _ in range(10):
        run(scheduler)
    cutter.chance = None
    for _ in range(2):
        run(scheduler)
    assert len(cutter.lost) >= 8
    each_lead_once(sendgrid_standin)
    assert unsure_of(raw) == []


def test_a_claim_done_after_its_caller_gave_up_is_released_and_sent_once(
    scheduler: Scheduler,
    cutter: AnswerCutter,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    leads: None,
) -> None:
    cutter.cut("claim_due", LATER)
    run(scheduler)
    cutter.release()
    assert unsure_of(raw) == ["claimed"] * 20
    run(scheduler)
    run(scheduler)
    each_lead_once(sendgrid_standin)
    assert unsure_of(raw) == []


def test_a_hand_over_done_after_its_caller_gave_up_is_never_sent_by_itself(
    scheduler: Scheduler,
    cutter: AnswerCutter,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    bob: DbService,
    leads: None,
) -> None:
    """Marked as handed over, though nothing left: to the database it looks like any other send
    whose scheduler died, so it waits for evidence or a person."""
    cutter.cut("hand_over", LATER)
    run(scheduler)
    cutter.release()
    held = len(unsure_of(raw))
    assert 0 < held <= 20
    for _ in range(3):
        run(scheduler)
    assert len(sendgrid_standin.accepted) == LEADS - held
    unconfirmed = bob.sends.unconfirmed()
    assert len(unconfirmed) == held
    assert bob.sends.send_again([s.id for s in unconfirmed], now=scheduler.clock()) == held
    run(scheduler)
    each_lead_once(sendgrid_standin)


def test_a_settlement_done_after_it_was_said_again_changes_nothing(
    scheduler: Scheduler,
    cutter: AnswerCutter,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    leads: None,
) -> None:
    state = "select md5(string_agg(t::text, ' ' order by t.id)) from {} t"
    tables = ("email_sends", "campaign_enrollments", "activities")
    cutter.cut("settle", LATER)
    run(scheduler)
    before = [values(raw, state.format(table)) for table in tables]
    cutter.release()
    assert [values(raw, state.format(table)) for table in tables] == before
    run(scheduler)
    each_lead_once(sendgrid_standin)
    assert unsure_of(raw) == []
