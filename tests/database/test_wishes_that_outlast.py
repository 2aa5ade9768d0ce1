"""What people asked for outlasts a corrected address, an erased contact, and an edit by hand."""

from datetime import timedelta
from typing import Any

import pytest

from crm.database.errors import RuleBrokenError
from crm.database.gateway import Identity
from crm.database.postgres import PostgresDatabase
from db_service import DbService, IncomingReply
from tests import cast
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, values

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _lead(published_steps: PublishedSteps) -> None:
    published_steps("lead", 3)


def _asks_to_be_removed(sender: str, message_id: str = "<1@customer.example>") -> IncomingReply:
    return IncomingReply(
        message_id=message_id,
        sender=sender,
        kind="remove_me",
        subject="Re: hello",
        text="Please remove me",
        occurred_at=NOW,
    )


def _change(database: PostgresDatabase, who: Identity, relation: str, **row: Any) -> None:
    where = {"id": row.pop("id")}
    database.gateway(who).update(relation, row, where=where, returning=["id"])


def test_a_removal_from_the_address_before_the_correction_stops_the_contact(
    service: DbService, raw: Raw, a_contact: AContact
) -> None:
    contact = a_contact(email="old@customer.example")
    SlowScheduler(service).send_all(next_step=2)
    raw.execute("update contacts set email = 'new@customer.example' where id = %s", [contact])
    asked = _asks_to_be_removed("old@customer.example")
    assert service.events.record_reply(asked, now=NOW + DAY) == "stored"
    assert not SlowScheduler(service).claim(NOW + 8 * DAY)


def test_a_removal_after_the_contact_was_erased_blocks_the_import(
    service: DbService, raw: Raw, a_contact: AContact
) -> None:
    a_contact(email="gone@customer.example")
    raw.execute("delete from contacts")
    asked = _asks_to_be_removed("Gone@customer.example")
    assert service.events.record_reply(asked, now=NOW) == "unknown_sender"
    a_contact(email="gone@customer.example")
    assert not SlowScheduler(service).claim(NOW + DAY)


@pytest.mark.parametrize("choice", ["this_campaign", "pause"])
def test_who_asked_for_less_and_was_erased_is_not_written_to_again(
    service: DbService, raw: Raw, a_contact: AContact, choice: str
) -> None:
    contact = a_contact(email="gone@customer.example")
    a_contact(email="content@customer.example")
    service.contacts.prefer(contact, "lead", choice, now=NOW)
    raw.execute("delete from contacts")
    a_contact(email="gone@customer.example")
    a_contact(email="content@customer.example")
    assert [c.email for c in SlowScheduler(service).claim(NOW + DAY)] == [
        "content@customer.example"
    ]


def test_an_opt_out_is_not_undone_by_an_edit(
    service: DbService, database: PostgresDatabase, raw: Raw, a_contact: AContact
) -> None:
    service.contacts.prefer(a_contact(), "lead", "this_campaign", now=NOW)
    [enrollment] = values(raw, "select id::text from campaign_enrollments")
    again = {"id": enrollment, "status": "active", "ended_at": None, "next_send_at": NOW}
    for reason in ({}, {"reason": ""}):
        with pytest.raises(RuleBrokenError, match="asked for no more"):
            _change(database, cast.ALICE, "campaign_enrollments", **again, **reason)


def test_a_pause_somebody_asked_for_is_not_cut_short(
    service: DbService, database: PostgresDatabase, a_contact: AContact
) -> None:
    contact = a_contact()
    service.contacts.prefer(contact, "lead", "pause", now=NOW)
    for until in (None, NOW + DAY):
        with pytest.raises(RuleBrokenError, match="asked for a pause"):
            _change(database, cast.ALICE, "contacts", id=contact, quiet_until=until)
    _change(database, cast.ALICE, "contacts", id=contact, quiet_until=NOW + 60 * DAY)


def test_two_people_may_choose_the_same_message_id(
    service: DbService, raw: Raw, a_contact: AContact
) -> None:
    for email in ("a@customer.example", "b@customer.example"):
        a_contact(email=email)
        asked = _asks_to_be_removed(email, "<1@mailer>")
        assert service.events.record_reply(asked, now=NOW) == "stored"
    assert values(raw, "select email_status from contacts") == ["unsubscribed"] * 2
