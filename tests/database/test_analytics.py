"""The figures at their edges: whose they are, where a period ends, what is attributed to what."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from crm.database.gateway import SERVICE, Gateway
from crm.database.postgres import PostgresDatabase
from crm.records.analytics import AnalyticsRecords
from crm.records.figures import CampaignFigures, DayFigures, Period
from db_service import DbService, EmailStatus, InvalidValueError, NotAllowedError
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.reporting import told
from tests.database.sending import SlowScheduler, one

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
YEAR = Period(NOW - 180 * DAY, NOW + 180 * DAY)
Sent = Callable[..., dict[str, Any]]


@pytest.fixture
def sent(
    raw: Raw, service: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> Sent:
    """Sends the first e-mail of Lead to a fresh contact and returns its row."""
    published_steps("lead", 3)

    def send(at: datetime = NOW, contact: str | None = None) -> dict[str, Any]:
        contact = contact or a_contact()
        raw.execute(
            "update campaign_enrollments set next_send_at = %s where next_send_at > %s", (at, at)
        )
        SlowScheduler(service).send_all(at, next_step=2)
        row = one(raw, "select * from email_sends where contact_id = %s", contact)
        raw.execute("update campaign_enrollments set next_send_at = null")
        return row

    return send


def lead(desk: DbService, period: Period = YEAR) -> CampaignFigures:
    desk.analytics.catch_up(parts=100)
    return next(c for c in desk.analytics.campaigns(period) if c.key == "lead")


def test_an_empty_database_has_figures_of_nothing(alice: DbService) -> None:
    assert alice.analytics.catch_up() == 0
    figures = alice.analytics.campaigns(YEAR)
    assert [f.key for f in figures] == ["networking", "lead", "prospect", "client"]
    assert {(f.sent, f.enrolled, f.open_rate, f.success_rate) for f in figures} == {
        (0, 0, None, None)
    }
    assert figures[0].completion_rate is None
    assert figures[0].median_days_to_conversion is None
    assert alice.analytics.steps(figures[0].campaign_id, YEAR) == []
    three_days = Period(NOW, NOW + 2 * DAY)
    assert alice.analytics.by_day(None, three_days, "America/New_York") == [
        DayFigures(date(2026, 3, day)) for day in (10, 11, 12)
    ]
    months = [c.month for c in alice.analytics.cohorts(figures[0].campaign_id, months=3, now=NOW)]
    assert months == [date(2026, month, 1) for month in (1, 2, 3)]
    assert [t.contact_type for t in alice.analytics.funnel_by_type()] == [
        *("networking", "lead", "prospect", "client", "partner", "other")
    ]


def test_sums_are_for_every_colleague_and_nobody_else(
    raw: Raw, sent: Sent, alice: DbService, bob: DbService, carol: DbService, charlie: DbService
) -> None:
    sent()
    # Carol neither owns the contact nor brought it in.
    assert lead(carol) == lead(alice) == lead(bob)
    assert lead(carol).sent == 1
    campaign = lead(bob).campaign_id
    questions: list[Callable[[AnalyticsRecords], object]] = [
        lambda desk: desk.catch_up(),
        lambda desk: desk.campaigns(YEAR),
        lambda desk: desk.steps(campaign, YEAR),
        lambda desk: desk.by_day(None, YEAR, "UTC"),
        lambda desk: desk.cohorts(campaign, months=1, now=NOW),
        lambda desk: desk.funnel_by_type(),
    ]
    for ask in questions:
        with pytest.raises(NotAllowedError):
            ask(charlie.analytics)
    # The rows behind the sums are nobody's to read.
    for role in ("authenticated", "service_role"):
        with raw.transaction(force_rollback=True):
            raw.execute(f"set local role {role}".encode())
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                raw.execute("select from private.email_outcomes")


def test_a_period_has_its_beginning_and_not_its_end(sent: Sent, service: DbService) -> None:
    sent()
    for period, expected in (
        (Period(NOW, NOW + MOMENT), 1),
        (Period(NOW - DAY, NOW), 0),
        (Period(NOW + MOMENT, NOW + DAY), 0),
    ):
        assert lead(service, period).sent == expected
        assert sum(day.sent for day in service.analytics.by_day(None, period, "UTC")) == expected


def test_an_email_counts_for_its_day_in_the_viewers_zone(sent: Sent, service: DbService) -> None:
    """Minutes before midnight in New York, on the day its clocks went forward."""
    sent(datetime(2026, 3, 9, 3, 55, tzinfo=UTC))
    lead(service)
    weekend = Period(datetime(2026, 3, 7, 5, tzinfo=UTC), datetime(2026, 3, 10, 4, tzinfo=UTC))
    for zone, day in (("America/New_York", 8), ("UTC", 9), ("Asia/Kathmandu", 9)):
        told = service.analytics.by_day(None, weekend, zone)
        assert {d.day: d.sent for d in told if d.sent} == {date(2026, 3, day): 1}
        assert [d.day for d in told] == sorted({d.day for d in told})
    with pytest.raises(InvalidValueError):
        service.analytics.by_day(None, weekend, "Mars/Olympus")


def test_days_asked_for_in_parts_are_the_same_days(
    database: PostgresDatabase, sent: Sent, service: DbService
) -> None:
    for hours in (0, 3, 30, 49, 200):
        sent(NOW + timedelta(hours=hours))
    lead(service)
    period = Period(NOW - 5 * DAY - 3 * MOMENT, NOW + 12 * DAY)
    whole = service.analytics.by_day(None, period, "America/New_York")
    for most_rows in (1, 3, 4, 7):
        few = AnalyticsRecords(_FewRows(database.gateway(SERVICE), most_rows))
        assert few.by_day(None, period, "America/New_York") == whole
    assert sum(day.sent for day in whole) == 5


class _FewRows:
    """A gateway whose answers have few rows, as Supabase's have a thousand."""

    def __init__(self, gateway: Gateway, most_rows: int) -> None:
        self._gateway = gateway
        self._most_rows = most_rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def most_rows(self) -> int:
        return self._most_rows


def test_a_reply_counts_for_the_last_email_before_it(
    raw: Raw, sent: Sent, service: DbService, published_steps: PublishedSteps
) -> None:
    row = sent()
    raw.execute("update campaign_enrollments set next_send_at = %s", (NOW + 7 * DAY,))
    SlowScheduler(service).send_all(NOW + 7 * DAY)
    _replies(raw, row["contact_id"], "reply", NOW + 7 * DAY - MOMENT)
    _replies(raw, row["contact_id"], "auto_reply", NOW + 8 * DAY)
    assert [step.replied for step in _steps(service)] == [1, 0, 0]
    _replies(raw, row["contact_id"], "reply", NOW + 7 * DAY)
    assert [step.replied for step in _steps(service)] == [1, 1, 0]
    # An e-mail is answered once, however often the person writes.
    _replies(raw, row["contact_id"], "reply", NOW + 7 * DAY + MOMENT)
    assert [step.replied for step in _steps(service)] == [1, 1, 0]
    assert lead(service).reply_rate is None  # nothing was reported as delivered
    assert (lead(service).succeeded, lead(service).enrolled) == (1, 1)


def _replies(raw: Raw, contact: str, event: str, at: datetime) -> None:
    raw.execute(
        "insert into email_events (contact_id, event, occurred_at, message_id)"
        " values (%s, %s, %s, %s)",
        (contact, event, at, at.isoformat()),
    )


def _steps(service: DbService) -> list[Any]:
    return service.analytics.steps(lead(service).campaign_id, YEAR)


def test_ninety_days_after_an_email_a_step_forward_still_counts(
    raw: Raw, sent: Sent, service: DbService
) -> None:
    within, late = sent(), sent()
    for row, at in ((within, NOW + 90 * DAY), (late, NOW + 90 * DAY + MOMENT)):
        with raw.transaction():
            raw.execute("select set_config('mpt.now', %s, true)", (at.isoformat(),))
            raw.execute(
                "update contacts set contact_type = 'client' where id = %s", (row["contact_id"],)
            )
    figures = lead(service)
    assert (figures.sent, figures.converted, figures.converted_contacts) == (2, 1, 1)
    begun = one(raw, "select * from campaign_enrollments where id = %s", within["enrollment_id"])
    days = (NOW + 90 * DAY - begun["enrolled_at"]) / DAY
    assert figures.median_days_to_conversion == pytest.approx(days)


def test_a_wish_to_stop_counts_for_the_email_it_followed_and_once(
    raw: Raw, sent: Sent, service: DbService, alice: DbService
) -> None:
    by_link, by_event, by_colleague = sent(), sent(), sent()
    service.contacts.unsubscribe(by_link["contact_id"], now=NOW + DAY)
    told(service, by_event, "unsubscribe", at=NOW + DAY)
    service.contacts.unsubscribe(by_event["contact_id"], now=NOW + 2 * DAY)
    alice.contacts.set_email_status(
        by_colleague["contact_id"], EmailStatus.UNSUBSCRIBED, reason="Told me", now=NOW + DAY
    )
    assert lead(service).unsubscribed == 2


def test_raw_and_human_stand_side_by_side(sent: Sent, service: DbService) -> None:
    machine, person = sent(), sent()
    for row in (machine, person):
        told(service, row, "delivered", at=NOW)
    told(service, machine, "open", at=NOW + DAY, says_machine=True)
    told(service, person, "open", at=NOW + DAY)
    figures = lead(service)
    assert (figures.opened, figures.opened_raw) == (1, 2)
    assert (figures.open_rate, figures.open_rate_raw) == (0.5, 1.0)


def test_what_is_judged_anew_is_counted_anew(raw: Raw, sent: Sent, service: DbService) -> None:
    row = sent()
    told(service, row, "delivered", at=NOW)
    told(service, row, "open", at=NOW + DAY)
    assert lead(service).opened == 1
    raw.execute("update email_events set user_agent = 'BarracudaCentral' where event = 'open'")
    assert service.events.rescore(since=NOW) == 1
    assert lead(service).opened == 0


def test_an_erased_contact_leaves_the_figures(raw: Raw, sent: Sent, service: DbService) -> None:
    first, second = sent(), sent()
    assert lead(service).sent == 2
    raw.execute("delete from contacts where id = %s", (first["contact_id"],))
    assert lead(service).sent == 1
    # Somebody who was still waiting to be counted, too.
    told(service, second, "delivered", at=NOW)
    raw.execute("delete from contacts where id = %s", (second["contact_id"],))
    assert lead(service).sent == 0


def test_what_waits_is_taken_in_part_by_part(raw: Raw, sent: Sent, service: DbService) -> None:
    row = sent()
    raw.execute(
        "insert into private.outcome_queue (contact_id)"
        " select gen_random_uuid() from generate_series(1, 2200)"
    )
    told(service, row, "delivered", at=NOW)
    waiting = [service.analytics.catch_up() for _ in range(4)]
    assert waiting == sorted(waiting, reverse=True)
    assert waiting[0] > waiting[1] > waiting[3] == 0
    assert lead(service).delivered == 1


def test_nobody_waits_for_somebody_who_counts(address: str, sent: Sent, service: DbService) -> None:
    sent()
    with psycopg.connect(address) as other, psycopg.connect(address) as third:
        other.execute("select * from count_outcomes()")
        # Not there before the other is done, and left to it.
        third.execute("set lock_timeout = '100ms'")
        assert third.execute("select taken, waiting > 0 from count_outcomes()").fetchone() == (
            0,
            True,
        )
        other.rollback()
    assert service.analytics.catch_up() == 0
    assert lead(service).sent == 1


def test_what_happens_during_the_counting_is_counted_next(
    address: str, raw: Raw, sent: Sent, service: DbService
) -> None:
    row = sent()
    lead(service)
    told(service, row, "delivered", at=NOW)
    with psycopg.connect(address) as counting:
        counting.execute("select * from count_outcomes()")
        told(service, row, "open", at=NOW + DAY)
        counting.commit()
    assert service.analytics.catch_up() == 0
    assert lead(service).opened == 1


def test_counting_and_reporting_at_once_agree_in_the_end(
    sent: Sent, service: DbService, raw: Raw
) -> None:
    """Many pages catch up while the webhook reports."""
    rows = [sent() for _ in range(6)]
    stop = threading.Event()

    def count() -> None:
        while not stop.is_set():
            service.analytics.catch_up()

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for days, kind in enumerate(("delivered", "open", "click")):
        for row in rows:
            told(service, row, kind, at=NOW + days * DAY)
    stop.set()
    for thread in threads:
        thread.join()
    figures = lead(service)
    assert (figures.delivered, figures.opened, figures.clicked) == (6, 6, 6)


def test_an_operator_has_everything_counted_again(raw: Raw, sent: Sent, alice: DbService) -> None:
    sent()
    lead(alice)
    raw.execute("update private.email_outcomes set opened = true, delivered = true")
    assert lead(alice).opened == 1
    with pytest.raises(NotAllowedError):
        alice._gateway.call("recount_outcomes")
    raw.execute("select recount_outcomes()")
    assert (lead(alice).opened, lead(alice).delivered) == (0, 0)
