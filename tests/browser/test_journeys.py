"""The journeys of the first day, in a real browser against a real server."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps

pytestmark = pytest.mark.browser


def test_a_new_contact_is_enrolled_and_its_email_shows_in_the_outbox(opened: Page) -> None:
    steps.add_contact(opened, "Outbox")
    expect(opened.get_by_text("Outbox was added. Lead starts.")).to_be_visible()
    expect(opened.get_by_text("E-mail 1 of 6 is next")).to_be_visible()
    steps.open_campaign_manager(opened)
    steps.run_now(opened)
    opened.get_by_role("tab", name="Outbox").click()
    outbox = opened.get_by_test_id("stDataFrame").locator("visible=true").first
    steps.expect_cell(outbox, "outbox@journey.example")
    dialog = opened.get_by_role("dialog")
    recipient = dialog.get_by_text("Outbox <outbox@journey.example>")
    steps.click_cell(outbox, row=0, x=60, leads_to=recipient)
    email = dialog.frame_locator("iframe").frame_locator("iframe")
    expect(email.get_by_text("Outbox").first).to_be_visible()
    expect(email.get_by_role("link", name="Unsubscribe")).to_be_visible()
    dialog.get_by_role("tab", name="Plain text").click()
    expect(dialog.get_by_test_id("stCode")).to_contain_text("Outbox")


def test_an_import_adds_up_and_its_rejects_can_be_downloaded(opened: Page, tmp_path: Path) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text(
        "First name,Email,Company\n"
        "Ines,ines@import.example,Harbor\n"
        "Jonas,not an address,Lakeside\n"
        "Keiko,keiko@import.example,=1+1\n"
    )
    opened.get_by_role("button", name="Import").click()
    dialog = opened.get_by_role("dialog")
    dialog.locator("input[type=file]").set_input_files(file)
    expect(dialog.get_by_text("about 3 rows, 3 columns")).to_be_visible()
    steps.expect_cell(dialog.get_by_test_id("stDataFrame").last, "Rejected:")
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(dialog.get_by_text("3 rows of contacts.csv read.")).to_be_visible()
    expect(dialog.locator(".counts")).to_contain_text("2Imported")
    expect(dialog.locator(".counts")).to_contain_text("1Rejected")
    with opened.expect_download() as download:
        dialog.get_by_role("button", name="Download the rejects file").click()
    rejected = list(csv.DictReader(io.StringIO(_text(download.value.path()))))
    assert [(row["Rejected row"], row["First name"]) for row in rejected] == [("3", "Jonas")]
    assert rejected[0]["Reason"]
    dialog.get_by_role("button", name="Done").click()
    opened.get_by_label("Search contacts").fill("import.example")
    expect(opened.get_by_text("2 contacts found")).to_be_visible()


def test_an_enrollment_and_a_campaign_pause_and_resume(opened: Page) -> None:
    steps.add_contact(opened, "Pause", kind="Client")
    opened.get_by_role("button", name="Pause", exact=True).click()
    expect(opened.get_by_text("Client paused.")).to_be_visible()
    expect(opened.get_by_text("Client paused: paused by hand")).to_be_visible()
    opened.get_by_role("button", name="Resume", exact=True).click()
    expect(opened.get_by_text("Client resumed.")).to_be_visible()

    steps.open_campaign_manager(opened)
    card = opened.locator(".st-key-campaign_client")
    card.get_by_role("button", name="Pause").click()
    dialog = opened.get_by_role("dialog")
    dialog.get_by_label("Reason, for colleagues").fill("New copy on Monday")
    dialog.get_by_role("button", name="Pause Client").click()
    expect(card.get_by_text("Paused by Local admin: New copy on Monday")).to_be_visible()
    card.get_by_role("button", name="Resume").click()
    expect(opened.get_by_text("Client goes on; every contact kept the place.")).to_be_visible()
    expect(card.get_by_text("Running")).to_be_visible()


def test_a_type_change_moves_the_contact_to_the_other_campaign(opened: Page) -> None:
    steps.add_contact(opened, "Switch", kind="Lead")
    _change_type(opened, "Prospect", announced="Lead stops. Prospect starts.")
    timeline = opened.locator(".timeline")
    expect(timeline).to_contain_text("Type changed from Lead to Prospect")
    expect(timeline).to_contain_text("Lead stopped: the contact type changed")
    expect(timeline).to_contain_text("Enrolled in Prospect")
    opened.get_by_text("Earlier campaigns (1)").click()
    expect(opened.get_by_text("the contact type changed").first).to_be_visible()


def test_changing_the_type_back_repeats_no_email(opened: Page) -> None:
    steps.add_contact(opened, "Return", kind="Lead")
    steps.open_campaign_manager(opened)
    steps.run_now(opened)
    opened.go_back()
    expect(opened.get_by_text("E-mail 2 of 6 is next")).to_be_visible()
    expect(opened.locator(".timeline")).to_contain_text("E-mail sent: What comes next, Return")
    _change_type(opened, "Prospect", announced="Lead stops. Prospect starts.")
    goes_on = "Prospect stops. Lead goes on after the 1 e-mail received before."
    _change_type(opened, "Lead", announced=goes_on)
    expect(opened.get_by_text("E-mail 2 of 6 is next")).to_be_visible()


def test_a_list_can_be_searched_selected_archived_and_brought_back(opened: Page) -> None:
    steps.add_contact(opened, "Archive", kind="Partner")
    opened.get_by_role("button", name="← Contacts").click()
    opened.get_by_label("Search contacts").fill("archive@journey")
    expect(opened.get_by_text("1 contact found")).to_be_visible()
    assert "q=archive%40journey" in opened.url
    table = opened.get_by_test_id("stDataFrame").first
    steps.click_cell(table, row=0, x=16, leads_to=opened.get_by_text("1 selected"))
    opened.locator(".st-key-bulk_archive button").click()
    opened.get_by_role("button", name="Archive 1 contact").click()
    opened.get_by_role("button", name="Done").click()
    expect(opened.get_by_text("Archived 1 contact; their campaigns stopped.")).to_be_visible()
    expect(opened.get_by_text("Nobody fits these filters.")).to_be_visible()
    opened.get_by_role("button", name="Undo").click()
    expect(opened.get_by_text("1 contact found")).to_be_visible()
    heading = opened.get_by_role("heading", name="Archive")
    steps.click_cell(table, row=0, x=100, leads_to=heading)
    opened.get_by_role("button", name="← Contacts").click()
    expect(opened.get_by_text("1 contact found")).to_be_visible()


def test_a_name_in_the_queue_leads_to_the_contact(opened: Page) -> None:
    steps.add_contact(opened, "Queue", kind="Prospect")
    steps.open_campaign_manager(opened)
    opened.get_by_role("tab", name="Enrollments").click()
    steps.choose(opened, opened, "Campaign", "Prospect")
    table = opened.get_by_test_id("stDataFrame").locator("visible=true").first
    steps.expect_cell(table, "Queue")
    heading = opened.get_by_role("heading", name="Queue")
    steps.click_cell(table, row=0, x=70, leads_to=heading)


def _change_type(page: Page, kind: str, *, announced: str) -> None:
    page.get_by_role("button", name="Change type").click()
    dialog = page.get_by_role("dialog")
    steps.choose(page, dialog, "New type", kind)
    expect(dialog.get_by_text(announced)).to_be_visible()
    dialog.get_by_role("button", name=f"Change to {kind}").click()
    expect(dialog).to_be_hidden()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")
