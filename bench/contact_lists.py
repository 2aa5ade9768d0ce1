"""Contacts at a million: search as one types, and pages far down the list."""

from __future__ import annotations

import random
from dataclasses import dataclass

import psycopg

from bench.timing import Timings, milliseconds_of
from crm.database.gateway import signed_in
from crm.database.local_admin import LOCAL_ADMIN_ID
from crm.database.postgres import PostgresDatabase
from crm.records.contacts import ContactRecords, ContactSearch

SEARCHES = 60  # of each length
LENGTHS = (3, 4, 6, 10)
PAGES = 60


@dataclass(frozen=True, slots=True)
class ContactLists:
    """Each call as a page makes it: row-level security, the view, 50 contacts as dataclasses."""

    search: dict[int, Timings]
    keyset_page: Timings


def measure_contact_lists(address: str) -> ContactLists:
    ids, texts = _sample(address)
    database = PostgresDatabase(address)
    try:
        contacts = ContactRecords(database.gateway(signed_in(LOCAL_ADMIN_ID)))
        contacts.page()
        return ContactLists(
            {length: _searches(contacts, texts, length) for length in LENGTHS},
            Timings.of([milliseconds_of(lambda i=i: contacts.page(before=i)) for i in ids]),  # type: ignore[misc]
        )
    finally:
        database.close()


def _searches(contacts: ContactRecords, texts: list[str], length: int) -> Timings:
    """What people type: the beginning of a word that occurs in some contact."""
    chance = random.Random(length)
    found = []
    for _ in range(SEARCHES):
        words = [w for w in chance.choice(texts).split() if len(w) >= length]
        typed = chance.choice(words or ["example"])[:length]
        search = ContactSearch(text=typed)
        found.append(milliseconds_of(lambda s=search: contacts.page(s)))  # type: ignore[misc]
    return Timings.of(found)


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
