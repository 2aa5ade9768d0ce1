"""Why did, or didn't, this contact get that e-mail? One line a step.

`python scripts/explain.py CONTACT [STEP] [--campaign KEY] [--json]`
CONTACT is an e-mail address, an id, or a name that one contact alone has; STEP is a place in the
campaign, as printed. Times are on the contact's own clock, or the default one. Exit status: 0, or
2 with one line when there is no such contact or step, or several contacts have that name.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

# Scripts run from anywhere as `python scripts/x.py`; the project root holds the packages.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crm.mail.addresses import AddressError, normalise_address
from crm.records.contacts import Contact, ContactSearch
from crm.settings import load_settings
from db_service import DatabaseError, DbService, Explanation, SettingsError, connect, disconnect

NAMED = 5
LOOKED_AT = 500


class NoAnswerError(Exception):
    """No such contact or step, or not one alone: a line for people."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The steps asked for, and why the campaign of the contact's type does not write, if so."""

    steps: list[Explanation]
    not_enrolled: str | None


def find_contact(service: DbService, wanted: str) -> Contact:
    """By id, address or name; archived contacts are found too.

    Raises:
        NoAnswerError: if nobody, or more than one, is meant.
    """
    found = _by_id_or_address(service, wanted) or _by_name(service, wanted)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NoAnswerError("There is no such contact.")
    named = ", ".join(sorted(_masked(contact) for contact in found[:NAMED]))
    more = " and more" if len(found) > NAMED else ""
    raise NoAnswerError(
        f"Several contacts have that name: {named}{more}. Give the e-mail address or the id."
    )


def _by_id_or_address(service: DbService, wanted: str) -> list[Contact]:
    try:
        contact = service.contacts.get(str(UUID(wanted)))
    except ValueError:
        try:
            contact = service.contacts.by_email(normalise_address(wanted))
        except AddressError:
            contact = None
    return [contact] if contact else []


def _by_name(service: DbService, wanted: str) -> list[Contact]:
    """Whose full name it is; failing that, whose name has all its words."""
    name = " ".join(wanted.casefold().split())
    pages = [
        service.contacts.page(ContactSearch(text=name, archived=archived), size=LOOKED_AT).contacts
        for archived in (False, True)
    ]
    named = [(c.full_name.casefold(), c) for page in pages for c in page]
    exact = [contact for full_name, contact in named if full_name == name]
    return exact or [c for full_name, c in named if {*name.split()} <= {*full_name.split()}]


def _masked(contact: Contact) -> str:
    """Enough to tell people apart and too little to write to them: "G*** H*** (c***)"."""
    names = " ".join(f"{part[:1]}***" for part in contact.full_name.split()) or "***"
    return f"{names} ({contact.email[:1]}***)" if contact.email else names


def answer(service: DbService, contact: Contact, now: datetime) -> Answer:
    """Every step of every campaign, with times on the contact's own clock."""
    default = service.app_settings.sending_rules().default_time_zone
    zone = ZoneInfo(contact.time_zone or default)
    return Answer(
        service.explanations.of_contact(contact.id, now=now, zone=zone),
        service.explanations.why_not_enrolled(contact.id, zone=zone),
    )


def narrowed(told: Answer, *, campaign: str | None, step: int | None) -> Answer:
    """Only what was asked for.

    Raises:
        NoAnswerError: if the contact never was in that campaign, or it has no such step.
    """
    if campaign is not None:
        told = replace(told, steps=[s for s in told.steps if s.campaign_key == campaign])
        if not told.steps:
            raise NoAnswerError(f"This contact was never in a campaign with the key {campaign}.")
        told = replace(told, not_enrolled=None)
    if step is not None:
        steps = [s for s in told.steps if s.place == step]
        if told.steps and not steps:
            raise NoAnswerError(f"No campaign of this contact has an e-mail {step}.")
        told = replace(told, steps=steps)
    return told


def lines(told: Answer) -> list[str]:
    """For example "2 of 6  Lead · A look at the numbers — Follows 3 days after e-mail 1." """
    places = [f"{s.place} of {s.steps}" if s.place else "taken out" for s in told.steps]
    width = max(map(len, places), default=0)
    told_lines = [
        f"{place:<{width}}  {s.campaign_name} · {s.template_name} — {s.sentence}"
        for place, s in zip(places, told.steps, strict=True)
    ]
    return told_lines + ([told.not_enrolled] if told.not_enrolled else [])


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("contact", metavar="CONTACT", help="an e-mail address, an id, or a name")
    parser.add_argument("step", metavar="STEP", type=int, nargs="?", help="2 for the second e-mail")
    parser.add_argument("--campaign", metavar="KEY", help="one campaign only: lead, client, …")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    return parser.parse_args(given)


def main() -> int:
    wanted = _arguments(None)
    try:
        connect(load_settings())
        service = DbService.for_service()
        contact = find_contact(service, wanted.contact)
        told = answer(service, contact, datetime.now(UTC))
        told = narrowed(told, campaign=wanted.campaign, step=wanted.step)
    except (NoAnswerError, SettingsError, DatabaseError) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        disconnect()
    if wanted.json:
        print(json.dumps(asdict(told), ensure_ascii=False))
    else:
        print("\n".join(lines(told)) or "The contact's campaigns have no published e-mails.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
