"""What one record of a person went through holds for the one it was merged into."""

from datetime import timedelta

import pytest

from crm.records.events import IncomingReply
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.merging import WEEK, received, send_everything_due
from tests.database.sending import SlowScheduler, last_reason, live, one, values

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    published_steps("lead", 4)
    published_steps("prospect", 2)


def _enrollment(service: DbService, contact: str) -> str:
    [enrollment] = [e for e in service.enrollments.of_contact(contact) if e.status == "active"]
    return enrollment.id


def _skip(desk: DbService, contact: str, step: int) -> None:
    assert desk.enrollments.skip_step(_enrollment(desk, contact), step, now=NOW) == "skipped"


def _expire(service: DbService, contact: str) -> None:
    scheduler = SlowScheduler(service)
    [due] = [send.send_id for send in scheduler.claim() if send.contact_id == contact]
    assert scheduler.engine.expire(scheduler.run, {due: "Too late."}, now=NOW) == 1


def _send_weeks(service: DbService, raw: Raw, first: int = 0) -> None:
    for week in range(first, 6):
        send_everything_due(service, raw, NOW + week * WEEK)


def _reply(service: DbService, sender: str) -> None:
    reply = IncomingReply(
        message_id="<1@x>",
        sender=sender,
        kind="person",
        subject="Re: Lead 1",
        text="Call me.",
        occurred_at=NOW,
    )
    assert service.events.record_reply(reply, now=NOW) == "stored"


@pytest.mark.parametrize("how", ["skipped", "expired"])
@pytest.mark.parametrize("kept_type", ["lead", "other"])
def test_what_was_left_out_on_purpose_is_not_sent_to_the_kept_one(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService, how: str, kept_type: str
) -> None:
    drop = a_contact()
    if how == "skipped":
        _skip(alice, drop, 1)
    else:
        _expire(service, drop)
    keep = a_contact(contact_type=kept_type)
    alice.contact_changes.merge(keep, drop, {"contact_type": "lead"}, now=NOW)
    row = one(raw, "select next_step, next_send_at from campaign_enrollments where status='active'")
    assert (row["next_step"], row["next_send_at"]) == (2, NOW + WEEK)
    if kept_type == "lead":
        told = one(raw, "select step, explanation from drip_decisions where contact_id = %s", keep)
        assert (told["step"], "left out" in told["explanation"]) == (1, True)
    _send_weeks(service, raw)
    assert received(raw, keep) == [("lead", 2), ("lead", 3), ("lead", 4)]


def test_the_claim_itself_leaves_out_what_was_left_out_of_a_merged_contact(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    drop, keep = a_contact(), a_contact()
    _skip(alice, drop, 1)
    alice.contact_changes.merge(keep, drop, {}, now=NOW)
    raw.execute(
        "update campaign_enrollments set next_step = 1, next_send_at = %s where contact_id = %s",
        (NOW, keep),
    )
    assert SlowScheduler(service).claim(NOW + DAY) == []
    assert one(raw, "select next_step from campaign_enrollments where status='active'") == {
        "next_step": 2
    }


def test_what_was_put_back_or_failed_by_itself_is_the_kept_ones_to_receive(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    drop = a_contact()
    _skip(alice, drop, 1)
    assert alice.enrollments.undo_skip(_enrollment(alice, drop), 1, now=NOW)
    keep = a_contact(contact_type="other")
    raw.execute(  # as if it had been refused once it was put back
        "update email_sends set status = 'failed', reason = 'Refused.', retry_at = null,"
        " settled_at = %s where contact_id = %s",
        (NOW + HOUR, drop),
    )
    alice.contact_changes.merge(keep, drop, {"contact_type": "lead"}, now=NOW + DAY)
    _send_weeks(service, raw, 1)
    assert received(raw, keep)[0] == ("lead", 1)


def test_the_place_further_along_is_taken_and_kept(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    drop, keep = a_contact(), a_contact()
    raw.execute(
        "update campaign_enrollments set next_step = 3, next_send_at = %s where contact_id = %s",
        (NOW + WEEK, drop),
    )
    alice.contact_changes.merge(keep, drop, {}, now=NOW)
    alice.contact_changes.merge(keep, a_contact(), {}, now=NOW)
    row = one(raw, "select next_step, next_send_at from campaign_enrollments where status='active'")
    assert (row["next_step"], row["next_send_at"]) == (3, NOW + WEEK)
    _send_weeks(service, raw)
    assert received(raw, keep) == [("lead", 3), ("lead", 4)]


def test_a_campaign_that_comes_along_comes_with_its_place(
    raw: Raw, a_contact: AContact, alice: DbService
) -> None:
    drop, keep = a_contact(), a_contact()
    raw.execute("delete from campaign_enrollments where contact_id = %s", (keep,))
    raw.execute("update campaign_enrollments set next_step = 3, next_send_at = %s", (NOW + WEEK,))
    alice.contact_changes.merge(keep, drop, {}, now=NOW)
    row = one(raw, "select next_step, next_send_at from campaign_enrollments where status='active'")
    assert (row["next_step"], row["next_send_at"]) == (3, NOW + WEEK)


def test_a_run_begun_again_is_not_sent_on_to_the_place_of_an_older_one(
    raw: Raw, a_contact: AContact, alice: DbService
) -> None:
    drop, keep = a_contact(), a_contact()
    raw.execute("update campaign_enrollments set next_step = 3 where contact_id = %s", (drop,))
    alice.enrollments.restart(_enrollment(alice, keep), now=NOW)
    alice.contact_changes.merge(keep, drop, {}, now=NOW)
    assert one(raw, "select next_step from campaign_enrollments where status='active'") == {
        "next_step": 1
    }


@pytest.mark.parametrize("ended", ["replied", "stopped_by_user"])
@pytest.mark.parametrize("kept_type", ["lead", "prospect"])
def test_what_a_reply_or_a_colleague_ended_for_the_dropped_one_ends_for_the_kept_one(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService, ended: str, kept_type: str
) -> None:
    drop = a_contact(email="drop@customer.example")
    keep = a_contact(contact_type=kept_type)
    if ended == "replied":
        _reply(service, "drop@customer.example")
    else:
        alice.contact_changes.change_campaigns([drop], "stop", now=NOW)
    alice.contact_changes.merge(keep, drop, {"contact_type": "lead"}, now=NOW)
    assert (live(raw, keep), last_reason(raw, keep)) == ([], ended)
    _send_weeks(service, raw)
    assert received(raw, keep, drop) == []


def test_a_reply_holds_over_a_record_that_was_not_in_the_campaign(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    first = a_contact(email="drop@customer.example")
    between, last = a_contact(contact_type="other"), a_contact()
    _reply(service, "drop@customer.example")
    alice.contact_changes.merge(between, first, {}, now=NOW)
    alice.contact_changes.merge(last, between, {}, now=NOW)
    assert (live(raw, last), last_reason(raw, last)) == ([], "replied")


def test_a_restart_after_the_reply_counts_before_and_after_a_merge(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    drop, keep = a_contact(email="drop@customer.example"), a_contact()
    ended = _enrollment(alice, drop)
    _reply(service, "drop@customer.example")
    alice.enrollments.restart(ended, now=NOW + HOUR)
    alice.contact_changes.merge(keep, drop, {}, now=NOW + DAY)
    assert live(raw, keep) == [("lead", "active")]
    other = a_contact(email="other@customer.example")
    alice.contact_changes.change_campaigns([other], "stop", now=NOW + DAY)
    ours = _enrollment(alice, keep)
    alice.contact_changes.merge(keep, other, {}, now=NOW + DAY)
    assert live(raw, keep) == []
    alice.enrollments.restart(ours, now=NOW + 2 * DAY)
    another = a_contact(contact_type="other")
    alice.contact_changes.merge(keep, another, {}, now=NOW + 3 * DAY)
    assert live(raw, keep) == [("lead", "active")], "the older end was heard once"


def test_the_day_of_a_person_holds_what_was_sent_under_either_record(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    drop = a_contact(contact_type="prospect")
    send_everything_due(service, raw, NOW)
    keep = a_contact()
    alice.contact_changes.merge(keep, drop, {}, now=NOW + HOUR)
    [due] = SlowScheduler(service).claim(NOW + DAY)
    assert (due.contact_id, tuple(due.recent_sends or ())) == (keep, (NOW,))
    assert values(raw, "select status from email_sends where contact_id = %s", drop) == ["accepted"]
