"""The sales work of the demo data: calls, projects, networking events, and tasks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from crm.records.discovery import FormSettings
from crm.records.networking import EventDraft
from crm.records.projects import ProjectDraft
from db_service import LOCAL_ADMIN_ID, DbService

# Name, dollars, and the stages it went through.
PROJECTS = (
    ("New intranet", 18_000, ("proposal", "active", "completed")),
    ("Order portal", 42_500, ("proposal", "active")),
    ("Phone system", 9_800, ("proposal", "active")),
    ("Office move", 6_400, ("proposal",)),
    ("Security review", 12_000, ("proposal",)),
    ("Backup for two sites", 7_200, ()),
    ("Helpdesk for a year", 24_000, ()),
    ("Website", 15_500, ("lost",)),
)
# Name, place, how many days ago (before 0: in so many days), and how many came.
EVENTS = (
    ("Chamber of commerce breakfast", "Columbus", 24, 9),
    ("Builders' fair", "Cleveland", 9, 14),
    ("Tech meetup", "Dublin, Ohio", -12, 0),
)
ANSWERS = {
    "first_name": "Paula",
    "last_name": "Menge",
    "email": "paula.menge@demo.example",
    "company_name": "Riverside Dental",
    "job_title": "Practice Manager",
    "industry": "Healthcare",
}


def load_sales(admin: DbService, contacts: Sequence[str], now: datetime) -> None:
    """`now` is aware UTC; everything else lies before it."""
    _projects(admin, _of_type(admin, contacts, "prospect"), now)
    _events(admin, _of_type(admin, contacts, "networking"), now)
    _calls(admin, now)
    for contact_id, text, days in zip(
        contacts[10::11],
        ("Send the offer", "Ask about the budget", "Call back", "Invite to the fair"),
        (-2, 0, 1, 6),
        strict=False,
    ):
        admin.activities.add_task(
            contact_id,
            text,
            due_on=(now + timedelta(days=days)).date(),
            assigned_to=LOCAL_ADMIN_ID,
            actor_id=LOCAL_ADMIN_ID,
            now=now - timedelta(days=5),
        )


def _of_type(admin: DbService, contacts: Sequence[str], kind: str) -> list[str]:
    found = (admin.contacts.get(contact) for contact in contacts)
    return [contact.id for contact in found if contact and contact.contact_type == kind]


def _projects(admin: DbService, contacts: Sequence[str], now: datetime) -> None:
    for number, (contact_id, (name, dollars, stages)) in enumerate(
        zip(contacts, PROJECTS, strict=False)
    ):
        begun = now - timedelta(days=30 - 2 * number)
        draft = ProjectDraft(name=name, value_cents=dollars * 100, owner_id=LOCAL_ADMIN_ID)
        project = admin.projects.add(contact_id, draft, now=begun)
        for step, stage in enumerate(stages, start=1):
            reason = "Chose another supplier" if stage == "lost" else ""
            later = begun + timedelta(days=3 * step)
            admin.projects.move(project, stage, reason=reason, now=later)


def _events(admin: DbService, contacts: Sequence[str], now: datetime) -> None:
    for name, place, days, came in EVENTS:
        day = now - timedelta(days=days)
        draft = EventDraft(name=name, held_on=day.date(), location=place)
        event = admin.networking.add(draft, now=min(day, now))
        met = [found for c in contacts[days : days + came] if (found := admin.contacts.get(c))]
        if met:
            rows = [
                {
                    "row_number": number,
                    "first_name": contact.first_name,
                    "last_name": contact.last_name,
                    "email": contact.email,
                    "company_name": contact.company_name,
                }
                for number, contact in enumerate(met, start=1)
            ]
            admin.networking.capture(event, rows, now=day)


def _calls(admin: DbService, now: datetime) -> None:
    yesterday = now - timedelta(days=1)
    call = admin.discovery.save_draft(None, ANSWERS, contact_id=None, now=yesterday)
    admin.discovery.submit(
        call, ANSWERS, contact_id=None, due_at=now + timedelta(days=2), now=yesterday
    )
    admin.discovery.save_draft(
        None,
        {"first_name": "Uwe", "company_name": "Harbor Precision"},
        contact_id=None,
        now=now - timedelta(hours=2),
    )
    admin.discovery.change_form(FormSettings(is_open=True, accept_first=True), now=now)
    visitor = ANSWERS | {"first_name": "Igor", "last_name": "Sand", "email": "igor@demo.example"}
    DbService.for_service().discovery.post(visitor, now=now)
