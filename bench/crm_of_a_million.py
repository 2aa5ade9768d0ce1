"""A CRM of the size the pages are promised for: a million contacts, 300,000 enrollments with their
e-mails, two million events. Written past the triggers, by COPY and INSERT … SELECT.

`python -m bench.crm_of_a_million ADDRESS [CONTACTS]` fills a migrated, empty database.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from bench.measuring import NOW
from bench.population import COLUMNS, People, prepare
from crm.database.gateway import SERVICE
from crm.database.postgres import PostgresDatabase
from crm.records.analytics import AnalyticsRecords

STATEMENTS = Path(__file__).with_suffix(".sql")
TAGS = ("vip", "expo 2026", "newsletter", "referral", "cold list", "speaker", "budget 2027")
_STATUSES = ("ok",) * 92 + ("unsubscribed",) * 4 + ("bounced",) * 3 + ("complained", "invalid")
_YEARS = timedelta(days=3 * 365)
_OWN = ("id", "tags", "email_status", "email_status_at", "archived_at", "created_at", "updated_at")


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much of everything. `now` is when the story ends: it began three years before."""

    contacts: int = 1_000_000
    enrollments: int = 300_000
    events: int = 2_000_000
    now: datetime = NOW


def build(address: str, amounts: Amounts | None = None) -> None:
    """Fills a migrated, empty database, and lets the planner know. The same every time, apart from
    the ids of what is not a contact."""
    wanted = amounts or Amounts()
    prepare(address)
    with psycopg.connect(address, autocommit=True) as connection:
        with connection.transaction():
            connection.execute("set local session_replication_role = replica")
            _copy_contacts(connection, wanted)
            # Several statements in one text need their values in it.
            psycopg.ClientCursor(connection).execute(
                STATEMENTS.read_bytes(),
                {"now": wanted.now, "enrollments": wanted.enrollments, "events": wanted.events},
            )
        connection.execute("vacuum (analyze)")
        _count_outcomes(address)
        connection.execute("checkpoint")


def _count_outcomes(address: str) -> None:
    """What the figures are counted from, as after a restored backup."""
    database = PostgresDatabase(address)
    try:
        gateway = database.gateway(SERVICE)
        gateway.call("recount_outcomes")
        AnalyticsRecords(gateway).catch_up(parts=100_000)
    finally:
        database.close()


def _copy_contacts(connection: psycopg.Connection, wanted: Amounts) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS + _OWN))
    statement = sql.SQL("copy contacts ({}) from stdin").format(columns)
    with connection.cursor().copy(statement) as copy:
        for row in _contacts(wanted):
            copy.write_row(row)


def _contacts(wanted: Amounts) -> Iterator[tuple[object, ...]]:
    """One in fifty archived, two in five tagged, one in twelve not to be written to."""
    chance = random.Random(People.seed)
    began = wanted.now - _YEARS
    for n, person in enumerate(People()(wanted.contacts)):
        created = began + _YEARS * (n / wanted.contacts)
        status = chance.choice(_STATUSES)
        yield (
            *person,
            _time_ordered_id(created, chance),
            chance.sample(TAGS, chance.choice((0, 0, 0, 1, 2))),
            status,
            None if status == "ok" else created + timedelta(days=1),
            created + timedelta(days=2) if chance.random() < 0.02 else None,
            created,
            created,
        )


def _time_ordered_id(moment: datetime, chance: random.Random) -> str:
    """A UUID of version 7 (RFC 9562), as private.uuid_v7() makes them."""
    milliseconds = f"{int(moment.timestamp() * 1000):012x}"
    rest = f"{chance.getrandbits(74):019x}"
    variant = "89ab"[int(rest[0], 16) & 3]
    return f"{milliseconds[:8]}-{milliseconds[8:]}-7{rest[1:4]}-{variant}{rest[4:7]}-{rest[7:19]}"


def main() -> None:
    address = sys.argv[1]
    contacts = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    started = time.perf_counter()
    build(address, Amounts(contacts, contacts * 3 // 10, contacts * 2))
    print(f"{contacts:,} contacts in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
