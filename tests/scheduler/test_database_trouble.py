"""The database goes away in the middle of a run: the run says so, nothing is lost or doubled."""

from collections import Counter
from collections.abc import Callable

import psycopg
import pytest

from crm.database.errors import DatabaseBusyError, translate
from crm.mail.message import Answer, MailRequest
from crm.records.engine import EngineRecords
from db_service import DatabaseUnreachableError
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import values
from tests.scheduler.conftest import ACrowd, Scheduler
from tests.scheduler.interruptions import EngineThatPauses, SenderThatWaits
from tests.standins.sendgrid import SendGridStandIn

Vanish = Callable[..., None]


@pytest.fixture
def vanish(raw: Raw) -> Vanish:
    """Ends every connection of the database but the test's own."""

    def end(*_: object) -> None:
        raw.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )

    return end


def _sent_once(standin: SendGridStandIn, n: int) -> bool:
    counts = Counter(mail.to for mail in standin.accepted)
    return len(counts) == n and set(counts.values()) == {1}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_connections_lost_around_the_request_cost_nothing(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
    vanish: Vanish,
    moment: str,
) -> None:
    """The provider's answer is written down over a fresh connection."""
    published_steps("lead", 2)
    a_crowd(40)

    def lose(_: MailRequest | Answer) -> None:
        vanish()

    sender = (
        SenderThatWaits(scheduler.sender, before=lose)
        if moment == "before"
        else SenderThatWaits(scheduler.sender, after=lose)
    )
    report = Scheduler(scheduler.service, sender, scheduler.settings, scheduler.clock).tick()
    assert report["accepted"] == 40
    assert _sent_once(sendgrid_standin, 40)
    assert values(raw, "select distinct status from email_sends") == ["accepted"]


def test_a_connection_lost_in_the_claim_ends_the_run_with_the_reason(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published_steps("lead", 2)
    a_crowd(3)

    def lost(*_: object, **__: object) -> None:
        raise DatabaseUnreachableError("The database cannot be reached.")

    with monkeypatch.context() as patched:
        patched.setattr(EngineRecords, "claim_due", lost)
        tick = scheduler.a_tick()
        report = tick.run()
    assert report["error"] == "The database cannot be reached."
    run = scheduler.service.scheduler_runs.latest(limit=1)[0]
    assert (run.status, run.error) == ("failed", report["error"])
    assert (tick.next_run_at - scheduler.clock()).total_seconds() == 60, "soon, not in an hour"
    assert scheduler.tick(minutes=1)["accepted"] == 3
    assert _sent_once(sendgrid_standin, 3)


def test_a_claim_that_was_made_but_never_heard_of_is_sent_once_after_its_lease(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published_steps("lead", 2)
    a_crowd(3)
    claim = EngineRecords.claim_due

    def unheard(self: EngineRecords, *given: object, **named: object) -> None:
        claim(self, *given, **named)  # type: ignore[arg-type]
        raise DatabaseUnreachableError("The database cannot be reached.")

    with monkeypatch.context() as patched:
        patched.setattr(EngineRecords, "claim_due", unheard)
        assert scheduler.tick()["error"]
    assert scheduler.tick().get("claimed", 0) == 0
    report = scheduler.tick(minutes=11)
    assert (report["released"], report["accepted"]) == (3, 3)
    assert _sent_once(sendgrid_standin, 3)


def test_a_settlement_that_met_a_deadlock_is_made_again(
    scheduler: Scheduler,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 2)
    a_contact()
    engine = EngineThatPauses(scheduler.service._gateway)
    scheduler.service.__dict__["engine"] = engine
    times: list[int] = []

    def deadlock_once() -> None:
        times.append(1)
        if len(times) == 1:
            raise translate(psycopg.errors.DeadlockDetected())

    engine.before_settle = deadlock_once
    assert scheduler.tick()["accepted"] == 1
    assert len(times) == 2
    assert values(raw, "select status from email_sends") == ["accepted"]


@pytest.mark.parametrize(
    "error", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure]
)
def test_two_transactions_in_each_others_way_are_worth_another_try(
    error: type[psycopg.Error],
) -> None:
    translated = translate(error())
    assert isinstance(translated, DatabaseBusyError)
    assert not translated.permanent


def test_an_unexpected_fault_is_written_down_as_a_failed_run(
    scheduler: Scheduler,
    a_contact: AContact,
    published_steps: PublishedSteps,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published_steps("lead", 1)
    a_contact()

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("drip_scheduler.Desk", broken)
        report = scheduler.tick()
    assert "ZeroDivisionError" in str(report["error"])
    assert scheduler.service.scheduler_runs.latest(limit=1)[0].status == "failed"
    assert scheduler.tick()["accepted"] == 1


@pytest.mark.parametrize("written_down", [True, False])
def test_a_hand_over_that_was_never_heard_of_left_nothing_and_is_due_again(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
    monkeypatch: pytest.MonkeyPatch,
    written_down: bool,
) -> None:
    published_steps("lead", 2)
    a_crowd(3)
    hand_over = EngineRecords.hand_over

    def unheard(self: EngineRecords, *given: object, **named: object) -> None:
        if written_down:
            hand_over(self, *given, **named)  # type: ignore[arg-type]
        raise DatabaseUnreachableError("The database cannot be reached.")

    with monkeypatch.context() as patched:
        patched.setattr(EngineRecords, "hand_over", unheard)
        assert scheduler.tick()["error"]
    assert sendgrid_standin.requests == []
    assert values(raw, "select distinct status from email_sends") == [
        "retry" if written_down else "claimed"
    ]
    assert scheduler.tick(minutes=11)["accepted"] == 3
    assert _sent_once(sendgrid_standin, 3)
