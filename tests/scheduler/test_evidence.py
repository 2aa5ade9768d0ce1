"""Evidence through whole ticks: what left is never sent again, what did not leave is sent once."""

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from crm.records.engine import EngineRecords
from db_service import DbService
from tests.cast import NOW
from tests.conftest import PublishedSteps, Raw
from tests.database.sending import values
from tests.scheduler.conftest import ACrowd, Report, Scheduler
from tests.scheduler.interruptions import SenderThatWaits
from tests.scheduler.reporting import report, to
from tests.standins import sendgrid_records as answers
from tests.standins.sendgrid import SendGridStandIn

ACCEPTED_ALL_THE_SAME = {
    "a server error after accepting": answers.server_error(500, accept=True),
    "a connection dropped after accepting": answers.drop_after_accepting(),
    "a captive portal behind the real server": answers.Scripted(status=200, accept=True),
}
NEVER_ACCEPTED = {
    "a server error": answers.server_error(503),
    "a connection dropped before accepting": answers.drop_before_accepting(),
    "a captive portal": answers.garbage(),
}


@pytest.fixture(autouse=True)
def open_all_day(raw: Raw, published_steps: PublishedSteps) -> None:
    raw.execute(
        "update drip_campaigns set window_days = '{1,2,3,4,5,6,7}', window_start = '00:00',"
        " window_end = '00:00', respect_holidays = false"
    )
    for campaign in ("lead", "client"):
        published_steps(campaign, 2)


def _statuses(raw: Raw) -> Counter[str]:
    return Counter(
        values(
            raw,
            "select status from email_sends where campaign_id ="
            " (select id from drip_campaigns where key = 'lead')",
        )
    )


def _nobody_twice(standin: SendGridStandIn) -> bool:
    return set(standin.send_counts.values()) == {1}


class _Traffic:
    """Other people's e-mails, half an hour apart, which the provider reports on or not."""

    def __init__(self, scheduler: Scheduler, standin: SendGridStandIn, raw: Raw) -> None:
        self._scheduler, self._standin, self._raw = scheduler, standin, raw
        self._told: set[str] = set()
        self._waves = 0

    def wave(self, *, reported: bool = True, minutes: float = 30) -> Report:
        self._waves += 1
        self._raw.execute(
            "insert into contacts (first_name, email, contact_type) select 'Other',"
            " 'client-' || %s || '-' || n || '@x.example', 'client' from generate_series(1, 3) n",
            (self._waves,),
        )
        told = self._scheduler.tick(minutes=minutes)
        if reported:
            self.catch_up()
        return told

    def catch_up(self) -> None:
        """The provider reports on every e-mail to a client it has not reported on."""
        new = [m for m in to(self._standin, "client-") if m.send_id not in self._told]
        self._told |= {mail.send_id for mail in new}
        report(self._scheduler.service, new, now=self._scheduler.clock())


@pytest.fixture
def traffic(scheduler: Scheduler, sendgrid_standin: SendGridStandIn, raw: Raw) -> _Traffic:
    return _Traffic(scheduler, sendgrid_standin, raw)


@pytest.mark.parametrize("heard", [1, 3])
@pytest.mark.parametrize("answer", ACCEPTED_ALL_THE_SAME)
def test_what_was_accepted_without_an_answer_goes_on_when_it_is_reported(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    answer: str,
    heard: int,
) -> None:
    """An event of one e-mail is enough for all of its request."""
    a_crowd(3)
    sendgrid_standin.answer_next(ACCEPTED_ALL_THE_SAME[answer])
    assert scheduler.tick()["unconfirmed"] == 3
    mails = sendgrid_standin.accepted
    report(service, mails[:heard], now=scheduler.clock.advance(minutes=5))
    assert scheduler.tick(minutes=5)["confirmed"] == 3 - heard
    assert _statuses(raw) == Counter({"delivered": heard, "accepted": 3 - heard})
    assert scheduler.tick(days=7)["accepted"] == 3
    assert Counter(mail.subject for mail in sendgrid_standin.accepted) == {"lead 1": 3, "lead 2": 3}
    assert _nobody_twice(sendgrid_standin)


@pytest.mark.parametrize("answer", NEVER_ACCEPTED)
def test_what_was_never_accepted_is_sent_once_after_an_hour_of_reports_on_others(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    traffic: _Traffic,
    answer: str,
) -> None:
    a_crowd(3)
    sendgrid_standin.answer_next(NEVER_ACCEPTED[answer])
    assert scheduler.tick()["unconfirmed"] == 3
    for _ in range(3):
        assert traffic.wave()["held"] == 3
    told = traffic.wave()
    assert (told["resent"], told["held"], told["accepted"]) == (3, 0, 6)
    assert len(to(sendgrid_standin, "lead-")) == 3
    for _ in range(4):
        traffic.wave()
    assert _nobody_twice(sendgrid_standin)
    assert _statuses(raw) == {"accepted": 3}


def test_without_reports_on_others_it_is_held_however_long_it_takes(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    traffic: _Traffic,
) -> None:
    a_crowd(3)
    sendgrid_standin.answer_next(answers.server_error(503))
    scheduler.tick()
    for _ in range(8):
        traffic.wave(reported=False)
    assert (_statuses(raw), to(sendgrid_standin, "lead-")) == ({"unconfirmed": 3}, [])


def test_an_outage_of_the_webhook_makes_nobody_get_it_twice(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    traffic: _Traffic,
) -> None:
    """Accepted, dropped, and its own report is the very last to arrive after the outage."""
    a_crowd(3)
    sendgrid_standin.answer_next(answers.drop_after_accepting())
    scheduler.tick()
    for _ in range(4):
        traffic.wave(reported=False)
    traffic.catch_up()
    assert traffic.wave(minutes=10)["held"] == 3
    assert traffic.wave(minutes=40)["held"] == 3
    report(service, to(sendgrid_standin, "lead-"), now=scheduler.clock.advance(minutes=5))
    for _ in range(4):
        traffic.wave()
    assert _nobody_twice(sendgrid_standin)
    assert _statuses(raw) == {"delivered": 3}


def test_an_event_that_overtakes_the_answer_changes_nothing(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
) -> None:
    a_crowd(3)

    def told_first(_: object) -> None:
        report(service, sendgrid_standin.accepted, now=scheduler.clock())

    sender = SenderThatWaits(scheduler.sender, after=told_first)
    hasty = Scheduler(service, sender, scheduler.settings, scheduler.clock)
    assert hasty.tick()["error"] == ""
    assert values(raw, "select distinct next_step from campaign_enrollments") == [2]
    assert values(raw, "select count(*) from activities where kind = 'email_sent'") == [3]
    assert values(raw, "select accepted from breaker_counts") == [3]
    assert scheduler.tick(days=7)["accepted"] == 3
    assert _nobody_twice(sendgrid_standin)


class _HandOverThatTakes(EngineRecords):
    """The database says yes, and then time passes."""

    passes: Any = staticmethod(lambda: None)

    def hand_over(self, *arguments: Any, **named: Any) -> set[str]:
        allowed = super().hand_over(*arguments, **named)
        self.passes()
        return allowed


@pytest.mark.parametrize(("minutes", "leaves"), [(4, True), (5, False), (11, False), (4000, False)])
def test_a_request_that_is_late_does_not_leave_and_is_due_again(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    minutes: int,
    leaves: bool,
) -> None:
    """Half the lease of ten minutes is for its way from the hand-over to the first byte."""
    a_crowd(3)
    raw.execute("update app_settings set value = '100' where key = 'account_daily_cap'")
    engine = _HandOverThatTakes(service._gateway)
    engine.passes = lambda: scheduler.clock.advance(minutes=minutes)
    service.__dict__["engine"] = engine
    told = scheduler.tick()
    assert told.get("accepted", 0) == (3 if leaves else 0)
    assert len(sendgrid_standin.accepted) == (3 if leaves else 0)
    assert values(raw, "select sum(handed_over)::int from account_days") == [3 if leaves else 0]
    engine.passes = lambda: None
    scheduler.tick(minutes=5)
    assert (_nobody_twice(sendgrid_standin), len(sendgrid_standin.accepted)) == (True, 3)


def test_a_clock_that_is_set_back_lets_nothing_leave_late(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_crowd(3)
    seconds = iter([1000.0, 1000.0 + 301])
    monkeypatch.setattr(
        "crm.scheduler.dispatch.time", SimpleNamespace(monotonic=lambda: next(seconds))
    )
    told = scheduler.tick()
    assert (told["retry"], sendgrid_standin.accepted) == (3, [])


def test_a_scheduler_that_slept_through_its_lease_sends_nothing_another_has_judged(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
) -> None:
    a_crowd(3)
    swept: list[int] = []

    def another_sweeps(_: object) -> None:
        later = scheduler.clock.advance(minutes=11)
        run = service.engine.start_run(trigger="command", host="other", sender={}, now=later)
        swept.append(service.engine.sweep(run, now=later).unconfirmed)

    sleepy = SenderThatWaits(scheduler.sender, before=another_sweeps)
    told = Scheduler(service, sleepy, scheduler.settings, scheduler.clock).tick()
    assert (swept, told["retry"], sendgrid_standin.accepted) == ([3], 3, [])
    assert scheduler.tick(minutes=5)["accepted"] == 3
    assert _nobody_twice(sendgrid_standin)
    assert _statuses(raw) == {"accepted": 3}
    assert scheduler.clock() < NOW + timedelta(hours=1), "the owner knew; nobody had to wait"
