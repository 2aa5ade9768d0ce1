"""Over REST nobody knows whether a request that broke off was done. The engine never sends twice.

Every function of a tick loses its request or its answer once, and all of them at random; the
stand-in of the provider counts what it took.
"""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
import stamina

from crm.database.gateway import SERVICE
from crm.database.supabase import SupabaseDatabase
from crm.mail.message import Answer
from crm.mail.sendgrid_sender import SendGridSender
from db_service import DatabaseUnreachableError, DbService
from tests import cast
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.contract.gateway.answer_cutter import AFTER, BEFORE, LATER, AnswerCutter, Cut
from tests.contract.gateway.conftest import with_token
from tests.contract.gateway.telling import template
from tests.database.sending import values
from tests.scheduler.conftest import (
    ACrowd,
    Scheduler,
    SetClock,
    SettingsFor,
    a_crowd,
    clock,
    sender,
    settings_for,
)
from tests.scheduler.interruptions import SenderThatWaits
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.supabase_lite import PUBLISHABLE_KEY, SECRET_KEY

__all__ = ["a_crowd", "clock", "sender", "settings_for"]

LEADS = 45
AFTER_THE_LEASE = timedelta(minutes=11)
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
def cutter(project_url: str) -> Iterator[AnswerCutter]:
    with AnswerCutter(project_url) as cutter:
        yield cutter


@pytest.fixture
def service(cutter: AnswerCutter) -> Iterator[DbService]:
    """The scheduler's own, through the proxy."""
    with closing(SupabaseDatabase(cutter.url, PUBLISHABLE_KEY, SECRET_KEY)) as project:
        yield DbService(project.gateway(SERVICE), SERVICE)


@pytest.fixture
def bob(project: SupabaseDatabase) -> DbService:
    return DbService(project.gateway(with_token(cast.BOB)), cast.BOB)


@pytest.fixture
def scheduler(
    service: DbService, sender: SendGridSender, settings_for: SettingsFor, clock: SetClock
) -> Scheduler:
    return Scheduler(service, sender, settings_for(drip_batch_size=20), clock)


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Insisting on a settlement takes its seconds otherwise."""
    with stamina.set_testing(True, attempts=50):
        yield


@pytest.fixture
def leads(a_crowd: ACrowd, published_steps: PublishedSteps) -> None:
    """All due at NOW."""
    published_steps("lead", 2)
    a_crowd(LEADS)


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


def _run(scheduler: Scheduler) -> None:
    """A tick, or what the loop makes of one that could not even be written down."""
    try:
        scheduler.tick()
    except DatabaseUnreachableError:
        pass
    finally:
        scheduler.clock.now += AFTER_THE_LEASE


def _each_lead_once(standin: SendGridStandIn) -> None:
    sent = Counter(mail.to for mail in standin.accepted)
    assert sent == {f"lead-crowd{n}@customer.example": 1 for n in range(1, LEADS + 1)}


def _open(raw: Raw) -> list[str]:
    """Statuses of sends that nobody knows the end of."""
    unsure = "('claimed', 'handed_over', 'unconfirmed')"
    return values(raw, f"select status from email_sends where status in {unsure}")


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
        _run(scheduler)
    assert cutter.lost == [(function, how)]
    _each_lead_once(sendgrid_standin)
    assert _open(raw) == [], "nothing waits for evidence: all of it is known"
    ended_early = values(raw, "select error from scheduler_runs where error <> ''")
    assert len(ended_early) == (function not in {*READING, "start_run", "settle", "finish_run"})


@pytest.mark.parametrize("seed", range(4))
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
        _run(scheduler)
    cutter.chance = None
    for _ in range(2):
        _run(scheduler)
    assert len(cutter.lost) >= 8
    _each_lead_once(sendgrid_standin)
    assert _open(raw) == []


def test_a_claim_done_after_its_caller_gave_up_is_released_and_sent_once(
    scheduler: Scheduler,
    cutter: AnswerCutter,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    leads: None,
) -> None:
    cutter.cut("claim_due", LATER)
    _run(scheduler)
    cutter.release()
    assert _open(raw) == ["claimed"] * 20
    _run(scheduler)
    _run(scheduler)
    _each_lead_once(sendgrid_standin)
    assert _open(raw) == []


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
    _run(scheduler)
    cutter.release()
    held = len(_open(raw))
    assert 0 < held <= 20
    for _ in range(3):
        _run(scheduler)
    assert len(sendgrid_standin.accepted) == LEADS - held
    unconfirmed = bob.sends.unconfirmed()
    assert len(unconfirmed) == held
    assert bob.sends.send_again([s.id for s in unconfirmed], now=scheduler.clock()) == held
    _run(scheduler)
    _each_lead_once(sendgrid_standin)


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
    _run(scheduler)
    before = [values(raw, state.format(table)) for table in tables]
    cutter.release()
    assert [values(raw, state.format(table)) for table in tables] == before
    _run(scheduler)
    _each_lead_once(sendgrid_standin)
    assert _open(raw) == []


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
    _each_lead_once(sendgrid_standin)
    assert _open(raw) == []


def test_a_project_gone_for_the_rest_of_a_run_costs_that_run_alone(
    scheduler: Scheduler,
    cutter: AnswerCutter,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    leads: None,
) -> None:
    def go() -> None:
        cutter.is_down = True

    cutter.before["claim_due"] = lambda: cutter.before.update(claim_due=go)
    with pytest.raises(DatabaseUnreachableError, match="Supabase cannot be reached"):
        scheduler.tick()
    cutter.is_down = False
    scheduler.clock.now += AFTER_THE_LEASE
    _run(scheduler)
    _run(scheduler)
    _each_lead_once(sendgrid_standin)
    assert _open(raw) == []
