"""The story's chapter about projects and networking events."""

from datetime import date, timedelta

from crm.records.contacts import ContactDraft
from crm.records.events import IncomingReply
from crm.records.networking import EventDraft
from crm.records.projects import ProjectDraft
from tests import cast
from tests.cast import NOW
from tests.contract.gateway.telling import Teller

_TEXTS = ("phone", "job_title", "industry", "owner_name", "city", "state", "country", "notes")
_GUEST = {
    **dict.fromkeys(_TEXTS, ""),
    "contact_type": "networking",
    "opted_out": False,
    "profile_url": "",
    "website": "",
    "tags": [],
}


def win_and_meet(service: Teller, alice: Teller, bob: Teller) -> None:
    draft = ContactDraft(first_name="Petra", email="petra@customer.example", contact_type="lead")
    contact = alice.contacts.add(draft, created_by=cast.ALICE_ID, now=NOW)
    _projects(alice, bob, contact)
    _events(alice, bob)
    reply = IncomingReply(
        message_id="<petra@x>",
        sender="petra@customer.example",
        kind="person",
        subject="Re: hello",
        text="Call me",
        occurred_at=NOW,
    )
    service.events.record_reply(reply, now=NOW)
    for desk in (alice, bob):
        for mine in (True, False):
            desk.dashboard.reactions(mine=mine, since=NOW - timedelta(days=90), limit=5)
        desk.dashboard.due_by_campaign(NOW + timedelta(days=90))


def _projects(alice: Teller, bob: Teller, contact: str) -> None:
    draft = ProjectDraft(name='A "site", 100 %', value_cents=1_250_050, owner_id=cast.ALICE_ID)
    project = alice.projects.add(contact, draft, now=NOW)
    alice.projects.get(project)
    bob.projects.get(cast.BOB_ID)
    for stage in ("proposal", "proposal", "lost", "completed"):
        alice.projects.move(project, stage, reason="Too dear", now=NOW)
    alice.projects.change(
        project, ProjectDraft(name="B", value_cents=0, owner_id=cast.BOB_ID), now=NOW
    )
    alice.projects.change(project, draft, now=NOW)
    alice.projects.move(project, "active", now=NOW)
    for owner_id in (None, cast.ALICE_ID, cast.BOB_ID):
        alice.projects.totals(owner_id=owner_id, since=NOW - timedelta(days=90))
        alice.projects.in_stage("completed", owner_id=owner_id, since=NOW, limit=5)
    alice.projects.in_stage("completed", owner_id=None, since=None, limit=5)
    alice.projects.of_contact(contact)


def _events(alice: Teller, bob: Teller) -> None:
    draft = EventDraft(name="Fair, “Spring”", held_on=date(2026, 3, 9), notes="Hall 2\nStand 7")
    event = alice.networking.add(draft, now=NOW)
    bob.networking.change(event, draft, now=NOW)
    guests = [
        _GUEST
        | {"row_number": 1, "first_name": "Gu", "last_name": "Est", "email": None}
        | {"company_name": "Co", "time_zone": None},
        _GUEST
        | {"row_number": 2, "first_name": "", "last_name": "", "email": "g@customer.example"}
        | {"company_name": "", "time_zone": "Europe/Berlin"},
    ]
    captured = alice.networking.capture(event, guests, now=NOW)
    alice.networking.capture(event, guests, now=NOW)
    alice.networking.capture(cast.ALICE_ID, guests, now=NOW)
    alice.networking.attendees(event, limit=1)
    alice.networking.attendees(event, limit=5, offset=1)
    alice.networking.attended_by(captured[1].contact_id)
    for today in (date(2026, 3, 9), date(2026, 3, 10)):
        alice.networking.upcoming(today=today, limit=5)
        alice.networking.past(today=today, limit=5)
    alice.networking.get(event)
    alice.networking.get(cast.ALICE_ID)
    for desk in (alice, bob):
        desk.networking.remove(event, captured[0].contact_id)
        desk.networking.delete(event)
