"""hand_over: the last look before a request leaves. postpone: giving a claim back."""

import uuid
from datetime import timedelta

import pytest

from crm.records.engine import ClaimedSend, Postponement
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, one, values

_DAY = timedelta(days=1)

# What may happen between the claim and the hand-over.
SECOND_THOUGHTS = {
    "stopped": "update campaign_enrollments set status = 'stopped', ended_at = now()"
    " where contact_id = %s",
    "paused": "update campaign_enrollments set status = 'paused' where contact_id = %s",
    "archived": "update contacts set archived_at = now() where id = %s",
    "unsubscribed": "update contacts set email_status = 'unsubscribed' where id = %s",
    "suppressed": "insert into suppressions (email, reason)"
    " select email, 'manual' from contacts where id = %s",
    "corrected address": "update contacts set email = 'corrected@customer.example' where id = %s",
    "address removed": "update contacts set email = null where id = %s",
    "type changed": "update contacts set contact_type = 'client' where id = %s",
    "campaign paused": "update drip_campaigns set status = 'paused'"
    " where %s is not null and key = 'lead'",
    "sending halted": "update app_settings set value = '\"halt\"'"
    " where %s is not null and key = 'sending_halt'",
}


@pytest.fixture
def scheduler(service: DbService) -> SlowScheduler:
    return SlowScheduler(service)


@pytest.fixture
def claimed(
    scheduler: SlowScheduler, a_contact: AContact, published_steps: PublishedSteps
) -> ClaimedSend:
    published_steps("lead", 2)
    a_contact()
    return scheduler.claim()[0]


def test_it_marks_the_send_and_keeps_its_values(
    scheduler: SlowScheduler, claimed: ClaimedSend, raw: Raw
) -> None:
    assert scheduler.hand_over([claimed.send_id]) == {claimed.send_id}
    row = one(raw, "select * from email_sends")
    assert (row["status"], row["handed_over_at"], row["provider"]) == ("handed_over", NOW, "outbox")
    assert row["merge_values"] == ["value"]


@pytest.mark.parametrize("change", SECOND_THOUGHTS)
def test_it_refuses_what_changed_since_the_claim(
    scheduler: SlowScheduler, claimed: ClaimedSend, raw: Raw, change: str
) -> None:
    raw.execute(SECOND_THOUGHTS[change].replace("%s", "%s::uuid"), (claimed.contact_id,))
    assert scheduler.hand_over([claimed.send_id]) == set()
    assert values(raw, "select status from email_sends") == ["claimed"]


def test_it_refuses_a_foreign_token(
    service: DbService, scheduler: SlowScheduler, claimed: ClaimedSend
) -> None:
    assert SlowScheduler(service).hand_over([claimed.send_id]) == set()
    assert scheduler.hand_over([claimed.send_id]) == {claimed.send_id}


def test_it_refuses_an_expired_lease(scheduler: SlowScheduler, claimed: ClaimedSend) -> None:
    too_late = NOW + timedelta(seconds=scheduler.lease_seconds)
    assert scheduler.hand_over([claimed.send_id], too_late) == set()
    just_in_time = too_late - timedelta(seconds=1)
    assert scheduler.hand_over([claimed.send_id], just_in_time) == {claimed.send_id}


def test_it_hands_over_once(scheduler: SlowScheduler, claimed: ClaimedSend) -> None:
    assert scheduler.hand_over([claimed.send_id]) == {claimed.send_id}
    assert scheduler.hand_over([claimed.send_id]) == set()


def test_one_refused_does_not_hold_back_the_others(
    scheduler: SlowScheduler, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    withdrawn, *going = [a_contact() for _ in range(3)]
    claimed = {c.contact_id: c.send_id for c in scheduler.claim()}
    raw.execute("update contacts set archived_at = now() where id = %s", (withdrawn,))
    assert scheduler.hand_over(list(claimed.values())) == {claimed[c] for c in going}


def _not_now(claimed: ClaimedSend, hours: int | None) -> Postponement:
    return Postponement(
        send_id=claimed.send_id,
        until=NOW + timedelta(hours=hours) if hours else None,
        reason="outside_send_window",
        explanation="It is night there; the window opens at 09:00.",
    )


def test_a_postponed_send_is_due_again_at_its_time_with_the_reason(
    scheduler: SlowScheduler, claimed: ClaimedSend, raw: Raw
) -> None:
    assert scheduler.engine.postpone(scheduler.run, [_not_now(claimed, 3)], now=NOW) == 1
    decision = one(raw, "select reason, explanation, until, step from drip_decisions")
    assert decision["reason"] == "outside_send_window"
    assert decision["until"] == NOW + timedelta(hours=3)
    assert decision["explanation"].startswith("It is night")
    assert scheduler.claim(NOW + timedelta(hours=2)) == []
    assert [c.send_id for c in scheduler.claim(NOW + timedelta(hours=3))] == [claimed.send_id]


def test_postponing_twice_is_once(scheduler: SlowScheduler, claimed: ClaimedSend, raw: Raw) -> None:
    for expected in (1, 0):
        postponed = scheduler.engine.postpone(scheduler.run, [_not_now(claimed, 3)], now=NOW)
        assert postponed == expected
    assert values(raw, "select count(*) from drip_decisions") == [1]


def test_a_stopped_contact_stays_stopped_when_its_claim_is_given_back(
    scheduler: SlowScheduler, claimed: ClaimedSend, raw: Raw
) -> None:
    raw.execute("update contacts set archived_at = now() where id = %s", (claimed.contact_id,))
    assert scheduler.engine.postpone(scheduler.run, [_not_now(claimed, None)], now=NOW) == 1
    row = one(raw, "select status, next_send_at from campaign_enrollments")
    assert (row["status"], row["next_send_at"]) == ("stopped", None)


def test_a_paused_contact_keeps_its_place_when_its_claim_is_given_back(
    scheduler: SlowScheduler, claimed: ClaimedSend, raw: Raw, service: DbService
) -> None:
    service.enrollments.change([claimed.enrollment_id], "pause", now=NOW)
    assert scheduler.engine.postpone(scheduler.run, [_not_now(claimed, None)], now=NOW) == 1
    assert service.enrollments.change([claimed.enrollment_id], "resume", now=NOW) == 1
    assert [c.send_id for c in scheduler.claim()] == [claimed.send_id]


def test_a_send_already_handed_over_cannot_be_postponed(
    scheduler: SlowScheduler, claimed: ClaimedSend, raw: Raw
) -> None:
    scheduler.hand_over([claimed.send_id])
    assert scheduler.engine.postpone(scheduler.run, [_not_now(claimed, 3)], now=NOW) == 0
    assert values(raw, "select status from email_sends") == ["handed_over"]


def test_it_refuses_who_asked_for_quiet_since_the_claim_and_says_until_when(
    scheduler: SlowScheduler, claimed: ClaimedSend, raw: Raw
) -> None:
    until = NOW + timedelta(days=3)
    raw.execute("update contacts set quiet_until = %s", (until,))
    assert scheduler.hand_over([claimed.send_id]) == set()
    assert scheduler.engine.give_back(scheduler.run, [claimed.send_id], now=NOW) == 1
    decision = one(raw, "select reason, until from drip_decisions")
    assert decision == {"reason": "quiet", "until": until}
    assert scheduler.claim(until - timedelta(minutes=1)) == []
    assert [c.send_id for c in scheduler.claim(until)] == [claimed.send_id]


def test_whoever_was_stopped_is_told_so_even_while_quiet(
    scheduler: SlowScheduler, claimed: ClaimedSend, raw: Raw
) -> None:
    raw.execute("update contacts set quiet_until = %s, archived_at = now()", (NOW + _DAY,))
    scheduler.hand_over([claimed.send_id])
    scheduler.engine.give_back(scheduler.run, [claimed.send_id], now=NOW)
    decision = one(raw, "select reason, explanation from drip_decisions")
    assert decision == {
        "reason": "consent_withdrawn",
        "explanation": "Not sent: the contact was archived.",
    }


@pytest.mark.parametrize(("seconds", "goes"), [(300, True), (301, False)])
def test_it_refuses_a_lease_that_may_end_before_the_request_has_left(
    scheduler: SlowScheduler, claimed: ClaimedSend, seconds: int, goes: bool
) -> None:
    allowed = scheduler.engine.hand_over(
        scheduler.token,
        provider="outbox",
        request_id=str(uuid.uuid4()),
        values={claimed.send_id: ["value"]},
        leave_by=NOW + timedelta(seconds=seconds),
        now=NOW,
    )
    assert bool(allowed) is goes


def test_it_notes_which_e_mails_travel_in_one_request(
    scheduler: SlowScheduler, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    for _ in range(3):
        a_contact()
    scheduler.hand_over([c.send_id for c in scheduler.claim()])
    request = one(raw, "select * from send_requests")
    assert (request["handed_over_at"], request["scheduler_run_id"]) == (NOW, scheduler.run)
    assert values(raw, "select distinct request_id from email_sends") == [request["id"]]


def test_a_request_from_which_everybody_withdrew_is_no_request(
    scheduler: SlowScheduler, claimed: ClaimedSend, raw: Raw
) -> None:
    raw.execute("update contacts set archived_at = now()")
    scheduler.hand_over([claimed.send_id])
    assert values(raw, "select count(*) from send_requests") == [0]


def test_only_as_many_go_as_the_accounts_day_has_room_for(
    scheduler: SlowScheduler, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    for _ in range(5):
        a_contact()
    claimed = [c.send_id for c in scheduler.claim()]
    raw.execute("update app_settings set value = '3' where key = 'account_daily_cap'")
    going = scheduler.hand_over(claimed)
    assert going == set(claimed[:3])
    assert values(raw, "select handed_over from account_days") == [3]
    assert scheduler.hand_over(claimed[3:]) == set()
    assert scheduler.engine.give_back(scheduler.run, claimed[3:], now=NOW) == 2
    assert values(raw, "select distinct reason from drip_decisions") == ["account_daily_cap"]
    assert scheduler.claim() == []
    assert {c.send_id for c in scheduler.claim(NOW + _DAY)} == set(claimed[3:])
