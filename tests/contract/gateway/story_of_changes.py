"""The story's chapter about many contacts changed at once, and two that were one person."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from tests import cast
from tests.cast import NOW
from tests.contract.gateway.telling import DRAFT, Teller

LATER = NOW + timedelta(days=3)


def change_and_merge(alice: Teller, bob: Teller, contacts: Sequence[str]) -> None:
    _many_at_once(alice, bob, contacts)
    twins = [
        bob.contacts.add(
            replace(DRAFT, email=f"{where}.twin@x.example", first_name='Tw"in, A', tags=(where,)),
            created_by=None,
            now=NOW,
        )
        for where in ("home", "work", "old")
    ]
    bob.contact_changes.duplicate_groups(limit=9)
    alice.contact_changes.duplicate_groups(limit=0)
    named = {"first_name": 'Tw"in, A', "last_name": DRAFT.last_name}
    bob.contact_changes.similar(**named, company_name="", phone=DRAFT.phone, email=None)
    bob.contact_changes.similar(
        **named, company_name="Elsewhere", phone="", email="home.twin@y.example", besides=twins[0]
    )
    _merge(alice, bob, twins)


def _many_at_once(alice: Teller, bob: Teller, contacts: Sequence[str]) -> None:
    some = [*contacts[8:12], cast.BOB_ID]
    wishes: list[dict[str, object]] = [
        {"contact_type": "prospect"},
        {"owner_id": cast.ALICE_ID, "add_tags": ['a,"b"', "ü {x}"]},
        {"owner_id": None, "remove_tags": ['a,"b"']},
        {"archived": True},
        {"archived": False},
        {"email": "x@x.example"},
        {"contact_type": "no such type"},
    ]
    for wish in wishes:
        bob.contact_changes.change(some, wish, now=NOW)
        alice.contact_changes.change(some[:2], wish, now=NOW)
    for action in ("pause", "resume", "stop", "fly"):
        bob.contact_changes.change_campaigns(contacts[8:14], action, now=NOW)
        alice.contact_changes.change_campaigns(contacts[8:9], action, now=NOW)
    bob.enrollments.enroll(contacts[8:10], campaign_id=None, source="bulk", now=NOW)
    bob.contact_changes.change(contacts[8:10], {"archived": True}, now=LATER)
    alice.contact_changes.undo_archive(contacts[8:9], archived_at=LATER, now=LATER)
    for moment in (NOW, LATER, LATER):
        bob.contact_changes.undo_archive(contacts[8:10], archived_at=moment, now=LATER)
        bob.enrollments.of_contact(contacts[8])


def _merge(alice: Teller, bob: Teller, twins: Sequence[str]) -> None:
    home, work, old = twins
    values = {"email": "work.twin@x.example", "tags": ["a", 'b,"c"'], "notes": "Both\n{x}, NULL"}
    alice.contact_changes.merge(home, work, {}, now=NOW)
    bob.contact_changes.merge(home, home, {}, now=NOW)
    bob.contact_changes.merge(home, cast.BOB_ID, {}, now=NOW)
    bob.contact_changes.merge(home, work, {"email": "third@x.example"}, now=NOW)
    bob.contact_changes.merge(work, old, {}, now=NOW)
    bob.contact_changes.merge(home, work, values, now=LATER)
    bob.contact_changes.merge(home, old, {}, now=LATER)
    bob.contacts.unarchive([work], now=LATER)
    alice.contact_changes.read([old, cast.BOB_ID, home, work])
    for contact in (home, work, old, cast.BOB_ID):
        alice.contact_changes.family(contact)
        alice.contact_changes.merged_into(contact)
        bob.contacts.get(contact)
        bob.enrollments.of_contact(contact)
