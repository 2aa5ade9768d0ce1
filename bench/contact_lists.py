"""Contacts at a million: search as one types, and pages far down the list."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import psycopg

from bench.timing import Timings
from crm.database.gateway import signed_in
from crm.database.local_admin import LOCAL_ADMIN_ID
from crm.database.postgres import PostgresDatabase
from crm.records.contacts import ContactRecords, ContactSearch

T = TypeVar("T")

SEARCHES = 60  # of each length
LENGTHS = (3, 4, 6, 10)
PAGES = 60
LONG_ENOUGH = 12.0  # seconds; a slow search is known after fewer repetitions


@dataclass(frozen=True, slots=True)
class ContactLists:
    """Each call as a page makes it: row-level security, the view, 50 contacts as dataclasses."""

    search: dict[int, Timings]
    first_page: Timings
    keyset_page: Timings

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure_contact_lists(address: str) -> ContactLists:
    ids, texts = _sample(address)
    database = PostgresDatabase(address)
    try:
        contacts = ContactRecords(database.gateway(signed_in(LOCAL_ADMIN_ID)))
        contacts.page()
        return ContactLists(
            {n: _timed(contacts.page, _searches(texts, n)) for n in LENGTHS},
            _timed(lambda _: contacts.page(), range(PAGES)),
            _timed(lambda before: contacts.page(before=before), ids),
        )
    finally:
        database.close()


def _timed(call: Callable[[T], object], arguments: Iterable[T]) -> Timings:
    until = time.monotonic() + LONG_ENOUGH
    found = []
    for argument in arguments:
        started = time.perf_counter()
        call(argument)
        found.append((time.perf_counter() - started) * 1000)
        if time.monotonic() > until:
            break
    return Timings.of(found)


def _searches(texts: list[str], length: int) -> list[ContactSearch]:
    """What people type: the beginning of a word that occurs in some contact."""
    chance = random.Random(length)
    typed = []
    for _ in range(SEARCHES):
        words = [w for w in chance.choice(texts).split() if len(w) >= length]
        typed.append(chance.choice(words or ["example"])[:length])
    return [ContactSearch(text=text) for text in typed]


def _sample(address: str) -> tuple[list[str], list[str]]:
    """Ids from the far end of the list, newest first, and search texts from anywhere."""
    with psycopg.connect(address) as connection:
        ids = connection.execute(
            "select id::text from (select id from contacts order by id limit 100000) oldest"
            " order by random() limit %s",
            (PAGES,),
        ).fetchall()
        texts = connection.execute(
            "select search_text from contacts tablesample bernoulli (1) limit 3000"
        ).fetchall()
    return [str(row[0]) for row in ids], [str(row[0]) for row in texts]
