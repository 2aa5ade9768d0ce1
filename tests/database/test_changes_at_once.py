"""Two people at the same contact at the same moment, and second thoughts that come too late."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg
import pytest

from crm.records.events import IncomingReply
from crm.records.networking import EventDraft
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps
from tests.database.test_networking_events import guest


def test_a_change_of_the_same_moment_is_never_taken_back(
    alice: DbService, a_contact: AContact, address: str
) -> None:
    """A tag for many is written while somebody archives one of them."""
    contact = a_contact(contact_type="lead")
    with psycopg.connect(address) as other:
        other.execute(
            "update contacts set archived_at = %s, contact_type = 'client', tags = '{a}'"
            " where id = %s",
            (NOW, contact),
        )
        with ThreadPoolExecutor(1) as threads:
            tagging = threads.submit(
                alice.contact_changes.change, [contact], {"add_tags": ["vip"]}, now=NOW
            )
            with pytest.raises(TimeoutError):
                tagging.result(timeout=1)
            other.commit()
            tagging.result(timeout=30)
    found = alice.contacts.get(contact)
    assert found is not None
    assert (found.archived_at, found.contact_type) == (NOW, "client")
    assert set(found.tags) == {"a", "vip"}


def test_who_is_moved_along_at_the_same_moment_is_not_moved_back(
    alice: DbService, a_contact: AContact, published_steps: PublishedSteps, address: str
) -> None:
    """Somebody becomes a client while a colleague notes them down at a fair."""
    published_steps("networking", 1)
    published_steps("client", 1)
    contact = a_contact(contact_type="other", email="guest@c.example")
    fair = alice.networking.add(EventDraft(name="Fair", held_on=date(2026, 3, 9)), now=NOW)
    with psycopg.connect(address) as other:
        other.execute("update contacts set contact_type = 'client' where id = %s", (contact,))
        with ThreadPoolExecutor(1) as threads:
            capture = threads.submit(
                alice.networking.capture, fair, [guest(1, "guest@c.example")], now=NOW
            )
            with pytest.raises(TimeoutError):
                capture.result(timeout=1)
            other.commit()
            capture.result(timeout=30)
    found = alice.contacts.get(contact)
    assert found is not None
    assert found.contact_type == "client"
    live = [e.campaign_key for e in alice.enrollments.of_contact(contact) if e.status == "active"]
    assert live == ["client"]


@pytest.mark.parametrize("meanwhile", ["a reply", "another type", "nothing"])
def test_a_skip_that_ended_the_campaign_is_put_back_only_while_nothing_else_ended_it(
    alice: DbService,
    service: DbService,
    a_contact: AContact,
    published_steps: PublishedSteps,
    meanwhile: str,
) -> None:
    published_steps("lead", 1)
    contact = a_contact(contact_type="lead", email="ada@c.example")
    (enrollment,) = alice.enrollments.of_contact(contact)
    assert alice.enrollments.skip_step(enrollment.id, 1, now=NOW) == "skipped"
    later = NOW + timedelta(hours=1)
    if meanwhile == "a reply":
        reply = IncomingReply(
            message_id="<1@x>",
            sender="ada@c.example",
            kind="person",
            subject="Re: hello",
            text="Call me",
            occurred_at=later,
        )
        service.events.record_reply(reply, now=later)
    elif meanwhile == "another type":
        alice.contacts.change_type([contact], "partner", now=later)
    put_back = alice.enrollments.undo_skip(enrollment.id, 1, now=later)
    assert put_back is (meanwhile == "nothing")
    (after,) = alice.enrollments.of_contact(contact)
    assert after.status == ("active" if meanwhile == "nothing" else "completed")
