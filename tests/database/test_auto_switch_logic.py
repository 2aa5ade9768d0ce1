"""Type changes switch campaigns, without a repeated and without a missed e-mail."""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, accepted, last_reason, live, one, values

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    published_steps("lead", 3)
    published_steps("prospect", 2)


def _received(raw: Raw, contact: str) -> list[tuple[str, int]]:
    rows = raw.execute(
        "select d.key, s.step from email_sends s join drip_campaigns d on d.id = s.campaign_id"
        " where s.contact_id = %s and s.status = 'accepted' order by s.settled_at",
        (contact,),
    ).fetchall()
    return [(row["key"], row["step"]) for row in rows]


def test_a_type_change_stops_the_old_campaign_and_starts_the_new(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    contact = a_contact()
    assert alice.contacts.change_type([contact], "prospect", now=NOW) == 1
    assert live(raw, contact) == [("prospect", "active")]
    stopped = next(e for e in service.enrollments.of_contact(contact) if e.campaign_key == "lead")
    assert (stopped.status, stopped.reason) == ("stopped", "type_changed")
    summaries = [a.summary for a in service.activities.timeline(contact)]
    assert {
        "Type changed from Lead to Prospect",
        "Lead stopped: the contact type changed",
        "Enrolled in Prospect",
    } <= set(summaries)
    assert {
        str(a.actor_id) for a in service.activities.timeline(contact) if "Type changed" in a.summary
    } == {str(alice.identity.user_id)}


def test_a_bulk_type_change_switches_everybody(
    raw: Raw, a_contact: AContact, service: DbService, bob: DbService
) -> None:
    contacts = [a_contact() for _ in range(20)]
    assert bob.contacts.change_type(contacts, "prospect", now=NOW) == 20
    assert all(live(raw, c) == [("prospect", "active")] for c in contacts)


def test_a_paused_enrollment_of_the_old_type_stops_too(
    raw: Raw, a_contact: AContact, service: DbService
) -> None:
    contact = a_contact()
    service.enrollments.change(
        [e.id for e in service.enrollments.of_contact(contact)], "pause", now=NOW
    )
    raw.execute("update contacts set contact_type = 'prospect'")
    assert live(raw, contact) == [("prospect", "active")]


def test_a_type_without_a_campaign_only_stops(raw: Raw, a_contact: AContact) -> None:
    contact = a_contact()
    raw.execute("update contacts set contact_type = 'partner'")
    assert live(raw, contact) == []
    assert last_reason(raw, contact) == "type_changed"


def test_a_campaign_joined_by_hand_runs_on_through_a_type_change(
    raw: Raw, a_contact: AContact, service: DbService
) -> None:
    contact = a_contact(contact_type="prospect")
    raw.execute("update drip_campaigns set is_type_campaign = false where key = 'lead'")
    lead = values(raw, "select id::text from drip_campaigns where key = 'lead'")[0]
    service.enrollments.enroll([contact], campaign_id=lead, source="manual", now=NOW)
    raw.execute("update contacts set contact_type = 'other'")
    assert live(raw, contact) == [("lead", "active")]


def test_any_other_change_of_a_contact_switches_nothing(raw: Raw, a_contact: AContact) -> None:
    a_contact()
    before = one(raw, "select * from campaign_enrollments")
    raw.execute("update contacts set notes = 'met again', contact_type = 'lead'")
    assert one(raw, "select * from campaign_enrollments") == before


def test_back_again_goes_on_at_the_first_e_mail_not_received(
    raw: Raw, a_contact: AContact, service: DbService
) -> None:
    contact = a_contact()
    SlowScheduler(service).send_all(next_step=2)
    raw.execute("update contacts set contact_type = 'prospect'")
    raw.execute("update contacts set contact_type = 'lead'")
    assert live(raw, contact) == [("lead", "active")]
    row = one(
        raw,
        "select next_step, next_send_at, run from campaign_enrollments where status = 'active'",
    )
    assert (row["next_step"], row["run"]) == (2, 1)
    assert row["next_send_at"] == NOW + WEEK, "the delay counts from the e-mail received"


@pytest.mark.parametrize(("days_away", "due"), [(3, NOW + WEEK), (20, NOW + 20 * DAY)])
def test_time_spent_elsewhere_counts_towards_the_delay(
    raw: Raw, a_contact: AContact, service: DbService, days_away: int, due: datetime
) -> None:
    a_contact()
    SlowScheduler(service).send_all(next_step=2)
    raw.execute("update contacts set contact_type = 'prospect'")
    raw.execute("select set_config('mpt.now', %s, false)", (str(NOW + days_away * DAY),))
    raw.execute("update contacts set contact_type = 'lead'")
    row = one(raw, "select next_send_at from campaign_enrollments where status = 'active'")
    assert row["next_send_at"] == due


def test_an_e_mail_on_its_way_counts_as_received(
    raw: Raw, a_contact: AContact, service: DbService
) -> None:
    contact = a_contact()
    scheduler = SlowScheduler(service)
    send = scheduler.claim()[0].send_id
    scheduler.hand_over([send])
    raw.execute("update contacts set contact_type = 'prospect'")
    raw.execute("select set_config('mpt.now', %s, false)", (str(NOW + 3 * DAY),))
    raw.execute("update contacts set contact_type = 'lead'")
    scheduler.settle([accepted(send, next_step=2, next_send_at=NOW + WEEK)])
    assert live(raw, contact) == [("lead", "active")]
    row = one(
        raw, "select next_step, next_send_at from campaign_enrollments where status = 'active'"
    )
    assert (row["next_step"], row["next_send_at"]) == (2, NOW + WEEK)


def test_a_claim_overtaken_by_a_type_change_is_withdrawn_and_sent_on_return(
    raw: Raw, a_contact: AContact, service: DbService
) -> None:
    contact = a_contact()
    overtaken = SlowScheduler(service)
    send = overtaken.claim()[0].send_id
    raw.execute("update contacts set contact_type = 'prospect'")
    assert overtaken.hand_over([send]) == set()
    raw.execute("update contacts set contact_type = 'lead'")
    later = NOW + DAY
    overtaken.engine.sweep(overtaken.run, now=later)
    scheduler = SlowScheduler(service)
    while scheduler.send_all(later, next_step=2):
        pass
    assert ("lead", 1) in _received(raw, contact)


def test_a_completed_campaign_is_not_repeated_on_return(
    raw: Raw, a_contact: AContact, service: DbService
) -> None:
    contact = a_contact(contact_type="prospect")
    scheduler = SlowScheduler(service)
    scheduler.send_all(next_step=2)
    scheduler.send_all(NOW + WEEK)
    raw.execute("update contacts set contact_type = 'lead'")
    raw.execute("update contacts set contact_type = 'prospect'")
    assert live(raw, contact) == []
    assert _received(raw, contact) == [("prospect", 1), ("prospect", 2)]


def _send_everything_due(service: DbService, raw: Raw, day: int) -> None:
    """A tick as the real scheduler does it: each e-mail leads to the next of its campaign."""
    now = NOW + day * DAY
    scheduler = SlowScheduler(service)
    while claimed := scheduler.claim(now):
        ids = [c.send_id for c in claimed]
        scheduler.hand_over(ids, now)
        steps = {"lead": 3, "prospect": 2}
        campaign = one(raw, "select key from drip_campaigns where id = %s", claimed[0].campaign_id)
        step = claimed[0].step + 1 if claimed[0].step < steps[campaign["key"]] else None
        due = now + WEEK if step else None
        scheduler.settle([accepted(i, next_step=step, next_send_at=due) for i in ids], now)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(types=st.lists(st.sampled_from(["lead", "prospect", "other"]), min_size=1, max_size=12))
def test_no_wandering_between_types_repeats_or_misses_an_e_mail(
    raw: Raw, service: DbService, a_contact: AContact, types: list[str]
) -> None:
    contact = a_contact()
    for week, contact_type in enumerate(types):
        raw.execute("update contacts set contact_type = %s where id = %s", (contact_type, contact))
        _send_everything_due(service, raw, week * 8)
    received = _received(raw, contact)
    assert len(received) == len(set(received)), "an e-mail was repeated"
    for campaign in ("lead", "prospect"):
        steps = [step for key, step in received if key == campaign]
        assert steps == list(range(1, len(steps) + 1)), "an e-mail was missed"
        # One e-mail for every week spent in the type, until there are none left.
        assert len(steps) == min(types.count(campaign), {"lead": 3, "prospect": 2}[campaign])
