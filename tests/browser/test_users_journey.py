"""The users page in a real browser: what AppTest cannot see, such as a dialog that stays open."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps

pytestmark = pytest.mark.browser


@pytest.fixture
def users(opened: Page) -> Page:
    opened.get_by_role("link", name="Users").click()
    expect(opened.get_by_role("heading", name="Open invitations")).to_be_visible()
    return opened


def test_a_colleague_is_invited_by_keyboard_and_the_invitation_withdrawn(users: Page) -> None:
    users.get_by_role("button", name="Invite", exact=True).click()
    dialog = users.get_by_role("dialog")
    dialog.get_by_role("textbox", name="E-mail").fill("eve@")
    dialog.get_by_role("textbox", name="Name").fill("Eve Engineer")
    steps.submit(dialog.get_by_role("textbox", name="Name"))
    expect(dialog.get_by_text("after the @-sign")).to_be_visible()
    dialog.get_by_role("textbox", name="E-mail").fill("eve@journey.example")
    steps.submit(dialog.get_by_role("textbox", name="E-mail"))
    expect(users.get_by_text("Eve Engineer is invited.")).to_be_visible()
    expect(dialog).to_have_count(0)
    # Without a sign-in nobody can take it up, so there is nothing to pass on.
    expect(users.get_by_text("sign-in is not set up")).to_be_visible()
    expect(users.get_by_test_id("stCode")).to_have_count(0)

    users.get_by_role("button", name="Withdraw").click()
    users.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    users.get_by_role("button", name="Withdraw").click()
    dialog.get_by_role("button", name="Withdraw").click()
    expect(users.get_by_text("The invitation was withdrawn.")).to_be_visible()
    expect(users.get_by_text("Nobody is invited at the moment.")).to_be_visible()


def test_the_buttons_about_oneself_are_off_and_say_why(users: Page) -> None:
    deactivate = users.get_by_role("button", name="Deactivate")
    expect(deactivate).to_be_disabled()
    deactivate.hover(force=True)
    expect(users.get_by_text("Nobody changes their own rights.")).to_be_visible()
