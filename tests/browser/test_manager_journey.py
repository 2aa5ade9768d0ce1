"""The campaign manager in both roles: figures, comparison, queue, enrollments in bulk, runs."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime

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
    page.get_by_role("button", name="CSV").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download 2 rows").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    rows = {row["Address"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows["maria@manager.example"]["Contact"] == "'=1+1 Maria"
    assert rows["mona@manager.example"]["Status"] == "Active"


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
