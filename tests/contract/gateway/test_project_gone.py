"""A Supabase project goes away in the middle of a run, and comes back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm.mail.message import Answer
from db_service import DatabaseUnreachableError
from tests.cast import NOW
from tests.conftest import Raw
from tests.contract.gateway.answer_cutter import AnswerCutter
from tests.contract.gateway.cut_off import (
    AFTER_THE_LEASE,
    LEADS,
    a_crowd,
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
from tests.contract.gateway.telling import event
from tests.contract.supabase_only import eventually
from tests.database.sending import values
from tests.scheduler.conftest import Scheduler
from tests.scheduler.interruptions import SenderThatWaits
from tests.standins.sendgrid import SendGridStandIn

__all__ = [
    "a_crowd",
    "clock",
    "cutter",
    "leads",
    "no_waiting",
    "scheduler",
    "sender",
    "service",
    "settings_for",
]


def test_a_project_gone_while_the_provider_answers_hears_of_it_when_it_is_back(
    scheduler: Scheduler,
    cutter: AnswerCutter,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    leads: None,
) -> None:
    def go_and_come_back(_: Answer) -> None:
        cutter.is_down = True
        refused = cutter.seen["settle"]

        def back() -> None:
            cutter.is_down = cutter.seen["settle"] < refused + 2
            cutter.before["settle"] = back

        cutter.before["settle"] = back

    sender = SenderThatWaits(scheduler.sender, after=go_and_come_back)
    settings = scheduler.settings.model_copy(update={"drip_batch_size": 1000})
    report = Scheduler(scheduler.service, sender, settings, scheduler.clock).tick()
    assert (report["accepted"], report["error"]) == (LEADS, "")
    assert cutter.seen["settle"] == 3
    each_lead_once(sendgrid_standin)
    assert unsure_of(raw) == []


def test_a_project_gone_for_the_rest_of_a_run_costs_that_run_alone(
    scheduler: Scheduler,
    cutter: AnswerCutter,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    leads: None,
) -> None:
    def go() -> None:
        accepted = "select count(*) from email_sends where status = 'accepted'"
        eventually(lambda: values(raw, accepted) == [20])
        cutter.is_down = True

    cutter.before["claim_due"] = lambda: cutter.before.update(claim_due=go)
    with pytest.raises(DatabaseUnreachableError, match="Supabase cannot be reached"):
        scheduler.tick()
    cutter.is_down = False
    scheduler.clock.now += AFTER_THE_LEASE
    run(scheduler)
    run(scheduler)
    each_lead_once(sendgrid_standin)
    assert unsure_of(raw) == []


def test_a_project_gone_until_the_settlement_is_given_up_leaves_it_to_the_evidence(
    scheduler: Scheduler,
    cutter: AnswerCutter,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    leads: None,
) -> None:
    """The provider has them, and the database does not know: held, until an event proves it."""

    def go(_: Answer) -> None:
        cutter.is_down = True

    sender = SenderThatWaits(scheduler.sender, after=go)
    settings = scheduler.settings.model_copy(update={"drip_batch_size": 1000})
    with pytest.raises(DatabaseUnreachableError):
        Scheduler(scheduler.service, sender, settings, scheduler.clock).tick()
    assert cutter.seen["settle"] > 1
    cutter.is_down = False
    scheduler.clock.now += AFTER_THE_LEASE
    assert scheduler.tick()["swept_unconfirmed"] == LEADS
    assert unsure_of(raw) == ["unconfirmed"] * LEADS
    mail = sendgrid_standin.accepted[0]
    told = event(mail.send_id, mail.to, "delivered", NOW + timedelta(minutes=12))
    of_the_request = replace(told, request_id=mail.custom_args["request_id"])
    scheduler.service.events.record([of_the_request], now=NOW + timedelta(minutes=13))
    assert scheduler.tick(minutes=5)["confirmed"] == LEADS - 1
    assert unsure_of(raw) == []
    each_lead_once(sendgrid_standin)
