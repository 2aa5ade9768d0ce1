"""A scheduler dies anywhere in a tick: what had not left is sent once, the rest never twice."""

import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from crm.mail.message import Answer, MailRequest
from crm.records.engine import EngineRecords
from crm.settings import PROJECT_ROOT
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import one, values
from tests.scheduler.conftest import ACrowd, Scheduler, SettingsFor
from tests.scheduler.dying import EXIT_CODE
from tests.scheduler.interruptions import EngineThatPauses, SenderThatWaits
from tests.scheduler.processes import environment_for
from tests.standins.sendgrid import SendGridStandIn

AFTER_THE_LEASE = timedelta(minutes=11)


@pytest.fixture
def five_leads(a_crowd: ACrowd, published_steps: PublishedSteps) -> None:
    """All due at NOW."""
    published_steps("lead", 2)
    a_crowd(5)


def _die(point: str, address: str, standin: SendGridStandIn, folder: Path) -> None:
    """One tick at NOW in a process of its own, which ends at that point."""
    died = subprocess.run(
        [sys.executable, "-m", "tests.scheduler.dying", point, "--once", "--now", NOW.isoformat()],
        cwd=PROJECT_ROOT,
        env=environment_for(address, standin, DATA_DIR=str(folder)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert died.returncode == EXIT_CODE, died.stderr


def _statuses(raw: Raw) -> Counter[str]:
    return Counter(values(raw, "select status from email_sends"))


def test_dead_after_the_claim_it_is_released_and_sent_once(
    address: str,
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    five_leads: None,
    tmp_path: Path,
) -> None:
    _die("after_claim", address, sendgrid_standin, tmp_path)
    assert _statuses(raw) == {"claimed": 5}
    assert scheduler.tick(minutes=5).get("accepted", 0) == 0, "the lease still runs"
    report = scheduler.tick(minutes=6)
    assert (report["released"], report["accepted"]) == (5, 5)
    assert set(sendgrid_standin.send_counts.values()) == {1}
    assert len(sendgrid_standin.accepted) == 5
    assert set(values(raw, "select reason from drip_decisions")) == {"lease_expired"}


@pytest.mark.parametrize(("point", "received"), [("after_hand_over", 0), ("after_accept", 5)])
def test_dead_after_the_hand_over_it_is_held_and_never_sent_again(
    address: str,
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    five_leads: None,
    tmp_path: Path,
    point: str,
    received: int,
) -> None:
    _die(point, address, sendgrid_standin, tmp_path)
    assert _statuses(raw) == {"handed_over": 5}
    assert scheduler.tick(minutes=11)["swept_unconfirmed"] == 5
    for _ in range(3):
        scheduler.tick(days=7)
    assert len(sendgrid_standin.accepted) == received
    assert _statuses(raw) == {"unconfirmed": 5}
    held = scheduler.service.sends.held(limit=10)
    assert [send.status for send in held] == ["unconfirmed"] * 5
    assert all(send.reason for send in held)


def test_an_owner_that_wakes_after_the_sweep_still_tells_what_became_of_it(
    scheduler: Scheduler,
    settings_for: SettingsFor,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    """Stopped (SIGSTOP) with the request at the provider, and continued after the sweep."""
    published_steps("lead", 2)
    a_contact()

    def sleep_through_the_sweep(_: Answer) -> None:
        scheduler.clock.advance(minutes=11)
        other = Scheduler(scheduler.service, scheduler.sender, settings_for(), scheduler.clock)
        assert other.tick()["swept_unconfirmed"] == 1
        assert _statuses(raw) == {"unconfirmed": 1}

    sleepy = SenderThatWaits(scheduler.sender, after=sleep_through_the_sweep)
    report = Scheduler(scheduler.service, sleepy, scheduler.settings, scheduler.clock).tick()
    assert report["accepted"] == 1
    row = one(raw, "select status, held_at, reason from email_sends")
    assert row == {"status": "accepted", "held_at": None, "reason": ""}
    enrollment = one(raw, "select last_step, next_step, next_send_at from campaign_enrollments")
    assert (enrollment["last_step"], enrollment["next_step"]) == (1, 2)
    assert enrollment["next_send_at"] > NOW + timedelta(days=6)
    assert len(sendgrid_standin.accepted) == 1


def test_an_owner_that_wakes_before_its_hand_over_sends_nothing(
    scheduler: Scheduler,
    settings_for: SettingsFor,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    """Stopped right after the claim, and continued when another scheduler has sent it."""
    published_steps("lead", 2)
    a_contact()
    engine = EngineThatPauses(scheduler.service._gateway)
    sleepy = DbService(scheduler.service._gateway, scheduler.service.identity)
    sleepy.__dict__["engine"] = engine

    def sleep() -> None:
        engine.after_claim = EngineThatPauses.after_claim
        scheduler.clock.advance(minutes=11)
        other = Scheduler(scheduler.service, scheduler.sender, settings_for(), scheduler.clock)
        assert other.tick()["accepted"] == 1

    engine.after_claim = sleep
    report = Scheduler(sleepy, scheduler.sender, scheduler.settings, scheduler.clock).tick()
    assert report.get("accepted", 0) == 0
    assert len(sendgrid_standin.accepted) == 1
    assert _statuses(raw) == {"accepted": 1}


@pytest.mark.faults
def test_random_deaths_lose_nothing_and_double_nothing(
    address: str,
    scheduler: Scheduler,
    service: DbService,
    settings_for: SettingsFor,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    """Killed (SIGKILL) wherever it happens to be, again and again, while sending to 300."""
    published_steps("lead", 1)
    a_crowd(300)
    sendgrid_standin.latency_seconds = 0.02
    for delay in (0.0, 0.04, 0.08):
        _kill_after(delay, address, sendgrid_standin, raw)
    sendgrid_standin.latency_seconds = 0.0
    scheduler.clock.now = NOW + AFTER_THE_LEASE
    scheduler.tick()
    received = Counter(mail.to for mail in sendgrid_standin.accepted)
    assert max(received.values()) == 1
    held = values(raw, "select to_email from email_sends where status = 'unconfirmed'")
    assert {*received, *held} == {f"lead-crowd{n}@customer.example" for n in range(1, 301)}
    assert set(_statuses(raw)) <= {"accepted", "unconfirmed"}


def _kill_after(delay: float, address: str, standin: SendGridStandIn, raw: Raw) -> None:
    """Kills a tick so many seconds after its first claim."""
    before = values(raw, "select count(*) from scheduler_runs")[0]
    process = subprocess.Popen(
        [sys.executable, "drip_scheduler.py", "--once", "--now", NOW.isoformat()],
        cwd=PROJECT_ROOT,
        env=environment_for(address, standin, DRIP_BATCH_SIZE="5"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while values(raw, "select count(*) from scheduler_runs")[0] == before:
        assert process.poll() is None, "it ended before it began"
        time.sleep(0.005)
    time.sleep(delay)
    process.kill()
    process.wait()


class _Gone(BaseException):
    """The thread itself ends here."""


@pytest.mark.parametrize("point", ["settle"])
def test_a_settlement_that_never_happens_leaves_the_e_mail_held(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    published_steps("lead", 2)
    a_contact()

    def gone(*_: object, **__: object) -> None:
        raise _Gone

    with monkeypatch.context() as patched:
        patched.setattr(EngineRecords, point, gone)
        report = scheduler.tick()
    assert "could not be written down" in str(report["error"])
    assert scheduler.tick(minutes=11)["swept_unconfirmed"] == 1
    scheduler.tick(days=7)
    assert len(sendgrid_standin.accepted) == 1


def test_a_sender_that_fails_unexpectedly_leaves_its_e_mails_held(
    scheduler: Scheduler,
    raw: Raw,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 2)
    a_crowd(3)

    def fail(_: MailRequest) -> None:
        raise ZeroDivisionError

    broken = SenderThatWaits(scheduler.sender, before=fail)
    report = Scheduler(scheduler.service, broken, scheduler.settings, scheduler.clock).tick()
    assert report["unconfirmed"] == 3
    scheduler.tick(days=7)
    assert _statuses(raw) == {"unconfirmed": 3}
