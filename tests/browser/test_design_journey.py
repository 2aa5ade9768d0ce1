"""What holds for every page, for whoever opens it: on a phone, in the dark, in plain words."""

from __future__ import annotations

import re
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps

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
    # On a phone the navigation waits behind its button.
    expand = page.get_by_test_id("stExpandSidebarButton")
    if expand.is_visible():
        expand.click()
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_attached()


@pytest.mark.parametrize(
    ("person", "pages"), [("colleague", FOR_ALL), ("chief", FOR_ALL + FOR_ADMINS)]
)
def test_every_page_reads_well_on_a_phone_and_speaks_in_words(
    person: str, pages: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(person)
    navigation = page.get_by_test_id("stSidebarNavItems").get_by_role("link")
    expect(navigation).to_have_text(list(pages))
    expect(page).to_have_title(re.compile("MPT-CRM|Dashboard"))
    page.set_viewport_size({"width": 390, "height": 844})
    for name in pages:
        open_page(page, name)
        assert not page.evaluate(_WIDER_THAN_THE_SCREEN), f"{name} scrolls sideways"
        expect(page.get_by_test_id("stException")).to_have_count(0)
        found = RAW.search(page.get_by_test_id("stMain").inner_text())
        assert found is None, f"{name} shows {found}"


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
