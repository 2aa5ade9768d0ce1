"""Projects in words: stages, money typed by people, and what a move meant for the contact."""

from __future__ import annotations

import re
from collections.abc import Mapping

from crm.records.contacts import Contact
from crm.records.projects import Moved, Project
from crm.ui.words import Tone

STAGES = ("discovery", "proposal", "active", "completed", "lost")
STAGE: Mapping[str, tuple[str, Tone]] = {
    "discovery": ("Discovery", "gray"),
    "proposal": ("Proposal", "blue"),
    "active": ("Under way", "blue"),
    "completed": ("Completed", "green"),
    "lost": ("Lost", "gray"),
}
# Completed and lost projects are over; the board shows the recent ones.
OVER = ("completed", "lost")
_MONEY = re.compile(r"\$?\s*(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{1,2}))?\s*\$?")
_MOST_DOLLARS = 1_000_000_000


class NotMoneyError(ValueError):
    """The message says what to type instead."""


def cents(text: str) -> int:
    """ "12,500", "$12500.50" or nothing, in cents.

    Raises:
        NotMoneyError: for anything else.
    """
    if not text.strip():
        return 0
    found = _MONEY.fullmatch(text.strip())
    if not found:
        raise NotMoneyError("Write an amount in dollars, such as 12,500 or 12500.50.")
    dollars = int(found[1].replace(",", ""))
    if dollars > _MOST_DOLLARS:
        raise NotMoneyError("That is more than a project can be worth here.")
    return dollars * 100 + int((found[2] or "0").ljust(2, "0"))


def who(project: Project) -> str:
    return project.contact_name or project.contact_email or "Nameless"


def moved(project: Project, stage: str, outcome: Moved, contact: Contact | None) -> str:
    """What to say after a move; `contact` as it is now."""
    if outcome == "gone":
        return "Nothing was moved: the project is gone, or it belongs to a colleague."
    if outcome == "unchanged":
        return f"“{project.name}” was there already."
    where = f"“{project.name}” is {STAGE[stage][0].lower()} now."
    if stage in OVER and stage == "completed":
        where = f"“{project.name}” is completed. {_completed(project, outcome, contact)}"
    return where


def _completed(project: Project, outcome: Moved, contact: Contact | None) -> str:
    name = who(project)
    if outcome == "there_already":
        return f"{name} was a client before."
    if outcome == "further_along" or contact is None:
        return f"{name} keeps the type {contact.type_label if contact else ''}".strip() + "."
    if outcome == "not_yours":
        return f"{name} stays {contact.type_label}: {type_is_for(contact)} can change the type."
    if contact.campaign_name and contact.enrollment_status == "active":
        return f"{name} is a client now. {contact.campaign_name} starts."
    return f"{name} is a client now. No campaign starts: {_why_none(contact)}."


def type_is_for(contact: Contact) -> str:
    """Who may change the type of a contact that one may not change oneself."""
    return f"{contact.owner_name} or an admin" if contact.owner_name else "an admin"


def _why_none(contact: Contact) -> str:
    if contact.archived_at:
        return "the contact is archived"
    if not contact.email:
        return "there is no e-mail address"
    if contact.email_status != "ok":
        return "this contact may not be written to"
    return "every e-mail of it was received, or none is published"
