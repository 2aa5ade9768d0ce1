"""Settings: an admin decides what a change of type does and sees it happen; sales sees none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from crm.records.app_settings import SavedSender
from crm.records.states import SwitchPolicy
from tests.browser import steps
from tests.browser.team_site import TeamSite

USUAL = {("prospect", "networking"): SwitchPolicy.STOP_AND_START}


@pytest.fixture
def as_before(team_site: TeamSite) -> Iterator[None]:
    """Other journeys share the app: nothing that was set here stays."""
    yield
    now = datetime.now(UTC)
    with team_site.acting_as("bob") as db:
        db.type_switches.change(USUAL, now=now)
        db.app_settings.change_sender(SavedSender(None, None, None, None), now=now)


def _section(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def _settings(page: Page) -> None:
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()


def _becomes(page: Page, kind: str) -> Locator:
    """The dialog that changes a type, with this one chosen."""
    page.get_by_role("button", name="Change type").first.click()
    dialog = page.get_by_role("dialog")
    steps.choose(page, dialog, "New type", kind)
    return dialog


def test_a_policy_is_set_and_the_next_change_of_type_follows_it(
    chief: Page, team_site: TeamSite, as_before: None
) -> None:
    _settings(chief)
    expect(chief.get_by_text("its structure is up to date")).to_be_visible()
    _section(chief, "Types and campaigns")
    row = chief.get_by_role("tabpanel")
    expect(row.get_by_text("Starts Prospect · place 3 on the sales path")).to_be_visible()
    policies = chief.locator(".st-key-switch_prospect_networking")
    steps.pick(policies.get_by_role("combobox"), "Finish first")
    chief.get_by_role("button", name="Save").click()
    expect(chief.get_by_text("1 switch saved.")).to_be_visible()

    chief.get_by_role("link", name="Contacts").click()
    steps.add_contact(chief, "Finja", kind="Prospect")
    dialog = _becomes(chief, "Networking")
    told = "Prospect goes on to its end. Networking begins after that."
    expect(dialog.get_by_text(told)).to_be_visible()
    dialog.get_by_role("button", name="Change to Networking").click()
    expect(chief.get_by_text("1 contact changed to Networking.")).to_be_visible()
    expect(chief.get_by_text(re.compile("waits for|begins when")).first).to_be_visible()
    with team_site.acting_as("bob") as db:
        finja = db.contacts.by_email("finja@journey.example")
        assert finja is not None
        standing = {e.campaign_key: e.status for e in db.enrollments.of_contact(finja.id)}
    assert standing == {"prospect": "active", "networking": "paused"}
    chief.get_by_role("button", name="Start now").click()
    expect(chief.get_by_text("Prospect stops, and Networking begins now.")).to_be_visible()
    chief.get_by_role("button", name="Start Networking").click()
    expect(chief.get_by_text("Prospect stopped; Networking begins.")).to_be_visible()


def test_the_sender_a_type_and_the_defaults_are_changed_by_keyboard(
    chief: Page, team_site: TeamSite, as_before: None
) -> None:
    _settings(chief)
    _section(chief, "Sender")
    name = chief.get_by_role("textbox", name="Name")
    name.fill("Ada; of MPT")
    steps.submit(name)
    expect(chief.get_by_text("Leave out ; ,")).to_be_visible()
    name.fill("Ada of MPT")
    steps.submit(name)
    expect(chief.get_by_text("1 setting saved.")).to_be_visible()
    _section(chief, "Health")
    expect(chief.get_by_text("Ada of MPT <")).to_be_visible()

    _section(chief, "Types and campaigns")
    chief.get_by_role("button", name="Add a type").click()
    dialog = chief.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Reseller")
    steps.submit(dialog.get_by_label("Name"))
    expect(chief.get_by_text("Reseller added.")).to_be_visible()
    chief.locator(".st-key-edit_type_reseller").get_by_role("button").click()
    chief.get_by_role("dialog").get_by_role("button", name="Delete").click()
    chief.get_by_role("button", name="Delete it").click()
    expect(chief.get_by_text("Reseller deleted.")).to_be_visible()
    with team_site.acting_as("bob") as db:
        assert "reseller" not in {kind.key for kind in db.contact_types.all()}


def test_sales_does_not_see_settings(colleague: Page) -> None:
    expect(colleague.get_by_role("link", name="Settings")).to_have_count(0)
    colleague.goto("/settings?section=Sender")
    expect(colleague.get_by_text("Settings are for admins.")).to_be_visible()
    expect(colleague.get_by_role("tab")).to_have_count(0)
