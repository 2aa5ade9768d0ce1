"""Discovery calls in a real browser: written down by a colleague, asked for by a visitor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps

pytestmark = pytest.mark.browser


def _open_discovery(page: Page) -> None:
    page.get_by_role("link", name="Discovery calls").click()
    expect(page.get_by_role("heading", name="Discovery calls")).to_be_visible()


@pytest.mark.parametrize("person", ["colleague", "chief"])
def test_a_call_is_written_down_interrupted_and_submitted(
    person: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(person)
    name = f"Delia {person.title()}"
    _open_discovery(page)
    page.get_by_role("button", name="Record a call").click()
    first_name = page.get_by_role("textbox", name="First name")
    first_name.fill("Delia")
    # Saving meanwhile takes neither the focus nor what is typed next.
    first_name.press("Tab")
    page.keyboard.type(person.title(), delay=80)
    page.keyboard.press("Tab")
    page.keyboard.type(f"delia.{person}@journey.example", delay=10)
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="Phone")).to_be_focused()
    expect(page.get_by_text("Saved as a draft just now.")).to_be_visible()
    expect(page).to_have_url(re.compile("draft="))

    page.reload()
    expect(first_name).to_have_value("Delia")
    steps.at_rest(page)
    page.get_by_role("button", name="← Discovery calls").click()
    expect(page.get_by_role("heading", name="Submissions")).to_be_visible()
    steps.at_rest(page)
    row = page.locator("[class*=st-key-draft_]").filter(has_text=name)
    row.get_by_role("button", name="Continue").click()
    expect(first_name).to_have_value("Delia")

    steps.at_rest(page)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("textbox", name="Situation today").fill("Everything on paper")
    page.get_by_role("tab", name="Next step").click()
    page.get_by_role("textbox", name="Next step").fill("Send two references")
    page.get_by_role("textbox", name="Next step").press("Enter")
    steps.at_rest(page)
    page.get_by_role("button", name="Submit call").click()
    expect(page.get_by_text("Choose a day, so that the next step becomes a task.")).to_be_visible()
    page.get_by_role("spinbutton", name="year").click()
    page.keyboard.type("20261230", delay=60)
    page.keyboard.press("Tab")
    steps.at_rest(page)
    page.get_by_role("button", name="Submit call").click()

    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_text(f"{name} is a new contact and a lead.").first).to_be_visible()
    expect(page.get_by_text("Everything on paper")).to_be_visible()
    page.get_by_role("button", name="Open contact").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_text("Held a discovery call")).to_be_visible()
    expect(page.get_by_text("Send two references").first).to_be_visible()


@pytest.fixture
def visitor(chief: Page) -> Iterator[Page]:
    """Somebody with a phone, who is nobody here."""
    browser = chief.context.browser
    assert browser
    site = urlsplit(chief.url)
    context = browser.new_context(
        base_url=f"{site.scheme}://{site.netloc}",
        viewport={"width": 390, "height": 844},
        java_script_enabled=False,
    )
    yield context.new_page()
    context.close()


def test_a_visitor_asks_for_a_call_and_a_colleague_takes_it(
    visitor: Page, chief: Page, colleague: Page
) -> None:
    visitor.goto("/discovery-call")
    expect(visitor.get_by_role("heading", name="This form is closed")).to_be_visible()
    _open_discovery(chief)
    chief.get_by_role("button", name="Public form").click()
    chief.get_by_text("Open to everybody").click()
    chief.get_by_role("button", name="Save").click()
    expect(chief.get_by_text("The public form is open.")).to_be_visible()

    visitor.reload()
    assert visitor.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.get_by_label("First name").fill("Vera")
    email = visitor.get_by_role("textbox", name="E-mail")
    email.fill("vera@")
    email.press("Enter")
    expect(email).to_be_focused()
    expect(email).to_have_accessible_description("There must be something after the @-sign.")
    expect(visitor.get_by_label("First name")).to_have_value("Vera")
    email.fill("vera@journey.example")
    visitor.get_by_label("What would you like to achieve?").fill("Fewer phone calls")
    visitor.get_by_label("Budget").select_option("$10,000–$25,000")
    visitor.get_by_role("checkbox").check()
    # A person needs longer than the form asks for.
    visitor.wait_for_timeout(3_200)
    visitor.get_by_role("button", name="Ask for a call").click()
    expect(visitor.get_by_role("heading", name="Thank you")).to_be_visible()

    _open_discovery(colleague)
    colleague.goto(f"{colleague.url}?with=Nobody")
    table = colleague.get_by_test_id("stDataFrame")
    steps.expect_cell(table, "Vera")
    steps.at_rest(colleague)
    heading = colleague.get_by_role("heading", name="Vera")
    steps.click_cell(table, row=0, x=30, leads_to=heading)
    expect(colleague.get_by_text("Fewer phone calls")).to_be_visible()
    colleague.get_by_role("button", name="Take it").click()
    expect(colleague.get_by_text("It is yours now.")).to_be_visible()
    steps.at_rest(colleague)
    colleague.get_by_role("button", name="Mark as done").click()
    expect(colleague.get_by_role("button", name="Reopen")).to_be_visible()
    steps.at_rest(colleague)
    # Who takes it looks after the contact, and may change it.
    colleague.get_by_role("button", name="Open contact").click()
    expect(colleague.get_by_role("button", name="Edit")).to_be_visible()
