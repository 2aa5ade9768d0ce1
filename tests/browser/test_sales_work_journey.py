"""Projects and networking events in a real browser, in both roles."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from crm.records.networking import EventDraft
from tests.browser import steps
from tests.browser.sign_in_server import expect_heading
from tests.browser.team_site import TeamSite

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("person", ["colleague", "chief"])
def test_a_project_goes_from_the_first_talk_to_a_client_who_stays_one(
    request: pytest.FixtureRequest, team_site: TeamSite, person: str
) -> None:
    page: Page = request.getfixturevalue(person)
    name = f"Pia{person}"
    page.get_by_role("link", name="Contacts").click()
    steps.add_contact(page, name, kind="Prospect")
    page.get_by_role("link", name="Projects").click()
    expect_heading(page, "Projects")
    page.locator(".st-key-add_project button").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Contact").fill(f"{name}@journey".lower())
    expect(dialog.get_by_role("radio")).to_have_count(1)
    dialog.get_by_label("Name of the project").fill(f"Roof of {name}")
    dialog.get_by_label("Value in dollars").fill("12,500")
    steps.submit(dialog.get_by_label("Value in dollars"))
    expect(dialog).to_have_count(0)
    card = page.locator("[class*=st-key-project_]").filter(has_text=f"Roof of {name}").last
    expect(card).to_contain_text("$12,500")
    expect(page.get_by_text(re.compile(r"^\d+ open projects?, \$"))).to_be_visible()

    card.get_by_role("button", name="To “Proposal”").click()
    expect(page.get_by_text(f"“Roof of {name}” is proposal now.")).to_be_visible()
    steps.choose_behind(
        card.get_by_role("button", name="More"),
        page.get_by_role("menuitem", name="To “Lost”"),
    )
    dialog.get_by_label("Why, for next time").fill("No budget")
    steps.submit(dialog.get_by_label("Why, for next time"))
    expect(card).to_contain_text("Lost: No budget")
    steps.choose_behind(
        card.get_by_role("button", name="More"),
        page.get_by_role("menuitem", name="To “Completed”"),
    )
    expect(dialog).to_contain_text("becomes a client. Prospect")
    dialog.get_by_role("button", name="Complete it").click()
    expect(page.get_by_text(f"{name} is a client now. Client starts.")).to_be_visible()
    card.get_by_role("button", name=name).click()
    expect_heading(page, name)
    expect(page.locator(".timeline")).to_contain_text(f"Project “Roof of {name}” completed")
    expect(page.locator(".timeline")).to_contain_text("Enrolled in Client")

    now = datetime.now(UTC)
    with team_site.acting_as("bob" if person == "chief" else "alice") as db:
        breakfast = EventDraft(name=f"Breakfast of {person}", held_on=now.date())
        event_id = db.networking.add(breakfast, now=now)
    page.goto(f"/networking?event={event_id}")
    expect_heading(page, breakfast.name)
    steps.at_rest(page)
    page.get_by_label("First name").fill(name)
    email = page.get_by_label("E-mail", exact=True)
    email.fill(f"{name}@journey.example".lower())
    steps.submit(email)
    said = f"{name}: is further along and keeps type and campaign."
    expect(page.get_by_text(said)).to_be_visible()
    steps.expect_cell(page.get_by_test_id("stDataFrame"), "Client")


@pytest.mark.parametrize("person", ["colleague", "chief"])
def test_whom_one_met_is_noted_down_by_keyboard_as_a_list_and_from_a_file(
    request: pytest.FixtureRequest, person: str, tmp_path: Path
) -> None:
    page: Page = request.getfixturevalue(person)
    page.get_by_role("button", name="New", exact=True).click()
    page.get_by_role("menuitem", name="Event").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(f"Fair of {person}")
    steps.submit(dialog.get_by_label("Name"))
    expect_heading(page, f"Fair of {person}")
    for number in (1, 2):
        first = page.get_by_label("First name")
        first.fill(f"Guest{number}{person}")
        page.get_by_label("E-mail", exact=True).fill(f"guest{number}@{person}.example")
        steps.submit(page.get_by_label("E-mail", exact=True))
        said = f"Guest{number}{person}: is new; Networking starts."
        expect(page.get_by_text(said)).to_be_visible()
        expect(first).to_have_value("")

    page.get_by_role("radio", name="Paste a list").click()
    lines = page.get_by_role("textbox", name="One person a line")
    lines.fill(f"Third Guest <guest3@{person}.example>\nnot@@an.address")
    lines.press("Control+Enter")
    expect(page.get_by_text("1 person understood, 1 line not")).to_be_visible()
    page.get_by_role("button", name="Add 1 person").click()
    expect(page.get_by_text("1 person could not be read.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the lines that could not be read").click()
    assert "not@@an.address" in download.value.path().read_text(encoding="utf-8-sig")

    page.get_by_role("radio", name="From a file").click()
    file = tmp_path / "guests.csv"
    file.write_text(f"Name,Email\nFourth Guest,guest4@{person}.example\n")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Add 1 person").click()
    expect_heading(page, "4 attendees")
    expect(page.get_by_role("button", name="Delete")).to_have_count(int(person == "chief"))
    page.get_by_role("button", name="← Networking").click()
    expect(page.get_by_text("4 attendees").first).to_be_visible()
