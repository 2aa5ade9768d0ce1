"""What a change of type would bring, told beforehand and left undone."""

import pytest

from crm.records.states import SwitchPolicy
from db_service import DbService, InvalidValueError
from tests.cast import CAROL_ID, NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, values


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    for campaign, steps in (("lead", 3), ("prospect", 2)):
        published_steps(campaign, steps)


def _told(desk: DbService, contacts: list[str], kind: str) -> list[tuple[str, str, int, int]]:
    outcomes = desk.type_switches.preview(contacts, kind, now=NOW)
    return [(o.campaign_name, o.outcome, o.contacts, o.received) for o in outcomes]


def _everything(raw: Raw) -> list[object]:
    tables = ("contacts", "campaign_enrollments", "activities", "type_changes", "audit_log")
    return [raw.execute(f"select * from {table} order by 1").fetchall() for table in tables]


def test_each_policy_is_told_as_it_would_happen_and_nothing_happens(
    raw: Raw, alice: DbService, bob: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    before = _everything(raw)
    assert _told(alice, [contact], "prospect") == [
        ("Lead", "stops", 1, 0),
        ("Prospect", "starts", 1, 0),
    ]
    assert _everything(raw) == before
    bob.type_switches.change({("lead", "prospect"): SwitchPolicy.FINISH_FIRST}, now=NOW)
    assert _told(alice, [contact], "prospect") == [
        ("Lead", "goes_on_first", 1, 0),
        ("Prospect", "waits", 1, 0),
    ]
    bob.type_switches.change({("lead", "prospect"): SwitchPolicy.KEEP_BOTH}, now=NOW)
    assert _told(alice, [contact], "prospect") == [
        ("Lead", "goes_on_beside", 1, 0),
        ("Prospect", "starts", 1, 0),
    ]


def test_one_that_waits_and_one_that_goes_on_are_named(
    raw: Raw, alice: DbService, bob: DbService, a_contact: AContact
) -> None:
    bob.type_switches.change({("lead", "prospect"): SwitchPolicy.FINISH_FIRST}, now=NOW)
    contact = a_contact()
    alice.contacts.change_type([contact], "prospect", now=NOW)
    assert _told(alice, [contact], "lead") == [
        ("Prospect", "no_longer_waits", 1, 0),
        ("Lead", "goes_on", 1, 0),
    ]


def test_e_mails_received_before_are_counted(
    service: DbService, alice: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    SlowScheduler(service).send_all(next_step=2)
    alice.contacts.change_type([contact], "prospect", now=NOW)
    assert _told(alice, [contact], "lead") == [
        ("Prospect", "stops", 1, 0),
        ("Lead", "continues", 1, 1),
    ]


def test_many_contacts_are_added_up_and_colleagues_contacts_left_out(
    raw: Raw, alice: DbService, a_contact: AContact
) -> None:
    contacts = [a_contact() for _ in range(3)]
    contacts += [a_contact(email_status="unsubscribed"), a_contact(contact_type="other")]
    contacts += [a_contact(contact_type="prospect"), a_contact(owner_id=CAROL_ID)]
    assert _told(alice, contacts, "prospect") == [
        ("Lead", "stops", 3, 0),
        ("Prospect", "starts", 4, 0),
        ("Prospect", "unsubscribed", 1, 0),
        ("", "there_already", 1, 0),
    ]
    assert _told(alice, contacts[-1:], "prospect") == []


def test_a_type_without_a_campaign_and_one_that_is_not_there(
    raw: Raw, alice: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    assert _told(alice, [contact], "partner") == [
        ("Lead", "stops", 1, 0),
        ("", "no_campaign", 1, 0),
    ]
    with pytest.raises(InvalidValueError):
        alice.type_switches.preview([contact], "gone", now=NOW)
    assert values(raw, "select contact_type from contacts") == ["lead"]
