"""A contact's page in a real browser, in both roles: what is written down, and its campaigns."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import steps

pytestmark = pytest.mark.browser


def _new_contact(page: Page, name: str) -> None:
    page.get_by_role("link", name="Contacts", exact=True).click()
    steps.add_contact(page, name)


def _add_with_a_slip(page: Page, name: str) -> None:
    """An address that is none is told at its field, and what was typed stays."""
    page.get_by_role("link", name="Contacts", exact=True).click()
    expect(page.get_by_role("heading", name="Contacts", exact=True)).to_be_visible()
    steps.at_rest(page)
    page.get_by_role("button", name="Add contact").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("First name").fill(name)
    email = dialog.get_by_label("E-mail", exact=True)
    own = page.get_by_label("E-mail", exact=True)
    at_its_field = dialog.get_by_test_id("stColumn").filter(has=own)
    steps.at_rest(page)
    email.fill("ada@")
    expect(at_its_field).to_contain_text("Press Enter to submit form")
    steps.submit(email)
    expect(at_its_field).to_contain_text("There must be something after the @-sign.")
    expect(dialog.get_by_label("First name")).to_have_value(name)
    expect(email).to_have_value("ada@")
    email.fill(f"{name.lower()}@journey.example")
    steps.choose(page, dialog, "Type", "Lead")
    dialog.get_by_role("button", name="Add contact").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def _card(page: Page) -> Locator:
    """The one campaign that runs."""
    return page.locator("[class*=st-key-enrollment_]").locator("visible=true").first


@pytest.mark.parametrize("person", ["colleague", "chief"])
def test_what_was_said_and_what_is_to_do_is_written_down_by_keyboard(
    request: pytest.FixtureRequest, person: str
) -> None:
    page: Page = request.getfixturevalue(person)
    _add_with_a_slip(page, f"Notes{person}")
    timeline = page.locator(".timeline")

    note = page.get_by_role("textbox", name="Note")
    note.fill("Asked for a quote & likes <b>tea</b>")
    steps.submit(note, keys="Control+Enter")
    expect(timeline).to_contain_text("Asked for a quote & likes <b>tea</b>")
    expect(page.get_by_text("Note added.")).to_be_visible()
    expect(note).to_have_value("")

    page.get_by_role("tab", name="Call or meeting").click()
    steps.choose(page, page, "What it was", "Call: left a message")
    came_of_it = page.get_by_label("What came of it")
    came_of_it.fill("Calls back")
    steps.submit(came_of_it, keys="Control+Enter")
    expect(timeline).to_contain_text("Left a message")

    page.get_by_role("tab", name="Task", exact=True).click()
    page.get_by_role("spinbutton", name="year, Due").locator("visible=true").click()
    page.keyboard.type(f"{datetime.now(UTC) - timedelta(days=3):%Y%m%d}")
    task = page.get_by_label("What is to be done")
    task.fill("Send the quote")
    steps.submit(task)
    row = page.locator("[class*=st-key-task_row_]")
    expect(row).to_contain_text("Overdue since")
    expect(page.locator(".st-key-contact_next")).to_contain_text("Send the quote · Overdue since")
    row.get_by_role("button", name="Done").click()
    expect(page.get_by_text("Everything is done.")).to_be_visible()
    expect(page.locator(".st-key-contact_next")).to_contain_text("No open task")
    page.get_by_text("Done lately").click()
    page.get_by_role("button", name="Reopen").click()
    expect(row).to_contain_text("Send the quote")

    page.get_by_role("button", name="Start a project").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name of the project").fill(f"Site for {person}")
    steps.submit(dialog.get_by_label("Name of the project"))
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name=f"Site for {person}")).to_be_visible()
    expect(page.get_by_role("button", name="Record a call")).to_be_visible()

    page.get_by_role("button", name="Notes and calls").click()
    expect(timeline).not_to_contain_text("Enrolled in Lead")
    expect(timeline).to_contain_text("Left a message")

    page.get_by_role("button", name="Edit", exact=True).click()
    phone = dialog.get_by_label("Phone")
    phone.fill("+1 614 555 0134")
    steps.submit(phone)
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="+16145550134")).to_be_visible()


@pytest.mark.parametrize("person", ["colleague", "chief"])
def test_a_campaign_is_steered_from_the_page(request: pytest.FixtureRequest, person: str) -> None:
    page: Page = request.getfixturevalue(person)
    _new_contact(page, f"Steer{person}")
    card, timeline = _card(page), page.locator(".timeline")
    expect(card).to_contain_text("E-mail 1 of 6 is next")
    card.get_by_role("button", name="Preview next e-mail").click()
    dialog = page.get_by_role("dialog")
    email = dialog.frame_locator("iframe").frame_locator("iframe")
    expect(email.get_by_text(f"Steer{person}").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    steps.choose_behind(
        card.get_by_role("button", name="More"),
        page.get_by_role("button", name="Skip next e-mail"),
    )
    expect(card).to_contain_text("E-mail 2 of 6 is next")
    expect(card.locator(".dots .left-out")).to_have_attribute(
        "title", re.compile("Skipped by .+ on ")
    )
    page.get_by_role("button", name="Put it back").click()
    expect(card).to_contain_text("E-mail 1 of 6 is next")
    expect(page.get_by_role("button", name="Put it back")).to_have_count(0)

    card.get_by_role("button", name="Pause", exact=True).click()
    expect(card).to_contain_text("paused by hand")
    card.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_text("Lead resumed.")).to_be_visible()
    expect(card.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    steps.choose_behind(
        card.get_by_role("button", name="More"),
        page.get_by_role("button", name="Stop it"),
    )
    expect(page.get_by_text("No campaign runs.")).to_be_visible()
    page.get_by_role("button", name="Start Lead").click()
    expect(card).to_contain_text("E-mail 1 of 6 is next")
    steps.choose_behind(
        card.get_by_role("button", name="More"),
        page.get_by_role("button", name="Restart it"),
    )
    expect(timeline).to_contain_text("Restarted in Lead")

    steps.choose_behind(
        card.get_by_role("button", name="More"),
        page.get_by_role("button", name="Stop it"),
    )
    expect(page.get_by_text("No campaign runs.")).to_be_visible()
    page.get_by_role("button", name="Enroll", exact=True).click()
    page.get_by_role("button", name="Networking", exact=True).click()
    expect(card).to_contain_text("E-mail 1 of 8 is next")
    expect(timeline).to_contain_text("Enrolled in Networking")


def test_a_colleague_reads_and_adds_and_changes_nothing(chief: Page, colleague: Page) -> None:
    _new_contact(chief, "Guarded")
    colleague.goto(chief.url)
    expect(colleague.get_by_text("Bob", exact=False).first).to_be_visible()
    expect(colleague.get_by_text("looks after this contact.")).to_be_visible()
    card = _card(colleague)
    expect(card.get_by_role("button", name="Preview next e-mail")).to_be_visible()
    for name in ("Edit", "Record a call", "Pause", "More", "Enroll", "Start a project"):
        expect(colleague.get_by_role("button", name=name, exact=True)).to_have_count(0)
    note = colleague.get_by_role("textbox", name="Note")
    note.fill("Met her at the fair")
    steps.submit(note, keys="Control+Enter")
    expect(colleague.locator(".timeline")).to_contain_text("Met her at the fair")
    expect(colleague.locator(".timeline")).to_contain_text("Alice Sales")


def test_nothing_of_the_page_overflows_on_a_phone(colleague: Page) -> None:
    _new_contact(colleague, "Phone")
    colleague.set_viewport_size({"width": 390, "height": 844})
    expect(colleague.get_by_role("heading", name="Timeline")).to_be_visible()
    assert colleague.evaluate("document.documentElement.scrollWidth") <= 390
    tops = [
        colleague.get_by_role("heading", name=name, exact=True).bounding_box()
        for name in ("Phone", "Campaigns", "Timeline", "Details")
    ]
    heights = [box["y"] for box in tops if box]
    assert len(heights) == 4
    assert heights == sorted(heights)
