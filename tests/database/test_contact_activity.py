"""When somebody was last active: what counts, what does not, in whatever order it is told."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from crm.records.events import IncomingEvent, IncomingReply
from db_service import DbService
from tests.cast import ALICE_ID, NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.contract.gateway.telling import event
from tests.database.sending import SlowScheduler

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COUNTED = ("reply", "note", "call", "meeting", "discovery", "project", "networking_event")


@pytest.fixture
def contact(a_contact: AContact, published_steps: PublishedSteps) -> str:
    published_steps("lead", 2)
    return a_contact(email="ada@customer.example")


def _last(desk: DbService, contact: str) -> datetime | None:
    found = desk.contacts.get(contact)
    assert found
    return found.last_activity_at


def _note(raw: Raw, contact: str, kind: str, at: datetime) -> None:
    raw.execute(
        "insert into activities (contact_id, kind, summary, occurred_at) values (%s, %s, 'x', %s)",
        (contact, kind, at),
    )


def _delivered(service: DbService) -> IncomingEvent:
    [send] = SlowScheduler(service).claim()
    return event(send.send_id, "ada@customer.example", "delivered", NOW + HOUR)


def test_a_new_contact_was_never_active_and_our_own_mail_changes_nothing(
    raw: Raw, service: DbService, alice: DbService, contact: str
) -> None:
    SlowScheduler(service).send_all(next_step=2)
    rows = raw.execute("select kind from activities").fetchall()
    assert {row["kind"] for row in rows} >= {"contact_created", "enrolled", "email_sent"}
    assert _last(alice, contact) is None


@pytest.mark.parametrize("kind", COUNTED)
def test_what_people_do_counts_whenever_it_is_written_down(
    raw: Raw, alice: DbService, contact: str, kind: str
) -> None:
    _note(raw, contact, kind, NOW - DAY)
    assert _last(alice, contact) == NOW - DAY
    _note(raw, contact, kind, NOW - 2 * DAY)
    assert _last(alice, contact) == NOW - DAY, "told late, it is no news"
    _note(raw, contact, "note", NOW)
    assert _last(alice, contact) == NOW


def test_every_other_kind_of_entry_does_not_count(raw: Raw, alice: DbService, contact: str) -> None:
    [row] = raw.execute(
        "select pg_get_constraintdef(oid) as text from pg_constraint"
        " where conname = 'activities_kind_check'"
    ).fetchall()
    kinds = set(row["text"].split("'")[1::2])
    assert kinds > set(COUNTED)
    for kind in kinds - set(COUNTED):
        _note(raw, contact, kind, NOW)
    assert _last(alice, contact) is None


def test_a_task_counts_from_when_it_is_done(raw: Raw, alice: DbService, contact: str) -> None:
    _note(raw, contact, "task", NOW - 9 * DAY)
    assert _last(alice, contact) is None
    raw.execute("update activities set completed_at = %s where kind = 'task'", (NOW - DAY,))
    assert _last(alice, contact) == NOW - DAY
    raw.execute("update activities set completed_at = null where kind = 'task'")
    assert _last(alice, contact) is None, "it was not done after all"


def test_a_persons_opens_and_clicks_count_and_a_machines_do_not(
    service: DbService, alice: DbService, contact: str
) -> None:
    delivered = _delivered(service)
    machine = replace(delivered, event="open", occurred_at=NOW + 2 * HOUR, says_machine=True)
    service.events.record([delivered, machine], now=NOW + DAY)
    assert _last(alice, contact) is None
    opened = replace(delivered, event="open", occurred_at=NOW + 5 * HOUR)
    clicked = replace(delivered, event="click", occurred_at=NOW + 4 * HOUR, url="https://x.example")
    service.events.record([opened], now=NOW + DAY)
    service.events.record([clicked, opened], now=NOW + DAY)
    assert _last(alice, contact) == NOW + 5 * HOUR


def test_a_click_that_turns_out_to_be_a_machines_is_taken_back(
    raw: Raw, service: DbService, alice: DbService, contact: str
) -> None:
    delivered = _delivered(service)
    service.events.record(
        [delivered, replace(delivered, event="open", occurred_at=NOW + 5 * HOUR)], now=NOW + DAY
    )
    assert _last(alice, contact) == NOW + 5 * HOUR
    raw.execute(
        "update email_events set is_machine = true, machine_reason = 'machine_open'"
        " where event = 'open'"
    )
    assert _last(alice, contact) is None


def test_a_reply_counts_and_an_automatic_one_does_not(
    service: DbService, alice: DbService, contact: str
) -> None:
    reply = IncomingReply(
        message_id="<1@x>",
        sender="ada@customer.example",
        kind="out_of_office",
        subject="Away",
        text="Back on Monday",
        occurred_at=NOW + HOUR,
        quiet_until=NOW + DAY,
    )
    service.events.record_reply(reply, now=NOW + HOUR)
    assert _last(alice, contact) is None
    person = replace(reply, kind="person", message_id="<2@x>", occurred_at=NOW + 2 * HOUR)
    service.events.record_reply(person, now=NOW + 3 * HOUR)
    assert _last(alice, contact) == NOW + 2 * HOUR


def test_a_note_on_the_page_counts_and_an_erased_contact_leaves_nothing(
    raw: Raw, alice: DbService, contact: str
) -> None:
    alice.activities.add_note(contact, "Called", actor_id=ALICE_ID, now=NOW)
    assert _last(alice, contact) == NOW
    raw.execute("delete from contacts where id = %s", (contact,))
    assert raw.execute("select from contact_activity").fetchall() == []


def test_every_contact_has_its_row_however_it_came(raw: Raw, a_contact: AContact) -> None:
    a_contact()
    raw.execute("insert into contacts (first_name) values ('A'), ('B')")
    [row] = raw.execute("select count(*) as n, count(last_at) as active from contact_activity")
    assert row == {"n": 3, "active": 0}
