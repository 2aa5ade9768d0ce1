"""Who came to a networking event: a contact for each, Networking for the new, a line for all."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from crm.database.postgres import PostgresDatabase
from crm.records.networking import EventDraft
from db_service import DbService, NotAllowedError, RuleBrokenError
from tests import cast
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw

_TEXTS = (
    "first_name last_name phone company_name job_title industry owner_name city state country"
    " profile_url website notes"
)
FAIR = EventDraft(name="Spring fair", held_on=date(2026, 3, 9), location="Columbus")


def guest(number: int, email: str | None, **fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(_TEXTS.split(), "")
    row |= {"row_number": number, "email": email, "contact_type": "networking", "tags": []}
    return row | {"time_zone": None, "opted_out": False, "first_name": f"Guest {number}"} | fields


@pytest.fixture
def fair(alice: DbService, published_steps: PublishedSteps) -> str:
    for campaign in ("networking", "lead"):
        published_steps(campaign, 2)
    return alice.networking.add(FAIR, now=NOW)


def live(desk: DbService, contact_id: str | None) -> set[str]:
    assert contact_id
    return {e.campaign_key for e in desk.enrollments.of_contact(contact_id) if e.status == "active"}


def test_each_row_says_what_became_of_it(
    alice: DbService, fair: str, a_contact: AContact, raw: Raw
) -> None:
    lead = a_contact(email="lead@c.example", contact_type="lead")
    other = a_contact(email="other@c.example", contact_type="other")
    a_contact(email="old@c.example", contact_type="networking")
    a_contact(email="gone@c.example", archived_at=NOW)
    a_contact(email="hers@c.example", contact_type="other", owner_id=cast.CAROL_ID)
    raw.execute("insert into suppressions (email, reason) values ('stop@c.example', 'manual')")
    rows = [
        guest(1, "new@c.example"),
        guest(2, "lead@c.example"),
        guest(3, "other@c.example"),
        guest(4, "old@c.example"),
        guest(5, "gone@c.example"),
        guest(6, "hers@c.example"),
        guest(7, "stop@c.example"),
        guest(8, None, first_name="Without", last_name="Address"),
        guest(9, "new@c.example"),
    ]
    captured = alice.networking.capture(fair, rows, now=NOW)
    assert [(row.row_number, row.outcome) for row in captured][:8] == [
        (1, "new"),
        (2, "further_along"),
        (3, "promoted"),
        (4, "known"),
        (5, "archived"),
        (6, "known"),
        (7, "suppressed"),
        (8, "new"),
    ]
    by_row = {row.row_number: row.contact_id for row in captured}
    assert by_row[1] == by_row[9], "a person who stands there twice is one contact"
    assert live(alice, by_row[1]) == {"networking"}
    assert live(alice, lead) == {"lead"}
    assert live(alice, other) == {"networking"}
    assert live(alice, by_row[7]) == set()
    assert live(alice, by_row[8]) == set(), "nobody can write to an address that is not known"
    assert len(alice.networking.attendees(fair, limit=100)) == 8
    told = raw.execute(
        "select count(*) as n, count(distinct contact_id) as people from activities"
        " where kind = 'networking_event' and summary = 'Met at Spring fair'"
    ).fetchone()
    assert told == {"n": 8, "people": 8}


def test_capturing_the_same_list_again_changes_nothing(
    alice: DbService, fair: str, raw: Raw
) -> None:
    rows = [guest(n, f"guest{n}@c.example") for n in range(1, 4)]
    alice.networking.capture(fair, rows, now=NOW)
    before = raw.execute("select count(*) as n from activities").fetchone()
    again = alice.networking.capture(fair, rows, now=NOW)
    assert {row.outcome for row in again} == {"there_before"}
    assert raw.execute("select count(*) as n from activities").fetchone() == before
    (event,) = alice.networking.past(today=date(2026, 3, 10), limit=5)
    assert event.attendees == 3


def test_a_second_event_does_not_start_networking_again(
    alice: DbService, fair: str, raw: Raw
) -> None:
    rows = [guest(1, "guest@c.example")]
    (first,) = alice.networking.capture(fair, rows, now=NOW)
    (enrollment,) = alice.enrollments.of_contact(first.contact_id or "")
    alice.enrollments.change([enrollment.id], "stop", now=NOW)
    second = alice.networking.add(EventDraft(name="Autumn fair", held_on=FAIR.held_on), now=NOW)
    (row,) = alice.networking.capture(second, rows, now=NOW)
    assert row.outcome == "known"
    assert live(alice, row.contact_id) == set()
    assert [a.event_name for a in alice.networking.attended_by(row.contact_id or "")] != []


def test_only_staff_capture_and_only_at_an_event_that_is_there(
    alice: DbService, fair: str, database: PostgresDatabase
) -> None:
    charlie = DbService(database.gateway(cast.CHARLIE), cast.CHARLIE)
    with pytest.raises(NotAllowedError):
        charlie.networking.capture(fair, [guest(1, "x@c.example")], now=NOW)
    assert charlie.networking.get(fair) is None
    with pytest.raises(RuleBrokenError, match="not there any more"):
        alice.networking.capture(cast.ALICE_ID, [guest(1, "x@c.example")], now=NOW)


def test_a_thousand_guests_are_one_statement_and_all_enrolled(
    alice: DbService, fair: str, raw: Raw
) -> None:
    rows = [guest(n, f"guest{n}@c.example") for n in range(1, 1001)]
    outcomes = alice.networking.capture(fair, rows, now=NOW)
    assert {row.outcome for row in outcomes} == {"new"}
    enrolled = raw.execute("select count(*) as n from campaign_enrollments").fetchone()
    assert enrolled == {"n": 1000}


def test_the_list_is_kept_by_its_owner_and_cleared_by_admins(
    alice: DbService, bob: DbService, carol: DbService, fair: str
) -> None:
    (row,) = alice.networking.capture(fair, [guest(1, "x@c.example")], now=NOW)
    assert not carol.networking.change(fair, EventDraft(name="x", held_on=FAIR.held_on), now=NOW)
    assert not alice.networking.remove(fair, row.contact_id or "")
    assert bob.networking.remove(fair, row.contact_id or "")
    assert bob.networking.delete(fair)
    assert alice.networking.get(fair) is None
    assert alice.contacts.get(row.contact_id or "") is not None
