"""Caps on a day: the account's, its warm-up, and one person's. A day of the account is UTC."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import one, values
from tests.scheduler.conftest import ACrowd, Scheduler, SettingsFor
from tests.standins import sendgrid_records as answers
from tests.standins.sendgrid import SendGridStandIn


@pytest.fixture(autouse=True)
def open_all_day(raw: Raw, published_steps: PublishedSteps) -> None:
    raw.execute(
        "update drip_campaigns set window_days = '{1,2,3,4,5,6,7}', window_start = '00:00',"
        " window_end = '00:00', respect_holidays = false"
    )
    for campaign in ("lead", "client"):
        published_steps(campaign, 1)


def _cap(raw: Raw, cap: int | None) -> None:
    raw.execute(
        "update app_settings set value = %s::jsonb where key = 'account_daily_cap'",
        ("null" if cap is None else str(cap),),
    )


def _warm_up(raw: Raw, *daily: int, starts_on: str = "2026-03-10") -> None:
    raw.execute(
        "update app_settings set value = jsonb_build_object("
        "'starts_on', %s::text, 'daily', %s::int[]) where key = 'warm_up'",
        (starts_on, list(daily)),
    )


def _over_days(scheduler: Scheduler, days: int) -> list[int]:
    """E-mails accepted on each day, over several ticks a day."""
    accepted = []
    for _ in range(days):
        ticks = [scheduler.tick(hours=6) for _ in range(4)]
        accepted.append(sum(int(str(t.get("accepted", 0))) for t in ticks))
    return accepted


def _nobody_twice(standin: SendGridStandIn, n: int) -> bool:
    counts = Counter(mail.to for mail in standin.accepted)
    return len(counts) == n and set(counts.values()) == {1}


@pytest.fixture
def from_midnight(scheduler: Scheduler) -> Scheduler:
    """The clock stands at 18:01 UTC the day before: the first tick is at 00:01 on NOW's day."""
    scheduler.clock.now = NOW.replace(hour=18, minute=1) - timedelta(days=1)
    return scheduler


def test_no_more_leave_on_a_day_than_the_account_may_send(
    from_midnight: Scheduler, sendgrid_standin: SendGridStandIn, raw: Raw, a_crowd: ACrowd
) -> None:
    raw.execute("set mpt.now = '2026-03-09 12:00+00'")
    _cap(raw, 10)
    a_crowd(25)
    assert _over_days(from_midnight, 4) == [10, 10, 5, 0]
    assert _nobody_twice(sendgrid_standin, 25)
    days = raw.execute("select day::text, handed_over from account_days order by day").fetchall()
    assert [tuple(d.values()) for d in days] == [
        ("2026-03-10", 10),
        ("2026-03-11", 10),
        ("2026-03-12", 5),
    ]


@pytest.mark.parametrize(
    ("cap", "daily", "sent"),
    [
        (None, (2, 4, 8), [2, 4, 8, 26, 0]),
        (6, (2, 4, 8), [2, 4, 6, 6, 6]),
        (3, (9, 9), [3, 3, 3, 3, 3]),
        (None, (0, 5), [0, 5, 35, 0, 0]),
    ],
)
def test_a_new_domain_warms_up_day_by_day(
    from_midnight: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    cap: int | None,
    daily: tuple[int, ...],
    sent: list[int],
) -> None:
    raw.execute("set mpt.now = '2026-03-09 12:00+00'")
    _cap(raw, cap)
    _warm_up(raw, *daily)
    a_crowd(40)
    assert _over_days(from_midnight, 5) == sent
    assert _nobody_twice(sendgrid_standin, sum(sent))


def test_before_its_first_day_the_warm_up_is_as_careful_as_on_it(
    scheduler: Scheduler, raw: Raw, a_crowd: ACrowd
) -> None:
    _warm_up(raw, 3, 9, starts_on="2026-03-20")
    a_crowd(10)
    assert scheduler.tick()["accepted"] == 3


def test_the_day_turns_at_midnight_utc(scheduler: Scheduler, raw: Raw, a_crowd: ACrowd) -> None:
    _cap(raw, 2)
    a_crowd(6)
    scheduler.clock.now = NOW.replace(hour=23, minute=58)
    assert scheduler.tick(minutes=1)["accepted"] == 2
    assert scheduler.tick().get("accepted", 0) == 0
    assert scheduler.tick(minutes=1)["accepted"] == 2


def test_whoever_waits_for_tomorrow_is_left_in_peace(
    scheduler: Scheduler, raw: Raw, a_crowd: ACrowd
) -> None:
    """A million of them waiting must not cost a million rows an hour."""
    _cap(raw, 4)
    a_crowd(30)
    scheduler.tick()
    waiting = (
        "select id, xmin::text, next_send_at from campaign_enrollments where next_send_at <= %s"
    )
    before = raw.execute(waiting, (NOW,)).fetchall()
    assert len(before) == 26
    for _ in range(3):
        scheduler.tick(hours=1)
    assert raw.execute(waiting, (NOW,)).fetchall() == before
    assert values(raw, "select count(*) from drip_decisions") == [0]


def test_schedulers_side_by_side_never_pass_the_cap_together(
    service: DbService,
    scheduler: Scheduler,
    settings_for: SettingsFor,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
) -> None:
    _cap(raw, 33)
    for campaign in ("lead", "client"):
        a_crowd(60, contact_type=campaign)
    small = settings_for(drip_batch_size=7)
    several = [Scheduler(service, scheduler.sender, small, scheduler.clock) for _ in range(4)]
    sendgrid_standin.latency_seconds = 0.02
    with ThreadPoolExecutor(len(several)) as pool:
        reports = list(pool.map(lambda s: s.tick(), several))
    assert {str(told["error"]) for told in reports} == {""}
    for _ in range(2):
        scheduler.tick()
    assert len(sendgrid_standin.accepted) == 33
    assert _nobody_twice(sendgrid_standin, 33)
    assert values(raw, "select handed_over from account_days") == [33]
    assert scheduler.tick(days=1)["accepted"] == 33


GIVEN_BACK: dict[str, Any] = {
    "a rate limit": (answers.rate_limited(retry_after="60"), 0),
    "a refused account": (answers.unauthorized(), 0),
    "no clear answer": (answers.server_error(), 5),
}


@pytest.mark.parametrize("why", GIVEN_BACK)
def test_only_what_may_have_left_counts_for_the_day(
    scheduler: Scheduler,
    bob: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    why: str,
) -> None:
    answer, counted = GIVEN_BACK[why]
    _cap(raw, 5)
    a_crowd(8)
    sendgrid_standin.answer_next(answer)
    scheduler.tick()
    assert values(raw, "select handed_over from account_days") == [counted]
    bob.app_settings.resume_sending(now=scheduler.clock())
    assert scheduler.tick(minutes=15).get("accepted", 0) == 5 - counted


def test_a_refused_address_is_given_back_to_the_day(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
) -> None:
    _cap(raw, 5)
    a_crowd(7)
    for n in (1, 2, 3, 4, 5, 6, 7):
        sendgrid_standin.refuse_address(f"lead-crowd{n}@customer.example", "No such domain.")
    scheduler.tick()
    assert values(raw, "select handed_over from account_days") == [0]


def test_one_person_gets_one_e_mail_a_day_whatever_the_campaigns(
    scheduler: Scheduler,
    service: DbService,
    bob: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
) -> None:
    raw.execute("update drip_campaigns set is_type_campaign = false where key = 'client'")
    client = next(c for c in bob.campaigns.overview() if c.key == "client")
    contact = a_contact()
    bob.enrollments.enroll([contact], campaign_id=client.id, source="manual", now=NOW)
    several = [scheduler, Scheduler(service, scheduler.sender, scheduler.settings, scheduler.clock)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda s: s.tick(), several))
    for _ in range(2):
        scheduler.tick(hours=1)
    assert len(sendgrid_standin.accepted) == 1
    decision = one(raw, "select distinct reason from drip_decisions")
    assert decision["reason"] == "contact_daily_cap"
    scheduler.tick(days=1)
    assert Counter(m.subject for m in sendgrid_standin.accepted) == {"lead 1": 1, "client 1": 1}
