"""People for the benchmarks: names, companies, industries and zones as varied as a real list's."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cached_property

import psycopg
from faker import Faker

from bench.measuring import NOW, PROJECT_ROOT
from crm.database.gateway import SERVICE, signed_in
from crm.database.local_admin import LOCAL_ADMIN_ID, ensure_local_admin
from crm.database.postgres import PostgresDatabase
from db_service import DbService
from scripts.populate_drip_templates import populate

PUBLISHED_AT = datetime(2027, 1, 1, tzinfo=UTC)
TYPES = ("networking", "lead", "prospect", "client")
# fmt: off
INDUSTRIES = (
    "Construction", "Manufacturing", "Healthcare", "Education", "Software", "Non-profit",
    "Professional Services", "Finance", "Retail", "Logistics", "Energy", "Hospitality", "", "",
)
PLACES = (
    ("Columbus", "US", "America/New_York"), ("Denver", "US", "America/Denver"),
    ("Chicago", "US", "America/Chicago"), ("Fresno", "US", "America/Los_Angeles"),
    ("Toronto", "CA", "America/Toronto"), ("Berlin", "DE", "Europe/Berlin"),
    ("Leeds", "GB", "Europe/London"), ("Lyon", "FR", "Europe/Paris"),
    ("Osaka", "JP", "Asia/Tokyo"), ("Pune", "IN", "Asia/Kolkata"),
    ("Perth", "AU", "Australia/Perth"), ("", "", None),
)
COLUMNS = (
    "first_name", "last_name", "email", "phone", "company_name", "job_title", "industry",
    "contact_type", "owner_id", "city", "country", "time_zone",
)
# fmt: on
Person = tuple[str | None, ...]


@dataclass(frozen=True)
class People:
    """The same people for the same seed."""

    seed: int = 2027

    @cached_property
    def _faker(self) -> Faker:
        faker = Faker(["en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "pl_PL"])
        faker.seed_instance(self.seed)
        return faker

    @cached_property
    def owners(self) -> list[tuple[str, str]]:
        """Ids and names of the sales staff."""
        chance = random.Random(self.seed)
        return [
            (str(uuid.UUID(int=chance.getrandbits(128), version=4)), self._faker.name())
            for _ in range(8)
        ]

    def __call__(self, count: int) -> Iterator[Person]:
        """One tuple a person, in the order of COLUMNS. One in twenty has no first name, one in
        ten no company."""
        faker, chance = self._faker, random.Random(self.seed)
        names = [faker.first_name() for _ in range(600)] + [""] * 30
        surnames = [faker.last_name() for _ in range(1500)]
        companies = [faker.company() for _ in range(3000)] + [""] * 300
        titles = [faker.job()[:80] for _ in range(300)] + [""] * 60
        for n in range(count):
            city, country, zone = chance.choice(PLACES)
            yield (
                chance.choice(names),
                chance.choice(surnames),
                f"person{n}@company{n % 9000}.example",
                f"+1614{n:07d}",
                chance.choice(companies),
                chance.choice(titles),
                chance.choice(INDUSTRIES),
                TYPES[n % len(TYPES)],
                chance.choice(self.owners)[0],
                city,
                country,
                zone,
            )


def prepare(address: str) -> None:
    """The library published, the staff added, every send window open round the clock."""
    ensure_local_admin(address)
    database = PostgresDatabase(address)
    try:
        service = DbService(database.gateway(SERVICE), SERVICE)
        populate(service, PROJECT_ROOT / "templates", dry_run=False, now=PUBLISHED_AT)
        admin = signed_in(LOCAL_ADMIN_ID)
        _open_windows(DbService(database.gateway(admin), admin))
    finally:
        database.close()
    with psycopg.connect(address) as connection:
        connection.cursor().executemany(
            "insert into profiles (id, email, full_name, phone)"
            " values (%s, %s, %s, '+16145550100')",
            [(key, f"{key}@mpt-crm.example", name) for key, name in People().owners],
        )


def _open_windows(admin: DbService) -> None:
    for campaign in admin.campaigns.all_rules():
        admin.campaigns.set_window(
            campaign.id,
            days=range(1, 8),
            start=time(0),
            end=time(0),
            respect_holidays=True,
            now=PUBLISHED_AT,
        )


def add_contacts(address: str, count: int) -> None:
    """Contacts by COPY, nobody enrolled."""
    with psycopg.connect(address) as connection:
        connection.execute("select set_config('mpt.auto_enroll', 'off', true)")
        with connection.cursor().copy(f"copy contacts ({', '.join(COLUMNS)}) from stdin") as copy:
            for person in People()(count):
                copy.write_row(person)


def enroll_everybody(address: str) -> None:
    """Each contact due in its type's campaign, spread evenly over the campaign's steps."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            """
            insert into campaign_enrollments
              (contact_id, campaign_id, next_step, next_send_at, source, enrolled_at, updated_at)
            select c.id, y.campaign_id, 1 + (c.n %% s.steps)::smallint,
                   %(now)s - (1 + c.n %% 86400) * interval '1 second', 'type',
                   %(now)s - interval '30 days', %(now)s - interval '30 days'
            from (select id, contact_type,
                         row_number() over (partition by contact_type order by id) as n
                  from contacts) c
            join contact_types y on y.key = c.contact_type
            join (select campaign_id, count(*) as steps from drip_campaign_templates
                  where status = 'published' group by campaign_id) s using (campaign_id)
            """,
            {"now": NOW},
        )
        connection.execute("vacuum (analyze, freeze)")
