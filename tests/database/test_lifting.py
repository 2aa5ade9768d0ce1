"""Lifting what stops mail: by an admin, on record, and never more than was meant."""

from datetime import timedelta
from typing import Any

import pytest

from crm.database.errors import NotAllowedError, RuleBrokenError
from crm.database.postgres import PostgresDatabase
from crm.records.audit import AuditSearch
from crm.records.states import EmailStatus
from db_service import DbService, IncomingEvent, IncomingReply
from tests import cast
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, live, one, values

DAY = timedelta(days=1)
ADA = "ada@customer.example"
WHY = "Asked on the phone to hear from us again"


@pytest.fixture(autouse=True)
def _lead(published_steps: PublishedSteps) -> None:
    published_steps("lead", 3)


@pytest.fixture
def ada(a_contact: AContact) -> str:
    return a_contact(email=ADA)


def _status(desk: DbService, contact: str) -> tuple[str, str]:
    found = desk.contacts.get(contact)
    assert found is not None
    return found.email_status, found.email_status_reason


def _event(contact: str, kind: str, raw: Raw, **fields: Any) -> IncomingEvent:
    send = values(raw, "select id::text from email_sends where contact_id = %s", contact)[0]
    return IncomingEvent(
        **{"event": kind, "occurred_at": NOW, "email": ADA, "send_id": send, "payload": {}} | fields
    )


@pytest.mark.parametrize(
    "reason", ["unsubscribed", "hard_bounce", "complaint", "invalid", "opted_out", "manual"]
)
def test_a_lifted_address_is_free_and_nothing_starts_by_itself(
    bob: DbService, ada: str, raw: Raw, reason: str
) -> None:
    bob.suppressions.add([ADA], [reason], source="test", now=NOW)
    assert _status(bob, ada)[0] != "ok"
    assert live(raw, ada) == []
    assert bob.suppressions.lift(" Ada@Customer.example ", reason=f" {WHY} ", now=NOW + DAY)
    assert _status(bob, ada) == ("ok", "")
    assert list(bob.suppressions.all()) == []
    assert live(raw, ada) == [], "who was stopped starts again only by hand"
    [told] = [a for a in bob.activities.timeline(ada) if a.kind == "suppression_lifted"]
    assert (told.summary, told.actor_id) == (f"May be written to again: {WHY}", cast.BOB_ID)
    [enrolled] = bob.enrollments.enroll([ada], campaign_id=None, source="manual", now=NOW + DAY)
    assert enrolled.outcome == "enrolled"


def test_the_log_says_who_lifted_what_and_why(bob: DbService, ada: str) -> None:
    bob.suppressions.add([ADA], ["complaint"], source="event", now=NOW)
    bob.suppressions.lift(ADA, reason=WHY, now=NOW + DAY)
    [entry] = bob.audit.page(AuditSearch(operations=("LIFT",)))
    assert (entry.actor_name, entry.row_key) == ("Bob Admin", ADA)
    assert entry.after == {"reason": WHY, "contact_id": ada}
    assert entry.before is not None
    assert (entry.before["email"], entry.before["reason"]) == (ADA, "complaint")
    assert set(bob.audit.lifted_addresses()) == {ADA}


def test_an_address_without_a_contact_may_be_imported_again(
    bob: DbService, a_contact: AContact
) -> None:
    bob.suppressions.add([ADA], ["opted_out"], source="erased", now=NOW)
    assert bob.suppressions.lift(ADA, reason=WHY, now=NOW)
    assert _status(bob, a_contact(email=ADA))[0] == "ok"
    assert not bob.suppressions.lift(ADA, reason=WHY, now=NOW), "once is enough"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_nothing_is_lifted_without_a_reason(bob: DbService, ada: str, reason: str) -> None:
    bob.suppressions.add([ADA], ["complaint"], source="test", now=NOW)
    with pytest.raises(RuleBrokenError, match="may be written to again"):
        bob.suppressions.lift(ADA, reason=reason, now=NOW)
    assert _status(bob, ada)[0] == "complained"


def test_only_an_admin_lifts(
    alice: DbService, charlie: DbService, service: DbService, ada: str
) -> None:
    alice.suppressions.add([ADA], ["manual"], source="test", now=NOW)
    for desk in (alice, charlie, service):
        with pytest.raises(NotAllowedError):
            desk.suppressions.lift(ADA, reason=WHY, now=NOW)
    assert _status(alice, ada)[0] == "unsubscribed"


def test_lifting_one_address_frees_no_other(
    bob: DbService, a_contact: AContact, ada: str, raw: Raw
) -> None:
    other = a_contact(email="bea@customer.example")
    emails = [ADA, "bea@customer.example"]
    bob.suppressions.add(emails, ["unsubscribed"] * 2, source="test", now=NOW)
    with raw.transaction():
        raw.execute(
            "select set_config('role', 'authenticated', true),"
            " set_config('request.jwt.claims', %s, true)",
            (cast.BOB.claims_json(),),
        )
        raw.execute("select lift_suppression(%s, %s, %s)", (ADA, WHY, NOW))
        raw.execute("update contacts set email_status = 'ok'")
    assert _status(bob, other)[0] == "unsubscribed"


def test_who_was_stopped_without_being_listed_is_freed_on_record(
    bob: DbService, ada: str, raw: Raw
) -> None:
    bob.contacts.set_email_status(ada, EmailStatus.UNSUBSCRIBED, reason="Told me", now=NOW)
    raw.execute("delete from suppressions")
    [deleted] = bob.audit.page(AuditSearch(relations=("suppressions",)))
    assert deleted.operation == "DELETE"
    assert bob.suppressions.lift(ADA, reason=WHY, now=NOW)
    assert _status(bob, ada)[0] == "ok"
    assert bob.audit.page(size=1)[0].operation == "LIFT"


# What was reported before is forgiven, what is reported afterwards counts.


def test_an_old_report_does_not_bring_the_stop_back(
    bob: DbService, service: DbService, ada: str, raw: Raw
) -> None:
    SlowScheduler(service).send_all(next_step=2)
    service.events.record([_event(ada, "unsubscribe", raw)], now=NOW + DAY)
    assert _status(bob, ada)[0] == "unsubscribed"
    bob.suppressions.lift(ADA, reason=WHY, now=NOW + 2 * DAY)
    # Another report about the same person makes the engine judge all of them again.
    turned_away = _event(ada, "blocked", raw, occurred_at=NOW + 3 * DAY)
    service.events.record([turned_away], now=NOW + 3 * DAY)
    assert _status(bob, ada)[0] == "ok"
    # Under another address it stays forgiven: it was the person who was freed.
    raw.execute("update contacts set email = 'ada@new.example' where id = %s", (ada,))
    service.events.record([_event(ada, "blocked", raw, attempt="2")], now=NOW + 4 * DAY)
    assert _status(bob, ada)[0] == "ok"
    late = _event(ada, "spamreport", raw, occurred_at=NOW + DAY)
    service.events.record([late], now=NOW + 5 * DAY)
    assert _status(bob, ada)[0] == "complained", "nobody knew of it when the stop was lifted"


def test_mail_goes_out_again_after_lifting_and_enrolling(
    bob: DbService, service: DbService, ada: str
) -> None:
    bob.suppressions.add([ADA], ["unsubscribed"], source="test", now=NOW)
    bob.suppressions.lift(ADA, reason=WHY, now=NOW)
    assert SlowScheduler(service).claim(NOW + DAY) == []
    bob.enrollments.enroll([ada], campaign_id=None, source="manual", now=NOW + DAY)
    assert len(SlowScheduler(service).send_all(NOW + DAY)) == 1


def test_what_somebody_asked_of_one_campaign_is_not_lifted_along(
    bob: DbService, service: DbService, ada: str
) -> None:
    service.contacts.prefer(ada, "lead", "this_campaign", now=NOW)
    bob.suppressions.add([ADA], ["unsubscribed"], source="test", now=NOW)
    bob.suppressions.lift(ADA, reason=WHY, now=NOW)
    [outcome] = bob.enrollments.enroll([ada], campaign_id=None, source="manual", now=NOW)
    assert outcome.outcome == "opted_out"


# Out of office


def _away(until_days: int, number: int = 1) -> IncomingReply:
    return IncomingReply(
        message_id=f"<{number}@customer.example>",
        sender=ADA,
        kind="out_of_office",
        subject="Away",
        text="",
        occurred_at=NOW,
        quiet_until=NOW + until_days * DAY,
    )


def test_ending_a_hold_makes_what_waited_for_it_due_at_once(
    alice: DbService, service: DbService, ada: str, raw: Raw
) -> None:
    service.events.record_reply(_away(10), now=NOW)
    assert SlowScheduler(service).claim(NOW + DAY) == [], "put off, and no longer due"
    assert alice.suppressions.end_quiet(ada, now=NOW + 2 * DAY)
    contact = alice.contacts.get(ada)
    assert contact is not None
    assert (contact.quiet_until, contact.quiet_reason) == (None, "")
    assert len(SlowScheduler(service).claim(NOW + 2 * DAY)) == 1
    latest = alice.activities.timeline(ada)[0]
    assert (latest.kind, latest.actor_id) == ("quiet", cast.ALICE_ID)
    assert not alice.suppressions.end_quiet(ada, now=NOW + 2 * DAY), "there is none any more"


def test_ending_a_hold_hastens_nothing_that_was_not_put_off(
    alice: DbService, service: DbService, ada: str, raw: Raw
) -> None:
    SlowScheduler(service).send_all(next_step=2, days=30)
    service.events.record_reply(_away(10), now=NOW + DAY)
    alice.suppressions.end_quiet(ada, now=NOW + 2 * DAY)
    due = one(raw, "select next_send_at from campaign_enrollments where contact_id = %s", ada)
    assert due["next_send_at"] == NOW + 30 * DAY


def test_only_the_owner_or_an_admin_ends_a_hold(
    bob: DbService, carol: DbService, charlie: DbService, service: DbService, ada: str
) -> None:
    service.events.record_reply(_away(10), now=NOW)
    for desk in (carol, charlie, service):
        with pytest.raises(NotAllowedError):
            desk.suppressions.end_quiet(ada, now=NOW)
    assert bob.suppressions.end_quiet(ada, now=NOW)


@pytest.mark.parametrize("away_first", [True, False])
@pytest.mark.parametrize("away_days", [10, 60])
def test_a_pause_somebody_asked_for_is_never_ended_beside_an_absence(
    bob: DbService,
    service: DbService,
    ada: str,
    database: PostgresDatabase,
    *,
    away_first: bool,
    away_days: int,
) -> None:
    if away_first:
        service.events.record_reply(_away(away_days), now=NOW)
    service.contacts.prefer(ada, None, "pause", now=NOW)
    if not away_first:
        service.events.record_reply(_away(away_days), now=NOW)
    with pytest.raises(RuleBrokenError, match="asked for a pause"):
        bob.suppressions.end_quiet(ada, now=NOW + DAY)
    contact = bob.contacts.get(ada)
    assert contact is not None
    assert contact.quiet_until is not None
    assert contact.quiet_until >= NOW + 30 * DAY
    asked = [a for a in bob.activities.timeline(ada) if "30 days" in a.summary]
    assert len(asked) == 1
    service.contacts.prefer(ada, None, "pause", now=NOW)
    assert len([a for a in bob.activities.timeline(ada) if "30 days" in a.summary]) == 1
