"""Campaigns that stop by themselves: when, with which words, and what a resume forgives."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from crm.records.campaigns import Campaign
from crm.records.engine import Settlement
from db_service import DbService
from tests.cast import NOW
from tests.conftest import PublishedSteps, Raw
from tests.database.reporting import told
from tests.database.sending import SlowScheduler, accepted, refused, values

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def judged_from_ten(raw: Raw, published_steps: PublishedSteps) -> None:
    """A campaign is judged from ten e-mails on; both campaigns have two steps."""
    raw.execute("update app_settings set value = '10' where key = 'breaker_least_sends'")
    for campaign in ("lead", "client"):
        published_steps(campaign, 2)


@pytest.fixture
def scheduler(service: DbService) -> SlowScheduler:
    return SlowScheduler(service)


def _crowd(raw: Raw, n: int, *, contact_type: str = "lead", name: str = "x") -> None:
    raw.execute(
        "insert into contacts (first_name, email, contact_type)"
        " select 'Crowd', %s || n || '@' || %s || '.example', %s from generate_series(1, %s) n",
        (name, contact_type, contact_type, n),
    )


def _sent(scheduler: SlowScheduler, raw: Raw, n: int, *, now: Any = NOW, **who: str) -> list[Any]:
    """n e-mails of one campaign, accepted; the rows of email_sends."""
    _crowd(raw, n, **who)
    claimed = scheduler.send_all(now, next_step=2)
    ids = [send.send_id for send in claimed]
    assert len(ids) == n
    query = "select * from email_sends where id = any(%s) order by id"
    return raw.execute(query, (ids,)).fetchall()


def _settled(
    scheduler: SlowScheduler, statuses: Sequence[str], *, reason: str = "The content was refused."
) -> None:
    """One request whose e-mails end so."""
    ids = [send.send_id for send in scheduler.claim()]
    scheduler.hand_over(ids)
    scheduler.settle(
        [
            accepted(i, next_step=2, next_send_at=NOW + 7 * DAY)
            if status == "accepted"
            else Settlement(send_id=i, status=status, reason=reason, retry_at=NOW)
            for i, status in zip(ids, statuses, strict=True)
        ]
    )


def _campaign(desk: DbService, key: str = "lead") -> Campaign:
    return next(c for c in desk.campaigns.overview() if c.key == key)


def _stopped(desk: DbService, key: str = "lead") -> str:
    """Why it stopped by itself; empty while it runs."""
    campaign = _campaign(desk, key)
    assert (campaign.status == "paused") == bool(campaign.paused_reason)
    return campaign.paused_reason


def _bounce(service: DbService, sends: Sequence[Any], *, now: Any = NOW) -> None:
    for send in sends:
        told(service, send, "bounce", at=now, reason="550 no such user")


def test_too_many_bounces_stop_a_campaign_and_say_so(
    service: DbService, scheduler: SlowScheduler, raw: Raw
) -> None:
    sends = _sent(scheduler, raw, 40)
    _bounce(service, sends[:1])
    assert _stopped(service) == "", "one in forty is 2.5 %"
    _bounce(service, sends[1:2])
    assert _stopped(service) == "Stopped by itself: 2 of the last 40 e-mails bounced (5.0 %)."
    _crowd(raw, 3, name="more")
    assert scheduler.claim() == []


def test_too_few_e_mails_stop_nothing(
    service: DbService, scheduler: SlowScheduler, raw: Raw
) -> None:
    _bounce(service, _sent(scheduler, raw, 9))
    assert _stopped(service) == ""


def test_two_complaints_stop_a_campaign_and_one_is_an_opinion(
    service: DbService, scheduler: SlowScheduler, raw: Raw
) -> None:
    first, second, *_ = _sent(scheduler, raw, 20)
    told(service, first, "spamreport")
    told(service, first, "spamreport", at=NOW + DAY, message_id="message-2")
    assert _stopped(service) == "", "one person who says it twice is still one"
    told(service, second, "spamreport")
    words = "Stopped by itself: 2 of the last 20 e-mails were marked as spam (10.0 %)."
    assert _stopped(service) == words


def test_a_wave_of_refusals_stops_a_campaign(
    service: DbService, scheduler: SlowScheduler, raw: Raw
) -> None:
    _crowd(raw, 10)
    _settled(scheduler, ["failed"] * 2 + ["accepted"] * 8)
    assert _stopped(service) == "Stopped by itself: 2 of the last 10 e-mails were refused (20.0 %)."


def test_the_refusals_of_a_request_are_judged_together_with_what_it_accepted(
    service: DbService, scheduler: SlowScheduler, raw: Raw
) -> None:
    _crowd(raw, 100)
    _settled(scheduler, ["failed"] * 15 + ["accepted"] * 85)
    assert _stopped(service) == "", "15 of 100, not 15 of 15"


def test_what_is_tried_again_or_unclear_is_no_refusal(
    service: DbService, scheduler: SlowScheduler, raw: Raw
) -> None:
    _crowd(raw, 20)
    _settled(scheduler, ["retry"] * 9 + ["unconfirmed"] * 9 + ["failed"] * 2)
    assert _stopped(service) == ""
    assert values(raw, "select failed from breaker_counts") == [2]


def test_repeated_events_count_once(service: DbService, scheduler: SlowScheduler, raw: Raw) -> None:
    sends = _sent(scheduler, raw, 40)
    for n in range(3):
        told(service, sends[0], "bounce", provider_event_id=f"again-{n}")
        told(service, sends[0], "bounce", at=NOW + n * DAY, message_id=f"message-{n}")
    counts = raw.execute("select accepted, bounced, complained, failed from breaker_counts")
    assert [tuple(row.values()) for row in counts.fetchall()] == [(40, 1, 0, 0)]
    assert _stopped(service) == ""


def test_campaigns_are_judged_apart(service: DbService, scheduler: SlowScheduler, raw: Raw) -> None:
    lead = _sent(scheduler, raw, 20)
    _sent(scheduler, raw, 200, contact_type="client")
    _bounce(service, lead[:5])
    assert (bool(_stopped(service, "lead")), _stopped(service, "client")) == (True, "")


def test_a_bounce_counts_for_the_day_its_e_mail_left(
    service: DbService, scheduler: SlowScheduler, raw: Raw
) -> None:
    late = _sent(scheduler, raw, 20)
    _bounce(service, late[:5], now=NOW + 3 * DAY)
    assert _stopped(service) == "", "those days are no longer looked at"
    _sent(scheduler, raw, 20, now=NOW + 3 * DAY, name="later")
    _bounce(service, late[5:9], now=NOW + 3 * DAY)
    assert _stopped(service) == ""


def test_a_resumed_campaign_starts_with_a_clean_slate(
    service: DbService, bob: DbService, scheduler: SlowScheduler, raw: Raw
) -> None:
    _bounce(service, _sent(scheduler, raw, 20)[:5])
    noon = NOW + timedelta(hours=1)
    assert bob.campaigns.resume(_campaign(bob).id, now=noon)
    assert _stopped(bob) == ""
    fresh = _sent(scheduler, raw, 20, now=noon, name="fresh")
    told(service, fresh[0], "open", at=noon)
    assert _stopped(bob) == ""
    _bounce(service, fresh[:1], now=noon)
    assert "1 of the last 20 e-mails bounced" in _stopped(bob)


def test_late_bounces_of_forgiven_days_stop_nothing(
    service: DbService, bob: DbService, scheduler: SlowScheduler, raw: Raw
) -> None:
    before = _sent(scheduler, raw, 20)
    _bounce(service, before[:5])
    noon = NOW + timedelta(hours=1)
    bob.campaigns.resume(_campaign(bob).id, now=noon)
    _sent(scheduler, raw, 20, now=noon, name="fresh")
    _bounce(service, before[5:15], now=noon)
    assert _stopped(bob) == ""
    assert values(raw, "select sum(bounced)::int from breaker_counts") == [0]


def test_a_campaign_paused_by_hand_keeps_its_own_reason(
    service: DbService, bob: DbService, scheduler: SlowScheduler, raw: Raw
) -> None:
    sends = _sent(scheduler, raw, 20)
    bob.campaigns.pause(_campaign(bob).id, reason="Text under review", now=NOW)
    _bounce(service, sends[:5])
    assert _stopped(bob) == "Text under review"


@pytest.mark.parametrize("percent", ["null", "100"])
def test_a_breaker_without_a_limit_never_stops_anything(
    service: DbService, scheduler: SlowScheduler, raw: Raw, percent: str
) -> None:
    raw.execute(
        "update app_settings set value = %s::jsonb where key = 'breaker_bounce_percent'", (percent,)
    )
    _bounce(service, _sent(scheduler, raw, 20)[:19])
    assert _stopped(service) == ""


@pytest.mark.parametrize("value", ['"5"', "-1", "true", "{}", "2.5"])
def test_a_setting_the_engine_computes_with_is_a_number(raw: Raw, value: str) -> None:
    refused(
        raw,
        "23514",
        "update app_settings set value = %s::jsonb where key = 'breaker_least_sends'",
        value,
    )
