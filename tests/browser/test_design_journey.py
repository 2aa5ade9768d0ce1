"""What holds for every page, for whoever opens it: on a phone, in the dark, in plain words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.request import urlopen

import pytest
from playwright.sync_api import Error, Page, expect

from crm.records.contacts import ContactDraft
from db_service import DbService
from tests.browser import steps
from tests.browser.team_site import TeamSite

pytestmark = pytest.mark.browser

FOR_ALL = ("Dashboard", "Contacts", "Discovery calls", "Projects", "Networking", "Campaign manager")
FOR_ADMINS = ("Settings", "Users", "Audit log")
# Ids, ISO times, and what Python writes for nothing ("None is set" is a sentence).
RAW = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-|\d{4}-\d\d-\d\dT|\d\d:\d\d:\d\d\.\d"
    r"|^None$|: None\b|\bnan\b|\bNaT\b|\bnull\b",
    re.MULTILINE,
)
_WIDER_THAN_THE_SCREEN = """() => [...document.querySelectorAll('[data-testid=stMain]')]
  .some(part => part.scrollWidth > part.clientWidth + 1)"""


def open_page(page: Page, name: str) -> None:
    # On a phone the navigation waits behind its button, and goes away by itself after a click.
    expand = page.get_by_test_id("stExpandSidebarButton")
    link = page.get_by_role("link", name=name, exact=True)
    for _ in range(4):
        steps.at_rest(page)
        if expand.is_visible():
            expand.click()
        try:
            link.click(timeout=5_000)
        except Error:  # Playwright's own time-out
            continue
        break
    expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()
    steps.at_rest(page)


def inner_pages(db: DbService, person: str) -> dict[str, str]:
    """One contact, one campaign, and one discovery call, by their headings: their addresses."""
    now, name = datetime.now(UTC), f"Dora {person.title()}"
    email = f"dora@{person}.example"
    dora = ContactDraft(first_name=name, email=email, contact_type="lead")
    contact_id = db.contacts.add(dora, created_by=None, now=now)
    answers = {"first_name": "Ella", "email": f"ella@{person}.example", "notes": "Two sites"}
    draft = db.discovery.save_draft(None, answers, contact_id=None, now=now)
    told = db.discovery.submit(draft, answers, contact_id=None, due_at=None, now=now)
    return {
        name: f"/contacts?contact={contact_id}",
        "Lead": "/campaigns?campaign=lead",
        "Ella": f"/discovery?submission={told.submission_id}",
    }


def expect_plain_words_that_fit(page: Page, name: str) -> None:
    assert not page.evaluate(_WIDER_THAN_THE_SCREEN), f"{name} scrolls sideways"
    expect(page.get_by_test_id("stException")).to_have_count(0)
    found = RAW.search(page.get_by_test_id("stMain").inner_text())
    assert found is None, f"{name} shows {found}"


@pytest.mark.parametrize(
    ("person", "pages"), [("colleague", FOR_ALL), ("chief", FOR_ALL + FOR_ADMINS)]
)
def test_every_page_reads_well_on_a_phone_and_speaks_in_words(
    person: str, pages: tuple[str, ...], request: pytest.FixtureRequest, team_site: TeamSite
) -> None:
    page: Page = request.getfixturevalue(person)
    navigation = page.get_by_test_id("stSidebarNavItems").get_by_role("link")
    expect(navigation).to_have_text(list(pages))
    expect(page).to_have_title(re.compile("MPT-CRM|Dashboard"))
    page.set_viewport_size({"width": 390, "height": 844})
    for name in pages:
        open_page(page, name)
        expect_plain_words_that_fit(page, name)
    with team_site.acting_as("bob" if person == "chief" else "alice") as db:
        inner = inner_pages(db, person)
    for name, address in inner.items():
        page.goto(address)
        expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()
        steps.at_rest(page)
        expect_plain_words_that_fit(page, name)


def test_the_dark_theme_follows_the_browser_and_the_logo_with_it(chief: Page) -> None:
    ground = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    chief.emulate_media(color_scheme="light")
    chief.wait_for_function(f"() => {ground} === 'rgb(255, 255, 255)'")
    chief.emulate_media(color_scheme="dark")
    chief.wait_for_function(f"() => {ground} === 'rgb(20, 25, 26)'")
    logo = chief.get_by_test_id("stSidebarLogo").get_attribute("src") or ""
    assert b"prefers-color-scheme:dark" in urlopen(logo).read()


def test_an_admin_edits_a_colleague_with_the_keyboard(chief: Page) -> None:
    open_page(chief, "Users")
    row = chief.get_by_test_id("stHorizontalBlock").filter(has_text="alice@mpt.example").last
    for number in ("+1 614 555 0134", ""):
        row.get_by_role("button", name="Edit").click()
        phone = chief.get_by_role("dialog").get_by_role("textbox", name="Phone")
        phone.fill(number)
        steps.submit(phone)
        expect(chief.get_by_role("dialog")).to_have_count(0)
        expect(chief.get_by_text("alice@mpt.example · +16145550134")).to_have_count(
            1 if number else 0
        )
