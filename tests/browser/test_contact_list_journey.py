"""Finding contacts: as one types, by filters that the address line keeps, in views, in pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from crm.records.contacts import ContactDraft
from tests.browser import steps
from tests.browser.team_site import TeamSite

pytestmark = pytest.mark.browser

CLIENTS, ALL = 8, 60


@pytest.fixture(scope="module", autouse=True)
def quillons(team_site: TeamSite) -> None:
    """Sixty people of one company, eight of them clients, of whom nobody has an address."""
    with team_site.acting_as("bob") as bob:
        for number in range(ALL):
            kind = "client" if number < CLIENTS else "partner"
            draft = ContactDraft(
                first_name=f"Q{number:02}",
                last_name="Quillón",
                company_name="Quill & Partners",
                contact_type=kind,
                tags=("quill pen",) if number == 0 else (),
            )
            bob.contacts.add(draft, created_by=team_site.id_of("bob"), now=datetime.now(UTC))


@pytest.mark.parametrize("person", ["colleague", "chief"])
def test_contacts_are_found_while_typing_and_by_filters_that_stay(
    person: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(person)
    page.goto("/contacts")
    page.get_by_label("Search contacts").press_sequentially("quillon")
    expect(page.get_by_text(f"{ALL} contacts found")).to_be_visible()
    expect(page.get_by_label("Search contacts")).to_be_focused()
    expect(page.get_by_text(f"1–25 of {ALL}")).to_be_visible()
    _turn_pages(page)
    steps.choose(page, page, "Type", "Client")
    page.keyboard.press("Escape")
    expect(page.get_by_text(f"{CLIENTS} contacts found")).to_be_visible()
    page.get_by_test_id("stPopover").get_by_role("button", name="More filters").click()
    popover = page.get_by_test_id("stPopoverBody")
    steps.choose(page, popover, "Tag", "quill pen")
    expect(page.get_by_text("1 contact found")).to_be_visible()
    expect(page).to_have_url(_with("q=quillon", "type=Client", "tag=quill"))
    page.reload()
    expect(page.get_by_text("1 contact found")).to_be_visible()
    expect(page.get_by_role("button", name="More filters (1)")).to_be_visible()
    expect(page.get_by_label("Search contacts")).to_have_value("quillon")
    steps.expect_cell(_table(page), "Q00 Quillón")
    page.get_by_label("Search contacts").fill("nobody is called so")
    page.get_by_role("button", name="Clear all filters").click()
    expect(page.get_by_label("Search contacts")).to_have_value("")
    expect(page).not_to_have_url(re.compile("type="))
    page.get_by_label("Find a contact").fill("q01 quill")
    page.get_by_role("button", name="Q01 Quillón").click()
    expect(page.get_by_role("heading", name="Q01 Quillón")).to_be_visible()


def test_a_view_is_saved_shared_and_deleted(colleague: Page, chief: Page) -> None:
    colleague.goto("/contacts?q=quillon&type=Client")
    expect(colleague.get_by_text(f"{CLIENTS} contacts found")).to_be_visible()
    _choose_from_menu(colleague, "Save view", "Save as a new view")
    dialog = colleague.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Quill clients")
    dialog.get_by_text("Share it with all colleagues").click()
    steps.submit(dialog.get_by_label("Name"))
    expect(dialog).to_be_hidden()
    expect(colleague.get_by_text("Saved the view “Quill clients”.")).to_be_visible()
    _view(colleague, "All contacts").click()
    expect(colleague.get_by_label("Search contacts")).to_have_value("")
    _view(colleague, "Quill clients").click()
    expect(colleague.get_by_text(f"{CLIENTS} contacts found")).to_be_visible()
    expect(colleague).to_have_url(_with("q=quillon", "type=Client"))
    # An admin sees it, with whose it is, and may tidy up.
    chief.goto("/contacts")
    _view(chief, "Quill clients · Alice Sales").click()
    expect(chief.get_by_text(f"{CLIENTS} contacts found")).to_be_visible()
    _share_one_of_the_chief(chief)
    colleague.reload()
    _view(colleague, "Of the chief · Bob").click()
    expect(colleague.get_by_text(f"{ALL} contacts found")).to_be_visible()
    expect(colleague.get_by_role("button", name="This view")).to_be_hidden()
    _view(chief, "Quill clients · Alice Sales").click()
    _delete_the_view_in_sight(chief)
    _view(chief, "Of the chief").click()
    _delete_the_view_in_sight(chief)
    colleague.reload()
    expect(_view(colleague, "All contacts")).to_be_visible()
    expect(_view(colleague, "Quill clients")).to_be_hidden()
    expect(_view(colleague, "Of the chief · Bob")).to_be_hidden()


def _with(*parts: str) -> re.Pattern[str]:
    """An address that holds all of these, in whatever order."""
    return re.compile("".join(f"(?=.*{part})" for part in parts))


def _turn_pages(page: Page) -> None:
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_text(f"26–50 of {ALL}")).to_be_visible()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_text(f"51–{ALL} of {ALL}")).to_be_visible()
    expect(page.get_by_role("button", name="Next", exact=True)).to_be_disabled()
    page.get_by_role("button", name="Previous", exact=True).click()
    expect(page.get_by_text(f"26–50 of {ALL}")).to_be_visible()
    page.get_by_role("button", name="Previous", exact=True).click()
    expect(page.get_by_text(f"1–25 of {ALL}")).to_be_visible()


def _share_one_of_the_chief(page: Page) -> None:
    page.get_by_label("Search contacts").fill("quillon")
    page.goto("/contacts?q=quillon")
    expect(page.get_by_text(f"{ALL} contacts found")).to_be_visible()
    _choose_from_menu(page, "Save view", "Save as a new view")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Of the chief")
    dialog.get_by_text("Share it with all colleagues").click()
    dialog.get_by_role("button", name="Save view").click()
    expect(_view(page, "Of the chief")).to_be_visible()


def _delete_the_view_in_sight(page: Page) -> None:
    _choose_from_menu(page, "This view", "Delete this view")
    page.get_by_role("dialog").get_by_role("button", name="Delete view").click()
    expect(page.get_by_text("Deleted the view").last).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()


def _choose_from_menu(page: Page, menu: str, option: str) -> None:
    steps.choose_behind(
        page.get_by_role("button", name=menu, exact=True),
        page.get_by_role("menuitem", name=option).or_(page.get_by_role("option", name=option)),
    )


def _view(page: Page, name: str) -> Locator:
    return page.locator(".st-key-views").get_by_role("button", name=name, exact=True)


def _table(page: Page) -> Locator:
    return page.get_by_test_id("stDataFrame")
