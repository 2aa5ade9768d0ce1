"""The loop beside the app: starts, ticks, hears requests, survives failures, stops promptly."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import db_service
import drip_scheduler
from crm.settings import PROJECT_ROOT
from db_service import DatabaseUnreachableError, DbService
from drip_scheduler import DripThread, Tick, wall_clock
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import values
from tests.scheduler.conftest import ACrowd, SettingsFor
from tests.scheduler.processes import environment_for
from tests.standins.sendgrid import SendGridStandIn

StartThread = Callable[..., DripThread]


def _soon(what: Callable[[], object], within: float = 20.0) -> None:
    """Waits until it is true; the test fails when it takes too long."""
    deadline = time.monotonic() + within
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def start_thread(address: str, settings_for: SettingsFor) -> Iterator[StartThread]:
    """A drip thread on the test's own database, as the app starts it."""
    started: list[DripThread] = []

    def start(**overrides: Any) -> DripThread:
        settings = settings_for(database_url=address, **overrides)
        db_service.connect(settings)
        thread = DripThread(settings, poll_seconds=0.02)
        thread.start()
        started.append(thread)
        return thread

    yield start
    for thread in started:
        thread.stop()
    db_service.disconnect()


@pytest.fixture
def always_open(raw: Raw) -> None:
    """Round the clock: the thread lives by the real time."""
    raw.execute(
        "update drip_campaigns set window_days = '{1,2,3,4,5,6,7}', window_start = '00:00',"
        " window_end = '00:00', respect_holidays = false"
    )


def _runs(service: DbService) -> list[str]:
    return [run.trigger for run in service.scheduler_runs.latest() if run.status != "running"]


def test_it_ticks_at_the_start_and_sends_what_is_due(
    start_thread: StartThread,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    published_steps: PublishedSteps,
    always_open: None,
) -> None:
    published_steps("lead", 1)
    a_contact()
    start_thread()
    _soon(lambda: _runs(service) == ["interval"])
    assert len(sendgrid_standin.accepted) == 1


def test_a_request_to_run_is_heard_within_a_poll(
    start_thread: StartThread, service: DbService, bob: DbService
) -> None:
    start_thread()
    _soon(lambda: len(_runs(service)) == 1)
    bob.scheduler_runs.request(now=wall_clock())
    _soon(lambda: _runs(service) == ["requested", "interval"], within=5)


def test_it_ticks_again_after_the_interval(start_thread: StartThread, service: DbService) -> None:
    start_thread(drip_interval_seconds=1)
    _soon(lambda: len(_runs(service)) >= 2)


def test_it_stops_promptly_while_it_waits(start_thread: StartThread, service: DbService) -> None:
    thread = start_thread()
    _soon(lambda: len(_runs(service)) == 1)
    before = time.monotonic()
    thread.stop()
    assert not thread.is_alive()
    assert time.monotonic() - before < 2


def test_it_stops_in_the_middle_of_a_large_backlog_and_leaves_the_rest_due(
    start_thread: StartThread,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
    always_open: None,
) -> None:
    published_steps("lead", 1)
    a_crowd(400)
    sendgrid_standin.latency_seconds = 0.1
    thread = start_thread(drip_batch_size=1)
    _soon(lambda: sendgrid_standin.requests)
    thread.stop()
    sent = len(sendgrid_standin.accepted)
    assert 0 < sent < 200
    assert set(values(raw, "select distinct status from email_sends")) <= {"accepted", "retry"}
    assert values(
        raw,
        "select count(*) from campaign_enrollments"
        " where status = 'active' and next_send_at is not null",
    ) == [400 - sent]
    run = service.scheduler_runs.latest(limit=1)[0]
    assert "was stopped" in run.error


def test_a_stopped_thread_that_never_started_is_no_trouble(settings_for: SettingsFor) -> None:
    DripThread(settings_for()).stop()


def test_a_failing_tick_does_not_end_the_thread(
    start_thread: StartThread,
    service: DbService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drip_scheduler, "AFTER_FAILURE", timedelta(seconds=0.05))
    failures: list[int] = []
    run = Tick.run

    def fail_at_first(self: Tick, trigger: str = "command") -> dict[str, object]:
        if len(failures) < 2:
            failures.append(1)
            raise ZeroDivisionError
        return run(self, trigger)

    monkeypatch.setattr(Tick, "run", fail_at_first)
    start_thread()
    _soon(lambda: len(_runs(service)) == 1)
    assert len(failures) == 2


@pytest.mark.parametrize("failure", [DatabaseUnreachableError("gone"), LookupError("no function")])
def test_failing_to_ask_for_requests_does_not_end_the_thread(
    start_thread: StartThread,
    service: DbService,
    bob: DbService,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
) -> None:
    asked: list[int] = []
    take = db_service.EngineRecords.take_run_request

    def fail_at_first(self: db_service.EngineRecords, **named: Any) -> bool:
        asked.append(1)
        if len(asked) < 3:
            raise failure
        return take(self, **named)

    monkeypatch.setattr(db_service.EngineRecords, "take_run_request", fail_at_first)
    start_thread()
    _soon(lambda: len(asked) >= 3)
    bob.scheduler_runs.request(now=wall_clock())
    _soon(lambda: "requested" in _runs(service))


def test_between_runs_it_counts_what_happened(
    start_thread: StartThread, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    a_contact()
    waiting = "select from private.outcome_queue"
    assert raw.execute(waiting).fetchall()
    start_thread()
    _soon(lambda: not raw.execute(waiting).fetchall())


@pytest.fixture
def due_now(a_crowd: ACrowd, published_steps: PublishedSteps, always_open: None) -> None:
    """Twenty leads."""
    published_steps("lead", 1)
    a_crowd(20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_loop_cleanly(
    address: str,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    due_now: None,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    process = subprocess.Popen(
        [sys.executable, "drip_scheduler.py", "--loop"],
        cwd=PROJECT_ROOT,
        env=environment_for(address, sendgrid_standin, DATA_DIR=str(tmp_path)),
        stderr=subprocess.PIPE,
        text=True,
    )
    _soon(lambda: _runs(service))
    os.kill(process.pid, number)
    _, words = process.communicate(timeout=20)
    assert (process.returncode, "Traceback" in words) == (0, False), words
    assert len(sendgrid_standin.accepted) == 20
    assert values(raw, "select distinct status from email_sends") == ["accepted"]


def test_a_signal_in_the_middle_of_one_run_finishes_what_is_under_way(
    address: str,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
    always_open: None,
    tmp_path: Path,
) -> None:
    published_steps("lead", 1)
    a_crowd(100)
    sendgrid_standin.latency_seconds = 0.2
    process = subprocess.Popen(
        [sys.executable, "drip_scheduler.py", "--once"],
        cwd=PROJECT_ROOT,
        env=environment_for(address, sendgrid_standin, DATA_DIR=str(tmp_path), DRIP_BATCH_SIZE="2"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _soon(lambda: sendgrid_standin.requests)
    process.terminate()
    out, words = process.communicate(timeout=20)
    assert (process.returncode, "was stopped" in out) == (1, True), words
    assert len(sendgrid_standin.accepted) < 100
    assert set(values(raw, "select distinct status from email_sends")) <= {"accepted", "retry"}


def test_no_thread_is_left_behind() -> None:
    assert [t.name for t in threading.enumerate() if t.name.startswith(("drip", "send"))] == []
