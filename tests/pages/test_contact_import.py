"""A contact file on its way into a real database, as page and script store it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import astuple
from datetime import datetime

import pytest

from crm import contact_import
from crm.contact_import import ContactImport, ImportChoices, ImportSummary
from crm.imports.columns import recognise
from crm.imports.reader import open_contact_file
from db_service import DbService
from tests.conftest import AContact, PublishedSteps, Raw

TYPES = frozenset({"networking", "lead", "prospect", "client", "partner", "other"})
Import = Callable[..., ContactImport]


@pytest.fixture
def an_import(bob: DbService, now: datetime) -> Import:
    """Imports the given lines as the admin and returns the finished import."""

    def run(*lines: str, **choices: object) -> ContactImport:
        file = open_contact_file(io.BytesIO("\n".join(lines).encode()))
        chosen = {"mapping": recognise(file.headers), "known_types": TYPES} | choices
        task = ContactImport(file, ImportChoices(**chosen), bob.contact_imports)  # type: ignore[arg-type]
        list(task.run(now=now))
        return task

    return run


def _adds_up(summary: ImportSummary) -> bool:
    read, *parts = astuple(summary)
    return bool(read == sum(parts))


def test_every_row_is_counted_once_and_the_parts_add_up(
    an_import: Import, a_contact: AContact, raw: Raw, now: datetime
) -> None:
    a_contact(email="known@example.com", company_name="")
    a_contact(email="archived@example.com", archived_at=now)
    task = an_import(
        "First name,Email,Company,Opted out",
        "Ada,ada@example.com,Analytical,",
        "Known,known@example.com,Now Ltd,",
        "Archived,archived@example.com,,",
        "Stop,stop@example.com,,yes",
        "Bad,not an address,,",
        "Twice,ada@example.com,,",
    )
    assert task.summary == ImportSummary(
        read=6, imported=1, updated=1, suppressed=1, archived=1, rejected=2
    )
    assert _adds_up(task.summary)
    assert [row.row_number for row in task.rejected()] == [6, 7]
    stopped = raw.execute("select email_status from contacts where email = 'stop@example.com'")
    assert stopped.fetchone() == {"email_status": "unsubscribed"}


def test_importing_again_changes_nothing(an_import: Import, raw: Raw) -> None:
    lines = (
        "First name,Email,Opted out",
        "Ada,ada@example.com,",
        "Stop,stop@example.com,yes",
        "Eve,,",
    )
    first = an_import(*lines)
    before = raw.execute("select * from contacts order by id").fetchall()
    again = an_import(*lines)
    assert first.summary == ImportSummary(read=3, imported=2, suppressed=1)
    assert again.summary == ImportSummary(read=3, unchanged=3)
    assert raw.execute("select * from contacts order by id").fetchall() == before


def test_skip_leaves_known_contacts_as_they_are(
    an_import: Import, a_contact: AContact, raw: Raw
) -> None:
    known = a_contact(email="known@example.com", company_name="Before")
    task = an_import("Email,Company", "known@example.com,After", on_duplicate="skip")
    assert task.summary == ImportSummary(read=1, skipped=1)
    company = raw.execute("select company_name from contacts where id = %s", (known,)).fetchone()
    assert company == {"company_name": "Before"}


def test_enrolling_is_a_choice(
    an_import: Import, published_steps: PublishedSteps, raw: Raw
) -> None:
    published_steps("lead", 2)
    an_import("First name,Email", "Ada,ada@example.com", default_type="lead")
    assert _enrolled(raw) == []
    an_import("First name,Email", "Bea,bea@example.com", default_type="lead", enroll=True)
    assert _enrolled(raw) == ["bea@example.com"]


def test_a_rejected_row_that_says_stop_is_still_never_written_to(
    an_import: Import, a_contact: AContact, raw: Raw
) -> None:
    a_contact(email="stop@example.com")
    task = an_import("First name,Email,Opted out", f"{'x' * 300},stop@example.com,yes")
    assert task.summary == ImportSummary(read=1, rejected=1)
    status = raw.execute("select email_status from contacts where email = 'stop@example.com'")
    assert status.fetchone() == {"email_status": "unsubscribed"}


def test_a_long_file_is_stored_in_chunks_with_progress(
    bob: DbService, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_import, "CHUNK_ROWS", 10)
    lines = ["First name,Email", *(f"A{n},a{n}@example.com" for n in range(25))]
    file = open_contact_file(io.BytesIO("\n".join(lines).encode()))
    choices = ImportChoices(mapping=recognise(file.headers), known_types=TYPES)
    task = ContactImport(file, choices, bob.contact_imports)
    assert list(task.run(now=now)) == [10, 20, 25]
    assert bob.contacts.count() == 25


def _enrolled(raw: Raw) -> list[str]:
    rows = raw.execute(
        "select c.email from campaign_enrollments e join contacts c on c.id = e.contact_id"
    )
    return [str(row["email"]) for row in rows]
