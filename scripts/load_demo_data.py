"""Fill the embedded database with people, contacts and some weeks of history.

`python scripts/load_demo_data.py --if-empty`: the history is made by the engine itself, with its
clock set back and mail going to the local outbox. It never touches another database.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

# Scripts run from anywhere as `python scripts/x.py`; the project root holds the packages.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crm.records.states import EmailStatus
from crm.scheduler.desk import make_sender
from crm.settings import Settings, load_settings
from db_service import (
    LOCAL_ADMIN_ID,
    DatabaseError,
    DbService,
    SettingsError,
    connect,
    disconnect,
    signed_in,
)
from drip_scheduler import Tick
from scripts.demo_reactions import react
from scripts.demo_sales import load_sales

# fmt: off
FIRST_NAMES = (
    "Amara", "Ben", "Chiara", "Dmitri", "Elif", "Farid", "Grace", "Hiro", "Ines", "Jonas",
    "Keiko", "Liam", "Mei", "Nadia", "Oscar", "Priya", "Quinn", "Rosa", "Samir", "Tess",
    "Umar", "Vera", "Wren", "Ximena", "Yusuf", "Zoe",
)
LAST_NAMES = (
    "Adler", "Brandt", "Castillo", "Dubois", "Eriksen", "Fontaine", "Goldberg", "Haddad",
    "Ito", "Jensen", "Kowalski", "Lindqvist", "Moreau", "Novak", "Okafor", "Petrov",
    "Quintero", "Rossi", "Sato", "Tanaka", "Ueda", "Varga", "Walsh", "Xu", "Yilmaz", "Zimmer",
)
# fmt: on
COMPANIES = (
    ("Northgate Builders", "Construction"),
    ("Harbor Precision", "Manufacturing"),
    ("Lakeside Clinic Group", "Healthcare"),
    ("Fernwood College", "Education"),
    ("Bluefin Software", "Software"),
    ("Open Door Foundation", "Non-profit"),
    ("Marlow & Finch", "Professional Services"),
    ("Summit Credit Union", "Finance"),
    ("Greenline Stores", "Retail"),
)
PLACES = (
    ("Columbus", "US", "America/New_York"),
    ("Denver", "US", "America/Denver"),
    ("Berlin", "DE", "Europe/Berlin"),
    ("Leeds", "GB", "Europe/London"),
    ("Lyon", "FR", "Europe/Paris"),
    ("Osaka", "JP", "Asia/Tokyo"),
)
TITLES = (
    "Operations Manager",
    "Managing Director",
    "Head of IT",
    "Office Manager",
    "Project Lead",
    "",
)
TYPES = ("networking", "lead", "prospect", "client", "lead", "networking", "partner")
PEOPLE = (("Ana Ruiz", "ana@mpt-crm.example"), ("Bo Larsen", "bo@mpt-crm.example"))
# On a working day so many contacts come in, the scheduler runs, people react.
HISTORY_DAYS = 42
CONTACTS_A_DAY, NEW_CONTACTS = 4, 18
# Who replied moves on along the sales path, every second of them.
NEXT_TYPE = {"networking": "lead", "lead": "prospect", "prospect": "client"}


def _contacts(first: int, count: int) -> Iterator[dict[str, object]]:
    for n in range(first, first + count):
        company, industry = COMPANIES[n % len(COMPANIES)]
        city, country, zone = PLACES[n % len(PLACES)]
        name, surname = FIRST_NAMES[n % 26], LAST_NAMES[(n * 7 + n // 26) % 26]
        yield {
            "row_number": n,
            "first_name": name,
            "last_name": surname,
            "email": f"{name}.{surname}{n}@demo.example".lower(),
            "phone": f"+1614555{n:04d}",
            "company_name": company,
            "job_title": TITLES[n % len(TITLES)],
            "industry": industry,
            "contact_type": TYPES[n % len(TYPES)],
            "owner_name": PEOPLE[n % 2][0],
            "city": city,
            "state": "",
            "country": country,
            "time_zone": zone,
            "opted_out": False,
            "profile_url": "",
            "website": "",
            "tags": [["referral"], ["trade fair"], []][n % 3],
            "notes": "",
        }


def _import(service: DbService, first: int, count: int, now: datetime) -> list[str]:
    rows = list(_contacts(first, count))
    stored = service.contact_imports.store(
        rows, source="demo data", on_duplicate="skip", enroll=True, now=now
    )
    return [row.contact_id for row in stored if row.contact_id]


def _open_windows(admin: DbService, now: datetime) -> None:
    """Round the clock, so that a newcomer sees e-mails at once; nothing leaves the machine."""
    for campaign in admin.campaigns.all_rules():
        admin.campaigns.set_window(
            campaign.id,
            days=range(1, 8),
            start=time(0),
            end=time(0),
            respect_holidays=False,
            now=now,
        )


def _history(service: DbService, admin: DbService, settings: Settings, now: datetime) -> list[str]:
    """Day by day until now. Returns the contacts."""
    contacts: list[str] = []
    for days in range(HISTORY_DAYS, 0, -1):
        moment = now - timedelta(days=days)
        if moment.isoweekday() > 5:
            continue
        contacts += _import(service, len(contacts) + 1, CONTACTS_A_DAY, moment)
        sender = make_sender(settings, lambda at=moment: at)  # type: ignore[misc]
        Tick(service, sender, settings, clock=lambda at=moment: at).run("interval")  # type: ignore[misc]
        evening = moment + timedelta(hours=23)
        _move_on(admin, react(service, since=moment, until=evening), evening)
    return contacts


def _move_on(admin: DbService, replied: list[str], now: datetime) -> None:
    for contact_id in replied[::2]:
        contact = admin.contacts.get(contact_id)
        if contact and contact.contact_type in NEXT_TYPE:
            admin.contacts.change_type([contact_id], NEXT_TYPE[contact.contact_type], now=now)


def _everyday_life(admin: DbService, contacts: list[str], now: datetime) -> None:
    """Some people unsubscribe, bounce, move on, or wait: the lists show every state."""
    yesterday = now - timedelta(days=1)
    some = itertools.islice(contacts, 0, None, 9)
    contact = dict(enumerate(some))
    admin.contacts.set_email_status(
        contact[0], EmailStatus.UNSUBSCRIBED, reason="Used the link in the e-mail.", now=yesterday
    )
    admin.contacts.set_email_status(
        contact[1], EmailStatus.BOUNCED, reason="550 5.1.1 mailbox unavailable", now=yesterday
    )
    admin.contacts.change_type([contact[2]], "prospect", now=yesterday)
    admin.contacts.archive([contact[3]], now=yesterday)
    for number in (4, 5):
        live = [e.id for e in admin.enrollments.of_contact(contact[number]) if e.status == "active"]
        admin.enrollments.change(live, "pause", now=yesterday)
    admin.activities.add_note(
        contact[6], "Asked for a call after the holidays.", actor_id=LOCAL_ADMIN_ID, now=yesterday
    )


def load(settings: Settings, now: datetime) -> int:
    """Returns how many contacts were added."""
    service = DbService.for_service()
    admin = DbService.for_user(signed_in(LOCAL_ADMIN_ID))
    for name, email in PEOPLE:
        person = str(uuid.uuid5(uuid.NAMESPACE_DNS, email))
        admin.people.add(person_id=person, full_name=name, email=email, role="sales", now=now)
    _open_windows(admin, now)
    past = _history(service, admin, settings, now)
    _everyday_life(admin, past, now)
    load_sales(admin, past, now)
    return len(past) + len(_import(service, len(past) + 1, NEW_CONTACTS, now))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--if-empty", action="store_true", help="do nothing, quietly, where contacts exist"
    )
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    try:
        settings = load_settings()
        if not settings.is_embedded or settings.sends_for_real:
            print("Demo data is for the embedded database without a SendGrid key; nothing done.")
            return 0 if wanted.if_empty else 1
        connect(settings)
        if DbService.for_service().contacts.count_all():
            print("The database has contacts already; no demo data added.")
            return 0
        print(
            f"Added {load(settings, datetime.now(UTC))} demo contacts with some weeks of history."
        )
    except (SettingsError, DatabaseError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        disconnect()
    return 0


if __name__ == "__main__":
    sys.exit(main())
