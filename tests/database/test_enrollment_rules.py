"""Who is enrolled in what follows from the contact, whichever program writes: here, plain SQL."""

from datetime import timedelta
from typing import Any

import pytest

from db_service import DbService, RuleBrokenError
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, last_reason, live, one, values

ENROLLED = [("lead", "active")]


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    published_steps("lead", 3)
    published_steps("client", 2)


def _summaries(raw: Raw, contact: str) -> list[str]:
    return values(raw, "select summary from activities where contact_id = %s order by id", contact)


def test_a_new_contact_is_enrolled_in_its_types_campaign(raw: Raw, a_contact: AContact) -> None:
    contact = a_contact()
    row = one(raw, "select * from campaign_enrollments")
    assert live(raw, contact) == ENROLLED
    assert (row["run"], row["next_step"], row["next_send_at"], row["source"]) == (
        1,
        1,
        NOW,
        "type",
    )
    assert _summaries(raw, contact) == ["Contact added", "Enrolled in Lead"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"contact_type": "partner"}, "its type has no campaign"),
        ({"contact_type": "prospect"}, "the campaign has no e-mails yet"),
        ({"email": None}, "no address"),
        ({"email_status": "bounced"}, "may not be written to"),
        ({"archived_at": NOW}, "archived"),
    ],
)
def test_a_new_contact_without_what_it_takes_is_not_enrolled(
    raw: Raw, a_contact: AContact, fields: dict[str, object], why: str
) -> None:
    assert live(raw, a_contact(**fields)) == [], why


STOPPERS = {
    "archived": "update contacts set archived_at = now() where id = %s",
    "unsubscribed": "update contacts set email_status = 'unsubscribed' where id = %s",
    "bounced": "update contacts set email_status = 'bounced' where id = %s",
    "complained": "update contacts set email_status = 'complained' where id = %s",
    "invalid": "update contacts set email_status = 'invalid' where id = %s",
    "no_address": "update contacts set email = null where id = %s",
    "replied": "insert into email_events (contact_id, event, occurred_at)"
    " values (%s, 'reply', now())",
}


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("reason", STOPPERS)
def test_it_stops_whatever_program_writes_it(
    raw: Raw, a_contact: AContact, service: DbService, reason: str, paused: bool
) -> None:
    contact, bystander = a_contact(), a_contact()
    if paused:
        service.enrollments.change(
            [e.id for e in service.enrollments.of_contact(contact)], "pause", now=NOW
        )
    raw.execute(STOPPERS[reason], (contact,))
    assert live(raw, contact) == []
    assert last_reason(raw, contact) == reason
    assert live(raw, bystander) == ENROLLED
    row = one(
        raw,
        "select ended_at, next_send_at from campaign_enrollments where contact_id = %s",
        contact,
    )
    assert (row["ended_at"], row["next_send_at"]) == (NOW, None)
    assert _summaries(raw, contact)[-1].startswith("Lead stopped: ")


@pytest.mark.parametrize(
    ("event", "status", "suppressed_as"),
    [
        ("bounce", "bounced", "hard_bounce"),
        ("spamreport", "complained", "complaint"),
        ("unsubscribe", "unsubscribed", "unsubscribed"),
        ("group_unsubscribe", "unsubscribed", "unsubscribed"),
    ],
)
def test_an_event_of_the_provider_stops_and_suppresses(
    raw: Raw, a_contact: AContact, event: str, status: str, suppressed_as: str
) -> None:
    contact = a_contact()
    raw.execute(
        "insert into email_events (contact_id, event, occurred_at, reason)"
        " values (%s, %s, now(), 'so it says')",
        (contact, event),
    )
    row = one(raw, "select email, email_status, email_status_reason from contacts")
    assert (row["email_status"], row["email_status_reason"]) == (status, "so it says")
    suppression = one(raw, "select email, reason from suppressions")
    assert (suppression["email"], suppression["reason"]) == (row["email"], suppressed_as)
    assert live(raw, contact) == []


@pytest.mark.parametrize("event", ["blocked", "deferred", "open", "click", "group_resubscribe"])
def test_other_events_stop_nobody(raw: Raw, a_contact: AContact, event: str) -> None:
    contact = a_contact()
    raw.execute(
        "insert into email_events (contact_id, event, occurred_at) values (%s, %s, now())",
        (contact, event),
    )
    assert live(raw, contact) == ENROLLED


def test_a_suppression_stops_the_contact_with_that_address(raw: Raw, a_contact: AContact) -> None:
    contact = a_contact(email="ada@customer.example")
    raw.execute(
        "insert into suppressions (email, reason) values ('ada@customer.example', 'manual')"
    )
    assert live(raw, contact) == []
    assert values(raw, "select email_status from contacts") == ["unsubscribed"]


def test_a_suppressed_address_is_never_enrolled(
    raw: Raw, a_contact: AContact, service: DbService
) -> None:
    raw.execute(
        "insert into suppressions (email, reason) values ('ada@customer.example', 'hard_bounce')"
    )
    contact = a_contact(email="ada@customer.example")
    assert values(raw, "select email_status from contacts") == ["bounced"]
    outcome = service.enrollments.enroll([contact], campaign_id=None, source="manual", now=NOW)
    assert [o.outcome for o in outcome] == ["bounced"]
    assert live(raw, contact) == []


def test_correcting_a_bounced_address_clears_it(raw: Raw, a_contact: AContact) -> None:
    contact = a_contact()
    raw.execute(
        "update contacts set email_status = 'bounced', email_status_reason = 'No such user'"
    )
    raw.execute("update contacts set email = 'right@customer.example' where id = %s", (contact,))
    row = one(raw, "select email_status, email_status_reason from contacts")
    assert (row["email_status"], row["email_status_reason"]) == ("ok", "")
    assert live(raw, contact) == [], "going on is a person's decision"


@pytest.mark.parametrize("status", ["unsubscribed", "complained"])
def test_who_asked_us_to_stop_stays_stopped_under_any_address(
    raw: Raw, a_contact: AContact, status: str
) -> None:
    a_contact()
    raw.execute("update contacts set email_status = %s", (status,))
    raw.execute("update contacts set email = 'private@customer.example'")
    assert values(raw, "select email_status from contacts") == [status]


def test_correcting_to_a_suppressed_address_stops(raw: Raw, a_contact: AContact) -> None:
    contact = a_contact()
    raw.execute(
        "insert into suppressions (email, reason) values ('no@customer.example', 'complaint')"
    )
    raw.execute("update contacts set email = 'no@customer.example'")
    assert values(raw, "select email_status from contacts") == ["complained"]
    assert live(raw, contact) == []


def test_an_unsubscribe_after_a_bounce_is_remembered_as_the_persons_wish(
    raw: Raw, a_contact: AContact
) -> None:
    contact = a_contact()
    query = "insert into email_events (contact_id, event, occurred_at) values (%s, %s, now())"
    raw.execute(query, (contact, "bounce"))
    raw.execute(query, (contact, "unsubscribe"))
    raw.execute("update contacts set email = 'new@customer.example'")
    assert values(raw, "select email_status from contacts") == ["unsubscribed"]


def test_a_late_bounce_of_a_corrected_address_says_nothing_about_the_new_one(
    raw: Raw, a_contact: AContact
) -> None:
    contact = a_contact(email="new@customer.example")
    query = (
        "insert into email_events (contact_id, event, occurred_at, email)"
        " values (%s, 'bounce', now(), %s)"
    )
    raw.execute(query, (contact, "old@customer.example"))
    assert live(raw, contact) == ENROLLED
    raw.execute(query, (contact, "New@customer.example"))
    assert live(raw, contact) == []


def test_an_archived_contact_taken_out_again_is_not_enrolled_by_itself(
    raw: Raw, a_contact: AContact
) -> None:
    contact = a_contact()
    raw.execute("update contacts set archived_at = now()")
    raw.execute("update contacts set archived_at = null")
    assert live(raw, contact) == []
    assert _summaries(raw, contact)[-2:] == [
        "Lead stopped: the contact was archived",
        "Taken out of the archive",
    ]


OUTCOMES: dict[str, dict[str, Any]] = {
    "already_enrolled": {},
    "no_campaign": {"contact_type": "partner"},
    "no_address": {"email": None},
    "archived": {"archived_at": NOW},
    "complained": {"email_status": "complained"},
}


def test_enrolling_tells_the_outcome_of_each_and_none_stops_the_others(
    raw: Raw, a_contact: AContact, service: DbService
) -> None:
    wanted = {a_contact(**fields): outcome for outcome, fields in OUTCOMES.items()}
    fresh = a_contact(contact_type="other")
    raw.execute("set session_replication_role = replica")
    raw.execute("update contacts set contact_type = 'lead' where id = %s", (fresh,))
    raw.execute("set session_replication_role = origin")
    wanted[fresh] = "enrolled"
    outcomes = service.enrollments.enroll(list(wanted), campaign_id=None, source="bulk", now=NOW)
    assert {o.contact_id: o.outcome for o in outcomes} == wanted


def test_a_second_type_campaign_by_hand_is_refused_in_words(
    raw: Raw, a_contact: AContact, service: DbService
) -> None:
    contact = a_contact()
    client = values(raw, "select id::text from drip_campaigns where key = 'client'")[0]
    outcome = service.enrollments.enroll([contact], campaign_id=client, source="manual", now=NOW)
    assert [o.outcome for o in outcome] == ["in_another_type_campaign"]


def test_who_received_everything_is_not_enrolled_again(
    raw: Raw, a_contact: AContact, service: DbService
) -> None:
    contact = a_contact(contact_type="client")
    scheduler = SlowScheduler(service)
    scheduler.send_all(next_step=2)
    scheduler.send_all(NOW + timedelta(days=7))
    outcome = service.enrollments.enroll([contact], campaign_id=None, source="manual", now=NOW)
    assert [o.outcome for o in outcome] == ["already_completed"]


def test_a_restart_begins_again_as_the_next_run(
    raw: Raw, a_contact: AContact, service: DbService
) -> None:
    contact = a_contact()
    scheduler = SlowScheduler(service)
    scheduler.send_all(next_step=2)
    first = service.enrollments.of_contact(contact)[0]
    fresh = service.enrollments.restart(first.id, now=NOW + timedelta(days=1))
    row = one(raw, "select * from campaign_enrollments where id = %s", fresh)
    assert (row["run"], row["next_step"], str(row["restarted_from"])) == (2, 1, first.id)
    assert live(raw, contact) == ENROLLED
    claimed = scheduler.claim(NOW + timedelta(days=1))
    assert [c.step for c in claimed] == [1], "a restart may repeat an e-mail, nothing else may"
    with pytest.raises(RuleBrokenError, match="restarted already"):
        service.enrollments.restart(first.id, now=NOW)


def test_a_contact_that_may_not_be_written_to_cannot_be_restarted(
    raw: Raw, a_contact: AContact, service: DbService
) -> None:
    contact = a_contact()
    raw.execute("update contacts set email_status = 'unsubscribed'")
    enrollment = service.enrollments.of_contact(contact)[0]
    with pytest.raises(RuleBrokenError, match="may not be written to"):
        service.enrollments.restart(enrollment.id, now=NOW)
