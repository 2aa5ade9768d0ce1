"""Decisions in a tick: moved with an explanation, sent at the opening, never over the cap."""

from datetime import UTC, datetime, timedelta

import pytest

from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import one, values
from tests.scheduler.conftest import Scheduler
from tests.standins.sendgrid import SendGridStandIn

# NOW is Tuesday 10 March 2026, 15:00 UTC.
OPENINGS = {
    "night in Tokyo": ("Asia/Tokyo", "JP", NOW, datetime(2026, 3, 11, 0, 0, tzinfo=UTC)),
    "morning in Los Angeles": (
        "America/Los_Angeles",
        "US",
        NOW,
        datetime(2026, 3, 10, 16, 0, tzinfo=UTC),
    ),
    "a Saturday": (
        "Europe/Berlin",
        "DE",
        datetime(2026, 3, 14, 12, 0, tzinfo=UTC),
        datetime(2026, 3, 16, 8, 0, tzinfo=UTC),
    ),
    "past the last minute": (
        "Europe/London",
        "GB",
        datetime(2026, 3, 10, 17, 0, tzinfo=UTC),
        datetime(2026, 3, 11, 9, 0, tzinfo=UTC),
    ),
}


def _decision(raw: Raw) -> dict[str, object]:
    return one(raw, "select reason, explanation, until from drip_decisions")


@pytest.mark.parametrize("case", OPENINGS)
def test_outside_the_window_it_waits_for_the_opening_and_says_so(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
    case: str,
) -> None:
    published_steps("lead", 1)
    zone, country, at, opening = OPENINGS[case]
    a_contact(time_zone=zone, country=country)
    scheduler.clock.now = at
    assert scheduler.tick()["postponed"] == 1
    decision = _decision(raw)
    assert (decision["reason"], decision["until"]) == ("outside_send_window", opening)
    assert zone in str(decision["explanation"])
    scheduler.clock.now = opening - timedelta(seconds=1)
    assert scheduler.tick().get("claimed", 0) == 0
    scheduler.clock.now = opening
    assert scheduler.tick()["accepted"] == 1
    assert len(sendgrid_standin.accepted) == 1


def test_a_public_holiday_is_named_and_waited_out(
    scheduler: Scheduler, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    a_contact(time_zone="America/Chicago", country="US")
    scheduler.clock.now = datetime(2026, 11, 26, 16, 0, tzinfo=UTC)
    assert scheduler.tick()["postponed"] == 1
    decision = _decision(raw)
    assert (decision["reason"], decision["until"]) == (
        "holiday",
        datetime(2026, 11, 27, 15, 0, tzinfo=UTC),
    )
    assert "Thanksgiving" in str(decision["explanation"])


def test_the_holidays_of_another_country_do_not_matter(
    scheduler: Scheduler, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    a_contact(time_zone="Europe/Berlin", country="DE")
    scheduler.clock.now = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
    assert scheduler.tick()["accepted"] == 1


def test_a_campaign_that_ignores_holidays_sends_on_them(
    scheduler: Scheduler, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    raw.execute("update drip_campaigns set respect_holidays = false")
    a_contact(time_zone="America/Chicago", country="US")
    scheduler.clock.now = datetime(2026, 11, 26, 16, 0, tzinfo=UTC)
    assert scheduler.tick()["accepted"] == 1


def test_a_contact_without_a_time_zone_lives_in_the_default_one(
    scheduler: Scheduler, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    a_contact(time_zone=None, country="")
    scheduler.clock.now = datetime(2026, 3, 11, 12, 59, tzinfo=UTC)  # 08:59 in New York
    assert scheduler.tick()["postponed"] == 1
    assert _decision(raw)["until"] == datetime(2026, 3, 11, 13, 0, tzinfo=UTC)
    assert scheduler.tick(minutes=1)["accepted"] == 1


def test_the_next_run_comes_at_an_opening_sooner_than_the_interval(
    scheduler: Scheduler, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    a_contact(time_zone="America/Los_Angeles", country="US")
    opening = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
    scheduler.clock.now = opening - timedelta(minutes=20)
    tick = scheduler.a_tick()
    tick.run()
    assert tick.next_run_at == opening


def test_one_zone_that_sleeps_does_not_hold_back_another(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    a_contact(time_zone="Asia/Tokyo", country="JP", email="asleep@customer.example")
    a_contact(time_zone="America/New_York", country="US", email="awake@customer.example")
    report = scheduler.tick()
    assert (report["accepted"], report["postponed"]) == (1, 1)
    assert [mail.to for mail in sendgrid_standin.accepted] == ["awake@customer.example"]


@pytest.fixture
def twice_due(
    raw: Raw, service: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> str:
    """A lead who is also, by hand, in the networking campaign; both e-mails are due at once."""
    published_steps("lead", 1)
    published_steps("networking", 1)
    raw.execute("update drip_campaigns set is_type_campaign = false where key = 'networking'")
    contact = a_contact()
    campaign = values(raw, "select id::text from drip_campaigns where key = 'networking'")[0]
    service.enrollments.enroll([contact], campaign_id=campaign, source="manual", now=NOW)
    return contact


def test_two_campaigns_due_at_once_write_on_two_days(
    scheduler: Scheduler, sendgrid_standin: SendGridStandIn, raw: Raw, twice_due: str
) -> None:
    report = scheduler.tick()
    assert (report["accepted"], report["postponed"]) == (1, 1)
    decision = _decision(raw)
    assert decision["reason"] == "contact_daily_cap"
    assert "at most 1 a day" in str(decision["explanation"])
    assert scheduler.tick(hours=3).get("accepted", 0) == 0
    tomorrow = datetime(2026, 3, 11, 13, 0, tzinfo=UTC)
    assert decision["until"] == tomorrow
    scheduler.clock.now = tomorrow
    assert scheduler.tick()["accepted"] == 1
    assert {mail.subject for mail in sendgrid_standin.accepted} == {"lead 1", "networking 1"}


def test_a_higher_cap_lets_both_through(
    scheduler: Scheduler, sendgrid_standin: SendGridStandIn, raw: Raw, twice_due: str
) -> None:
    raw.execute("update app_settings set value = '2' where key = 'contact_daily_cap'")
    assert scheduler.tick()["accepted"] == 2
    assert len(sendgrid_standin.accepted) == 2


def test_an_e_mail_that_could_not_leave_does_not_use_up_the_day(
    scheduler: Scheduler, raw: Raw, twice_due: str
) -> None:
    raw.execute(
        "update drip_campaigns set window_start = '20:00', window_end = '22:00' where key = 'lead'"
    )
    report = scheduler.tick()
    assert (report["accepted"], report["postponed"]) == (1, 1)
