"""What an admin sets for everybody, who sees it, and how what does not work is mended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from crm.records.contacts import ContactDraft
from crm.records.states import SwitchPolicy
from crm.ui import words
from tests.browser import steps
from tests.browser.app_server import send_around_the_clock
from tests.browser.team_site import TeamSite

pytestmark = pytest.mark.browser

HALT = "SendGrid refused the key of this journey."


@pytest.fixture
def types_as_before(team_site: TeamSite) -> Iterator[None]:
    """Other journeys share the app: partners start no campaign, and nobody is in two."""
    yield
    now, usual = datetime.now(UTC), {("partner", "prospect"): SwitchPolicy.STOP_AND_START}
    with team_site.acting_as("bob") as db:
        # Who is in two campaigns has an e-mail put off each day.
        if paz := db.contacts.by_email("paz@journey.example"):
            db.contact_changes.change([paz.id], {"archived": True}, now=now)
        db.type_switches.change(usual, now=now)
        [partner] = [kind for kind in db.contact_types.all() if kind.key == "partner"]
        db.contact_types.change(
            "partner", label=partner.label, campaign_id=None, path_rank=partner.path_rank
        )


@pytest.fixture
def hours_as_before(team_site: TeamSite) -> Iterator[None]:
    """Campaigns of the journeys send around the clock."""
    yield
    with team_site.acting_as("bob") as db:
        [client] = [one for one in db.campaigns.overview() if one.key == "client"]
        send_around_the_clock(db, client.id)


@pytest.fixture
def halted(team_site: TeamSite) -> Iterator[None]:
    """As when the provider refuses the key; nothing stays halted."""
    somebody = ContactDraft(first_name="Known", contact_type="partner")
    with team_site.acting_as("bob") as db:
        # The dashboard of an app without contacts shows how to begin instead.
        db.contacts.add(somebody, created_by=None, now=datetime.now(UTC))
    with psycopg.connect(team_site.database(), autocommit=True) as connection:
        connection.execute(
            "update app_settings set value = to_jsonb(%s::text) where key = 'sending_halt'", [HALT]
        )
    yield
    with team_site.acting_as("bob") as db:
        db.app_settings.resume_sending(now=datetime.now(UTC))


def _settings(page: Page, section: str) -> None:
    page.get_by_role("link", name="Settings", exact=True).click()
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    page.get_by_role("tab", name=section).click()
    steps.at_rest(page)


def _save(inside: Page | Locator) -> None:
    inside.get_by_role("button", name="Save", exact=True).click()


def test_a_new_contact_follows_what_was_set_for_its_type_and_keeps_both_campaigns(
    chief: Page, types_as_before: None
) -> None:
    _settings(chief, "Types and campaigns")
    chief.locator(".st-key-edit_type_partner").get_by_role("button").click()
    dialog = chief.get_by_role("dialog")
    steps.choose(chief, dialog, "Campaign", "Networking")
    _save(dialog)
    expect(chief.get_by_text("Partner saved.")).to_be_visible()
    expect(dialog).to_have_count(0)
    policy = chief.locator(".st-key-switch_partner_prospect").get_by_role("combobox")
    steps.at_rest(chief)
    steps.pick(policy, "Keep both")
    _save(chief)
    expect(chief.get_by_text("1 switch saved.")).to_be_visible()

    # Loaded anew: what was just told would stand over the page's buttons for ten seconds.
    chief.goto("/contacts")
    steps.add_contact(chief, "Paz", kind="Partner")
    running = chief.locator(".st-key-campaigns_live")
    expect(running).to_contain_text("Networking")
    expect(running).not_to_contain_text("Prospect")
    steps.at_rest(chief)
    chief.get_by_role("button", name="Change type").first.click()
    steps.choose(chief, dialog, "New type", "Prospect")
    expect(dialog).to_contain_text("Networking goes on beside it. Prospect starts.")
    dialog.get_by_role("button", name="Change to Prospect").click()
    expect(chief.get_by_text("1 contact changed to Prospect.")).to_be_visible()
    expect(running).to_contain_text("Networking")
    expect(running).to_contain_text("Prospect")


def test_sending_hours_are_set_by_an_admin_and_read_by_everybody(
    chief: Page, colleague: Page, hours_as_before: None
) -> None:
    # Not a day that an e-mail of another journey could be due on.
    free = (datetime.now(UTC) + timedelta(days=3)).isoweekday()
    told = words.send_window([day for day in range(1, 8) if day != free], time(0), time(0))
    _settings(chief, "Sending hours")
    chief.locator(".st-key-hours_client").get_by_role("button").click()
    dialog = chief.get_by_role("dialog")
    dialog.get_by_role("button", name=words.DAY_NAMES[free - 1][:3], exact=True).click()
    dialog.get_by_text("Keep public holidays").click()
    _save(dialog)
    expect(chief.get_by_text(f"Client: {told}.")).to_be_visible()
    hours = chief.locator(".st-key-campaign_hours")
    expect(hours).to_contain_text(f"{told} · no e-mails on public holidays")

    steps.open_campaign_manager(colleague)
    steps.at_rest(colleague)
    colleague.locator(".st-key-campaign_client").get_by_role("button", name="Open").click()
    expect(colleague.get_by_role("heading", name="Client", exact=True)).to_be_visible()
    expect(colleague.get_by_text(f"{told}, each contact's time")).to_be_visible()
    expect(colleague.get_by_role("button", name="Sending hours")).to_have_count(0)
    colleague.goto("/settings?section=Sending+hours")
    expect(colleague.get_by_text("Settings are for admins.")).to_be_visible()
    expect(colleague.get_by_role("button", name="Change")).to_have_count(0)


def test_what_is_not_working_stands_in_red_with_the_way_out(
    halted: None, chief: Page, colleague: Page
) -> None:
    for page, is_admin in ((colleague, False), (chief, True)):
        look = page.locator(".st-key-today_look")
        expect(look).to_contain_text(f"All sending is stopped. {HALT}")
        if is_admin:
            _settings(page, "Health")
            expect(page.get_by_text("1 thing is not working")).to_be_visible()
            checks = page.locator(".st-key-delivery_checks")
            expect(checks).to_contain_text("Not working")
            expect(checks).to_contain_text("then press “Resume sending” in the campaign manager")
            page.get_by_role("link", name="Dashboard", exact=True).click()
        steps.at_rest(page)
        look.get_by_role("link", name="Look at the scheduler").click()
        expect(page.locator(".st-key-halted")).to_contain_text(HALT)
        steps.at_rest(page)
        resume = page.get_by_role("button", name="Resume sending")
        expect(resume).to_have_count(int(is_admin))
    resume.click()
    expect(chief.get_by_text("Sending goes on with the next run.")).to_be_visible()
    expect(chief.locator(".st-key-halted")).to_have_count(0)
    _settings(chief, "Health")
    expect(checks).to_contain_text("To send for real, set SENDGRID_API_KEY")
    expect(checks).to_contain_text("Set PUBLIC_URL to the https address")
    expect(chief.get_by_text("not working")).to_have_count(0)
