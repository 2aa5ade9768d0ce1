"""Users: an admin changes what a colleague may do, which holds from their next look on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import steps
from tests.browser.team_site import TeamSite

pytestmark = pytest.mark.browser

ADMIN_PAGES = {
    "settings": "Settings are for admins. If something here should change, ask one of them.",
    "users": "Users are for admins. If a colleague should join or leave, ask one of them.",
    "audit-log": "The audit log is for admins. If you need to know who changed something, ask one.",
}


@pytest.fixture
def as_before(team_site: TeamSite) -> Iterator[None]:
    """Other journeys share Alice: she stays an active colleague in sales."""
    yield
    alice, now = team_site.id_of("alice"), datetime.now(UTC)
    with team_site.acting_as("bob") as db:
        db.people.set_active(alice, True, now=now)
        db.people.set_role(alice, "sales", now=now)


def _heading(page: Page, name: str) -> Locator:
    return page.get_by_role("heading", name=name, exact=True)


def _users(page: Page) -> None:
    page.get_by_role("link", name="Users", exact=True).click()
    expect(_heading(page, "Open invitations")).to_be_visible()


def _ask(page: Page, buttons: Locator, deed: str, *, told: str) -> Locator:
    """Opens the dialog about a colleague, which says what follows."""
    steps.at_rest(page)
    buttons.get_by_role("button", name=deed, exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(told)
    return dialog


def _decide(page: Page, dialog: Locator, deed: str, *, done: str) -> None:
    dialog.get_by_role("button", name=deed, exact=True).click()
    expect(page.get_by_text(done)).to_be_visible()
    expect(dialog).to_have_count(0)


def test_a_colleague_becomes_an_admin_and_is_in_sales_again(
    chief: Page, colleague: Page, team_site: TeamSite, as_before: None
) -> None:
    _users(chief)
    buttons = chief.locator(f".st-key-acts_{team_site.id_of('alice')}")
    dialog = _ask(chief, buttons, "Make admin", told="Alice Sales becomes an admin.")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    expect(buttons.get_by_role("button", name="Make admin")).to_be_visible()
    dialog = _ask(
        chief,
        buttons,
        "Make admin",
        told="This takes effect at once; a page that is open follows within a minute.",
    )
    _decide(chief, dialog, "Make admin", done="Alice Sales is an admin now.")
    expect(buttons.get_by_role("button", name="Make sales")).to_be_visible()

    colleague.reload()
    for name in ("Settings", "Users", "Audit log"):
        expect(colleague.get_by_role("link", name=name, exact=True)).to_be_visible()
    _users(colleague)
    mine = colleague.locator(f".st-key-acts_{team_site.id_of('alice')}")
    expect(mine.get_by_role("button", name="Make sales")).to_be_disabled()

    dialog = _ask(chief, buttons, "Make sales", told="Alice Sales is no longer an admin")
    _decide(chief, dialog, "Make sales", done="Alice Sales is in sales now.")
    colleague.reload()
    expect(colleague.get_by_text(ADMIN_PAGES["users"])).to_be_visible()
    expect(colleague.get_by_role("link", name="Settings", exact=True)).to_have_count(0)


def test_who_is_deactivated_is_out_and_comes_back_in_the_same_role(
    chief: Page, colleague: Page, team_site: TeamSite, as_before: None
) -> None:
    _users(chief)
    buttons = chief.locator(f".st-key-acts_{team_site.id_of('alice')}")
    dialog = _ask(chief, buttons, "Deactivate", told="Their contacts and campaigns stay")
    _decide(chief, dialog, "Deactivate", done="Alice Sales was deactivated.")
    expect(chief.get_by_text("1 inactive")).to_be_visible()
    expect(buttons.get_by_role("button", name="Free address")).to_be_visible()

    colleague.reload()
    expect(_heading(colleague, "Your access has been switched off")).to_be_visible()
    expect(colleague.get_by_role("link", name="Contacts", exact=True)).to_have_count(0)

    dialog = _ask(chief, buttons, "Reactivate", told="in the same role as before")
    _decide(chief, dialog, "Reactivate", done="Alice Sales can sign in again.")
    expect(buttons.get_by_role("button", name="Deactivate")).to_be_visible()
    expect(chief.get_by_text("1 inactive")).to_have_count(0)
    colleague.goto("/contacts")
    expect(_heading(colleague, "Contacts")).to_be_visible()
    expect(colleague.get_by_role("link", name="Users", exact=True)).to_have_count(0)


def test_sales_gets_a_calm_page_where_only_admins_may_go(colleague: Page) -> None:
    for name in ("Settings", "Users", "Audit log"):
        expect(colleague.get_by_role("link", name=name, exact=True)).to_have_count(0)
    for address, words in ADMIN_PAGES.items():
        colleague.goto(f"/{address}")
        expect(colleague.get_by_text(words)).to_be_visible()
        steps.at_rest(colleague)
        main = colleague.get_by_test_id("stMain")
        expect(main.get_by_role("button")).to_have_count(0)
        expect(main.get_by_role("tab")).to_have_count(0)
        expect(main.get_by_test_id("stDataFrame")).to_have_count(0)
        expect(colleague.get_by_test_id("stException")).to_have_count(0)
