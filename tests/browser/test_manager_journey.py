"""The campaign manager in both roles: figures, comparison, queue, enrollments in bulk, runs."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import openpyxl
import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from crm.records.contacts import ContactDraft
from tests.browser import steps
from tests.browser.team_site import TeamSite

pytestmark = pytest.mark.browser

FIRST = ContactDraft(
    first_name="=1+1 Maria",
    email="maria@manager.example",
    company_name="Manager Journey Ltd",
    contact_type="prospect",
)
SECOND = replace(FIRST, first_name="Mona", email="mona@manager.example")


@pytest.fixture(scope="module")
def enrolled(team_site: TeamSite) -> None:
    """Two contacts of Alice's, in Prospect."""
    with team_site.acting_as("alice") as db:
        alice = team_site.id_of("alice")
        for draft in (FIRST, SECOND):
            mine = replace(draft, owner_id=alice)
            db.contacts.add(mine, created_by=alice, now=datetime.now(UTC))


@pytest.fixture(params=["colleague", "chief"])
def manager(request: pytest.FixtureRequest, enrolled: None) -> tuple[Page, bool]:
    """The page, and whether an admin looks at it."""
    page: Page = request.getfixturevalue(request.param)
    steps.open_campaign_manager(page)
    return page, request.param == "chief"


def test_figures_sequence_and_comparison(manager: tuple[Page, bool]) -> None:
    page, is_admin = manager
    expect(page.get_by_role("button", name="Run now")).to_have_count(int(is_admin))
    expect(page.get_by_text("Admins pause campaigns")).to_have_count(int(not is_admin))
    card = page.locator(".st-key-campaign_prospect")
    expect(card.get_by_role("button", name="Pause")).to_have_count(int(is_admin))
    page.get_by_role("radio", name="Last 90 days").click()
    expect(page).to_have_url(_naming("period=Last"))
    term = page.locator(".figure .term", has_text="Opened")
    term.hover()
    expect(page.get_by_text("E-mails that a person opened.").first).to_be_visible()

    card.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="Prospect")).to_be_visible()
    expect(page).to_have_url(_naming("campaign=prospect"))
    page.get_by_text("More figures").click()
    expect(page.locator(".figure .term", has_text="Success rate")).to_be_visible()
    sequence = page.locator(".sequence .step")
    expect(sequence).to_have_count(6)
    expect(sequence.nth(1)).to_contain_text("Day 0")
    expect(page.get_by_role("button", name="Sending hours")).to_have_count(int(is_admin))
    page.get_by_role("tab", name="By month of enrollment").click()
    steps.expect_cell(_table(page), f"{datetime.now(UTC):%Y}")
    page.get_by_role("button", name="← All campaigns").click()

    page.get_by_role("tab", name="Compare").click()
    expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible()
    page.get_by_role("radio", name="The days before").click()
    steps.expect_cell(_table(page), "Prospect, ")
    page.get_by_role("tab", name="Runs").click()
    expect(page.get_by_role("tab", name="Runs")).to_have_attribute("aria-selected", "true")
    steps.expect_cell(_table(page), "On schedule")


def test_enrollments_are_found_changed_together_and_exported(manager: tuple[Page, bool]) -> None:
    page, _ = manager
    page.get_by_role("tab", name="Queue").click()
    page.get_by_role("radio", name="Put off").click()
    expect(page.get_by_text("No e-mail was put off.")).to_be_visible()
    page.get_by_role("tab", name="Enrollments").click()
    steps.choose(page, page, "Campaign", "Prospect")
    page.get_by_label("Search enrollments").fill("manager.example")
    table = _table(page)
    steps.expect_cell(table, "Mona")
    expect(page.get_by_text("1–2 of 2")).to_be_visible()

    _change_both(page, "Pause")
    expect(page.get_by_role("dialog").get_by_text("2 enrollments paused.")).to_be_visible()
    page.get_by_role("button", name="Done").click()
    steps.expect_cell(_table(page), "Paused: paused by hand")
    _change_both(page, "Resume")
    expect(page.get_by_role("dialog").get_by_text("2 enrollments resumed.")).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.get_by_role("button", name="Export").click()
    text = _exported(page, "CSV", ".csv").decode("utf-8-sig")
    rows = {row["Address"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows["maria@manager.example"]["Contact"] == "'=1+1 Maria"
    assert rows["mona@manager.example"]["Status"] == "Active"
    sheet = openpyxl.load_workbook(io.BytesIO(_exported(page, "Excel", ".xlsx"))).active
    assert sheet is not None
    cells = {cell.value: cell.data_type for row in sheet.iter_rows() for cell in row}
    assert cells["'=1+1 Maria"] == "s", "text, which no spreadsheet calculates"
    assert "f" not in cells.values()


def test_what_waits_for_an_admin_is_shown_to_whose_contacts_they_are(
    colleague: Page, team_site: TeamSite
) -> None:
    _held_for_alice(team_site)
    steps.open_campaign_manager(colleague)
    attention = colleague.locator(".st-key-attention")
    expect(attention).to_contain_text("1 e-mail unconfirmed and 1 e-mail failed")
    attention.get_by_role("button", name="Open the queue").click()
    unsure = colleague.locator("[class*=st-key-unconfirmed_]").filter(has_text="Unsure")
    expect(unsure.get_by_role("button", name="Open contact")).to_be_visible()
    expect(colleague.get_by_text("An admin can decide about them.")).to_be_visible()
    for name in ("Mark as sent", "Send again"):
        expect(colleague.get_by_role("button", name=name)).to_have_count(0)
    colleague.get_by_role("radio", name="Failed (1)").click()
    failed = colleague.locator("[class*=st-key-held_]").filter(has_text="Refused")
    expect(failed).to_contain_text("Not to our liking")
    expect(failed.get_by_role("button", name="Open contact")).to_be_visible()
    expect(colleague.get_by_text("An admin can have them tried again.")).to_be_visible()
    expect(colleague.get_by_role("button", name="Try again")).to_have_count(0)


def _held_for_alice(team_site: TeamSite) -> None:
    """One e-mail that may have arrived and one that was refused; this app's own outbox does not
    refuse and loses nothing."""
    alice, now = team_site.id_of("alice"), datetime.now(UTC)
    with team_site.acting_as("alice") as db:
        for name in ("unconfirmed", "failed"):
            mine = ContactDraft(
                first_name={"unconfirmed": "Unsure", "failed": "Refused"}[name],
                email=f"{name}@held.example",
                contact_type="client",
                owner_id=alice,
            )
            # Its first e-mail is due tomorrow: no run takes it meanwhile.
            db.contacts.add(mine, created_by=alice, now=now + timedelta(days=1))
    with psycopg.connect(team_site.database(), autocommit=True) as connection:
        connection.execute(
            "insert into email_sends (contact_id, enrollment_id, campaign_id, step, run,"
            " template_id, to_email, claimed_at, handed_over_at, held_at, reason, status)"
            " select c.id, e.id, e.campaign_id, t.step, e.run, t.id, c.email, %(now)s, %(now)s,"
            " %(now)s, 'Not to our liking', split_part(c.email, '@', 1)"
            " from contacts c join campaign_enrollments e on e.contact_id = c.id"
            " join drip_campaign_templates t on t.campaign_id = e.campaign_id"
            " and t.step = e.next_step and t.status = 'published'"
            " where c.email like '%%@held.example'",
            {"now": now},
        )


def _exported(page: Page, kind: str, ending: str) -> bytes:
    """The button of the format before stays until the new file is written, and looks the same."""
    page.get_by_role("button", name=kind).click()
    for _ in range(5):
        with page.expect_download() as download:
            page.get_by_role("button", name="Download 2 rows").click()
        if download.value.suggested_filename.endswith(ending):
            return download.value.path().read_bytes()
    raise AssertionError(f"No {kind} file is offered")


def _change_both(page: Page, deed: str) -> None:
    """Select all rows by the box in the table's head."""
    button = page.locator(".st-key-enrollment_bulk").get_by_role("button", name=deed)
    steps.click_cell(_table(page), row=-1, x=16, leads_to=button)
    button.click()
    page.get_by_role("dialog").get_by_role("button", name=f"{deed} them").click()


def _table(page: Page) -> Locator:
    return page.get_by_test_id("stDataFrame").locator("visible=true").first


def _naming(part: str) -> re.Pattern[str]:
    return re.compile(re.escape(part))
