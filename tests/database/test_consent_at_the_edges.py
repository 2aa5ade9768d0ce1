"""Who said stop stays stopped, by whatever door the next program comes in."""

from __future__ import annotations

import pytest

from crm.records.contact_imports import ContactImportRecords
from db_service import DbService, RuleBrokenError
from tests.cast import ALICE_ID, NOW
from tests.conftest import AContact, PublishedSteps, Raw

FILE_ROW = {
    "row_number": 2,
    "first_name": "Grace",
    "last_name": "Hopper",
    "email": "grace@customer.example",
    "phone": "",
    "company_name": "Customer Ltd",
    "job_title": "",
    "industry": "",
    "contact_type": "lead",
    "owner_name": "",
    "city": "",
    "state": "",
    "country": "",
    "time_zone": None,
    "opted_out": False,
    "profile_url": "",
    "website": "",
    "tags": [],
    "notes": "",
}


def _import(records: ContactImportRecords, **fields: object) -> str:
    stored = records.store(
        [FILE_ROW | fields], source="a file", on_duplicate="update", enroll=True, now=NOW
    )
    assert stored[0].contact_id is not None
    return stored[0].contact_id


def _status(service: DbService, contact_id: str) -> str:
    contact = service.contacts.get(contact_id)
    assert contact is not None
    return contact.email_status


def _live(service: DbService, contact_id: str) -> list[str]:
    return [e.status for e in service.enrollments.of_contact(contact_id) if e.status == "active"]


def test_importing_again_does_not_restart_who_was_stopped_by_hand(
    service: DbService, bob: DbService, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 2)
    contact_id = _import(service.contact_imports)
    assert _live(service, contact_id) == ["active"]
    bob.enrollments.stop_all(contact_id, now=NOW)
    assert _import(service.contact_imports) == contact_id
    assert _live(service, contact_id) == []


@pytest.mark.parametrize("before", ["bounced", "invalid"])
def test_an_unsubscribe_weighs_more_than_a_bad_address(
    service: DbService, raw: Raw, a_contact: AContact, before: str
) -> None:
    contact_id = a_contact(email="grace@customer.example")
    raw.execute("update contacts set email_status = %s where id = %s", (before, contact_id))
    assert service.contacts.unsubscribe(contact_id, now=NOW)
    assert _status(service, contact_id) == "unsubscribed"
    raw.execute("update contacts set email = 'other@customer.example' where id = %s", (contact_id,))
    assert _status(service, contact_id) == "unsubscribed"
    listed = raw.execute("select email, reason from suppressions order by email").fetchall()
    assert [(row["email"], row["reason"]) for row in listed] == [
        ("grace@customer.example", "unsubscribed"),
        ("other@customer.example", "unsubscribed"),
    ]


def test_an_opted_out_row_for_a_bounced_contact_unsubscribes_it(
    service: DbService, raw: Raw, a_contact: AContact
) -> None:
    contact_id = a_contact(email="grace@customer.example")
    raw.execute("update contacts set email_status = 'bounced' where id = %s", (contact_id,))
    _import(service.contact_imports, opted_out=True)
    assert _status(service, contact_id) == "unsubscribed"


def test_an_opted_out_row_without_an_address_is_stored_as_stopped(
    service: DbService, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    contact_id = _import(service.contact_imports, email=None, opted_out=True)
    assert _status(service, contact_id) == "unsubscribed"


def test_nobody_lifts_an_unsubscribe_by_writing_the_row(
    service: DbService, alice: DbService, raw: Raw, a_contact: AContact
) -> None:
    contact_id = a_contact(owner_id=ALICE_ID)
    service.contacts.unsubscribe(contact_id, now=NOW)
    raw.execute("update contacts set email = 'new@customer.example' where id = %s", (contact_id,))
    raw.execute("update contacts set email_status = 'ok' where id = %s", (contact_id,))
    assert _status(service, contact_id) == "unsubscribed"
    assert alice.contacts.get(contact_id) is not None


def test_the_link_of_a_deleted_contact_promises_nothing(
    service: DbService, raw: Raw, a_contact: AContact
) -> None:
    contact_id = a_contact()
    raw.execute("delete from contacts where id = %s", (contact_id,))
    assert not service.contacts.unsubscribe(contact_id, now=NOW)


def test_the_key_of_a_contact_type_in_use_stays(raw: Raw, a_contact: AContact) -> None:
    a_contact(contact_type="lead")
    with pytest.raises(Exception, match="contacts_contact_type_fkey"):
        raw.execute("update contact_types set key = 'leads' where key = 'lead'")


def test_a_token_without_a_subject_is_not_the_service(raw: Raw, a_contact: AContact) -> None:
    contact_id = a_contact()
    with raw.transaction():
        raw.execute("set local role authenticated")
        outcome = raw.execute(
            "select outcome from enroll_contacts(array[%s]::uuid[], null, 'manual', %s)",
            (contact_id, NOW),
        ).fetchone()
    assert outcome is not None
    assert outcome["outcome"] == "not_yours"


def test_text_a_database_cannot_hold_is_an_invalid_value(service: DbService) -> None:
    with pytest.raises(Exception, match="characters that a database cannot hold") as caught:
        service.contacts.by_email("a\0b@customer.example")
    assert not isinstance(caught.value, RuleBrokenError)
