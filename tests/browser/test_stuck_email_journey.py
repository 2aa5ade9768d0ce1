"""What is stuck is found from the dashboard: e-mails that were put off, left, or failed."""

from __future__ import annotations

import re
import time as clock
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from crm.records.contacts import ContactDraft
from db_service import IncomingReply
from tests.browser import steps
from tests.browser.team_site import TeamSite

pytestmark = pytest.mark.browser

AWAY = ContactDraft(company_name="Installation Journey Ltd", contact_type="client")
OWNERS = {"colleague": "alice", "chief": "bob"}
# Moments tell the exact one on hovering: with seconds and the viewer's zone.
EXACT = re.compile(r"^\w+day \d+ \w+ \d{4}, \d\d:\d\d:\d\d \(America/New_York\)$")


@pytest.fixture(scope="module")
def put_off(team_site: TeamSite) -> Iterator[None]:
    """Alice and Bob each know Sam, who gets an e-mail, and Ora, who is out of office and whose
    e-mail waits; in the end none waits any more."""
    for subject in OWNERS.values():
        for name in ("Ora", "Sam"):
            _add(team_site, name, subject)
    with team_site.acting_as_service() as service:
        for subject in OWNERS.values():
            assert service.events.record_reply(_away(subject), now=datetime.now(UTC)) == "stored"
    _run(team_site)
    yield
    for name in ("Ora", "Sam"):
        for subject in OWNERS.values():
            _archive(team_site, _address(name, subject))


@pytest.fixture
def refused(team_site: TeamSite) -> Iterator[str]:
    """The address of an e-mail that failed; this app's own outbox refuses none by itself."""
    # Its first e-mail is due tomorrow: no run takes it meanwhile.
    address = _add(team_site, "Fay", "bob", at=datetime.now(UTC) + timedelta(days=1))
    with psycopg.connect(team_site.database(), autocommit=True) as connection:
        connection.execute(
            "insert into email_sends (contact_id, enrollment_id, campaign_id, step, run,"
            " template_id, to_email, claimed_at, handed_over_at, held_at, reason, status)"
            " select c.id, e.id, e.campaign_id, t.step, e.run, t.id, c.email, %(now)s, %(now)s,"
            " %(now)s, 'Not to their liking', 'failed'"
            " from contacts c join campaign_enrollments e on e.contact_id = c.id"
            " join drip_campaign_templates t on t.campaign_id = e.campaign_id"
            " and t.step = e.next_step and t.status = 'published' where c.email = %(address)s",
            {"now": datetime.now(UTC), "address": address},
        )
        connection.execute(
            "update campaign_enrollments e set status = 'paused', reason = 'send_failed'"
            " from contacts c where c.id = e.contact_id and c.email = %s",
            [address],
        )
    yield address
    with team_site.acting_as("bob") as db:
        held = [s.id for s in db.sends.held(status="failed", limit=100) if s.to_email == address]
        db.sends.retry_failed(held, now=datetime.now(UTC))
    _archive(team_site, address)


def _address(name: str, subject: str) -> str:
    return f"{name.lower()}.{subject}@installation.example"


def _add(team_site: TeamSite, name: str, subject: str, *, at: datetime | None = None) -> str:
    """A client of this colleague's; returns the address."""
    owner, email = team_site.id_of(subject), _address(name, subject)
    draft = replace(AWAY, first_name=name, last_name=subject.title(), email=email, owner_id=owner)
    with team_site.acting_as(subject) as db:
        db.contacts.add(draft, created_by=owner, now=at or datetime.now(UTC))
    return email


def _archive(team_site: TeamSite, address: str) -> None:
    with team_site.acting_as("bob") as db:
        contact = db.contacts.by_email(address)
        assert contact is not None
        db.contact_changes.change([contact.id], {"archived": True}, now=datetime.now(UTC))


def _away(subject: str) -> IncomingReply:
    now = datetime.now(UTC)
    return IncomingReply(
        message_id=f"<ora.{subject}@installation.example>",
        sender=_address("Ora", subject),
        kind="out_of_office",
        subject="Out of office",
        text="Back in ten days.",
        occurred_at=now,
        quiet_until=now + timedelta(days=10),
    )


def _run(team_site: TeamSite) -> None:
    """By the app's own scheduler, until both who are away were put off and both others written."""
    written = {_address("Sam", subject) for subject in OWNERS.values()}
    with team_site.acting_as("bob") as db:
        db.scheduler_runs.request(now=datetime.now(UTC))
        deadline = clock.monotonic() + 60
        while db.queue.counts(now=datetime.now(UTC), most=100).put_off < len(
            OWNERS
        ) or not written <= {one.to_email for one in db.sends.sent(limit=100)}:
            assert clock.monotonic() < deadline, "the scheduler did not run"
            clock.sleep(0.2)


@pytest.mark.parametrize("person", list(OWNERS))
def test_what_was_put_off_and_what_left_are_told_to_whose_contacts_they_are(
    request: pytest.FixtureRequest, put_off: None, person: str
) -> None:
    page: Page = request.getfixturevalue(person)
    mine, other = OWNERS[person], "bob" if person == "colleague" else "alice"
    seen_of_others = int(person == "chief")
    look = page.locator(".st-key-today_look")
    expect(look).to_contain_text("put off; the queue says why")
    steps.at_rest(page)
    look.get_by_role("link", name="Open the queue").click()
    page.get_by_role("radio", name=re.compile(r"Put off \(\d")).click()
    table = page.get_by_test_id("stDataFrame").locator("visible=true").first
    steps.expect_cell(table, f"Ora {mine.title()}")
    steps.expect_cell(table, "The contact is not to be written to for a while")
    expect(_cells(table, f"Ora {other.title()}")).to_have_count(seen_of_others)

    steps.at_rest(page)
    page.get_by_role("tab", name="Outbox").click()
    steps.expect_cell(table, _address("Sam", mine))
    expect(_cells(table, _address("Sam", other))).to_have_count(seen_of_others)
    dialog = page.get_by_role("dialog")
    steps.click_cell(table, row=0, x=60, leads_to=dialog)
    expect(dialog.locator(".facts [title]")).to_have_attribute("title", EXACT)


def _cells(table: Locator, text: str) -> Locator:
    return table.locator("[data-testid^=glide-cell]").filter(has_text=text)


def test_a_failed_email_is_reached_from_the_dashboard_and_tried_again(
    refused: str, chief: Page
) -> None:
    look = chief.locator(".st-key-today_look")
    expect(look).to_contain_text(re.compile(r"\d+ failed e-mail"))
    steps.at_rest(chief)
    look.get_by_role("link", name="Open the queue").click()
    chief.get_by_role("radio", name=re.compile(r"Failed \(\d")).click()
    card = chief.locator("[class*=st-key-held_]").filter(has_text="Fay Bob")
    expect(card).to_contain_text("Not to their liking")
    expect(card.locator(".quiet [title]")).to_have_attribute("title", EXACT)
    steps.at_rest(chief)
    card.get_by_role("button", name="Try again").click()
    expect(chief.get_by_text("1 e-mail will be tried with the next run.")).to_be_visible()
    expect(card).to_have_count(0)
