"""Inviting colleagues on the users page, and the invitations that are still open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from crm.settings import Settings
from crm.ui.users_invitations import text_to_pass_on
from db_service import DbService
from tests.cast import BOB_ID
from tests.conftest import Raw
from tests.pages.conftest import OpenPage, shown

PAGE = "21_Users"
NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
EVE = "eve@mpt.example"


def invited(admin: DbService) -> list[tuple[str, str, str]]:
    return [(i.email, i.full_name, i.role) for i in admin.people.invitations()]


def invites(page: AppTest) -> bool:
    """Whether the dialog is open."""
    return "invite_email" in {field.key for field in page.text_input}


def fill_in(page: AppTest, email: str, full_name: str, role: str = "sales") -> AppTest:
    if not invites(page):
        page.button(key="invite").click().run()
    page.text_input(key="invite_email").set_value(email)
    page.text_input(key="invite_name").set_value(full_name)
    page.radio(key="invite_role").set_value(role)
    return page.button(key="invite_save").click().run()


def test_an_invitation_is_written_listed_and_passed_on_by_hand(
    open_page: OpenPage, admin: DbService, signing_in: Callable[..., None]
) -> None:
    public_url = "https://crm.mpt.example"
    signing_in(oidc_client_id="crm", public_url=public_url)
    page = fill_in(open_page(PAGE), " Eve@MPT.example", "  Eve   Engineer ", "admin")
    text = shown(page)
    assert "Eve Engineer is invited." in text
    assert invited(admin) == [(EVE, "Eve Engineer", "admin")]
    assert "by Morgan Local" in text
    assert "No e-mail is sent" in text
    [block] = page.code
    assert block.value == text_to_pass_on(public_url)
    assert block.value.endswith(public_url)


def test_an_address_nobody_can_open_is_not_passed_on(
    open_page: OpenPage, admin: DbService, signing_in: Callable[..., None]
) -> None:
    admin.people.invite(email=EVE, full_name="Eve", role="sales", now=NOW)
    assert not open_page(PAGE).code
    signing_in(oidc_client_id="crm")
    assert not open_page(PAGE).code


def test_inviting_can_be_called_off(open_page: OpenPage, admin: DbService) -> None:
    page = open_page(PAGE)
    page.button(key="invite").click().run()
    page.text_input(key="invite_email").set_value(EVE)
    page.button(key="invite_cancel").click().run()
    assert not invites(page)
    assert invited(admin) == []


@pytest.mark.parametrize(
    ("email", "full_name", "words"),
    [
        ("", "Eve", "Please enter an e-mail address."),
        ("eve", "Eve", "@"),
        (EVE, "   ", "Please enter a name."),
        ("alice@mpt.example", "Alice", "Alice Sales has this address already"),
        ("charlie@mpt.example", "Charlie", "free the address first"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    open_page: OpenPage, admin: DbService, email: str, full_name: str, words: str
) -> None:
    page = fill_in(open_page(PAGE), email, full_name)
    [error] = [e.value for e in page.markdown if e.value.startswith(":red[")]
    assert words in error.replace("\\", "")
    assert page.text_input(key="invite_name").value == full_name, "nothing typed is lost"
    assert invited(admin) == []


def test_an_address_that_is_invited_already_is_told_and_can_be_mended(
    open_page: OpenPage, admin: DbService
) -> None:
    page = fill_in(open_page(PAGE), EVE, "Eve")
    page = fill_in(page.button(key="invite").click().run(), EVE, "Eve again")
    assert "This address is invited already." in shown(page)
    page = fill_in(page, "frank@mpt.example", "Frank")
    assert {email for email, _, _ in invited(admin)} == {EVE, "frank@mpt.example"}


def test_a_name_is_shown_as_it_is_typed_and_not_as_markup(
    open_page: OpenPage, admin: DbService
) -> None:
    text = shown(fill_in(open_page(PAGE), EVE, "**Eve** {x} [a](http://x.example)"))
    assert r"\*\*Eve\*\* \{x\} \[a\]\(http\:" in text
    assert "[a](http" not in text


def test_withdrawing_asks_first(open_page: OpenPage, admin: DbService) -> None:
    admin.people.invite(email=EVE, full_name="Eve", role="sales", now=NOW)
    page = open_page(PAGE)
    page.button(key=f"withdraw_{EVE}").click().run()
    assert "can no longer join" in shown(page)
    page.button(key="withdraw_cancel").click().run()
    assert len(invited(admin)) == 1
    page.button(key=f"withdraw_{EVE}").click().run()
    page.button(key="withdraw_sure").click().run()
    assert "The invitation was withdrawn." in shown(page)
    assert invited(admin) == []


def test_an_invitation_accepted_meanwhile_is_not_said_to_be_withdrawn(
    open_page: OpenPage, admin: DbService
) -> None:
    admin.people.invite(email=EVE, full_name="Eve", role="sales", now=NOW)
    page = open_page(PAGE)
    page.button(key=f"withdraw_{EVE}").click().run()
    admin.people.withdraw(EVE)
    page.button(key="withdraw_sure").click().run()
    assert "It was no longer open." in shown(page)


def test_the_first_admins_invitation_says_where_it_comes_from(
    open_page: OpenPage, raw: Raw
) -> None:
    raw.execute("update profiles set active = false where id = %s", (BOB_ID,))
    assert DbService.for_service().people.invite_first_admin(EVE, now=NOW)
    assert "by the installation" in shown(open_page(PAGE))


@pytest.fixture
def signing_in(
    admin: DbService, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """What the page reads of the settings, with the local admin still there to look at it."""

    def change_to(**values: Any) -> None:
        monkeypatch.setattr("crm.ui.users_invitations.connect", lambda: Pretended(values))

    class Pretended:
        def __init__(self, values: dict[str, Any]) -> None:
            self.settings = settings.model_copy(update=values)

    return change_to


def test_the_page_says_what_keeps_people_from_accepting(
    open_page: OpenPage, signing_in: Callable[..., None]
) -> None:
    assert "sign-in is not set up" in shown(open_page(PAGE))
    signing_in(oidc_client_id="crm")
    text = shown(open_page(PAGE))
    assert "sign-in is not set up" not in text
    assert "The app's address reaches this computer only." in text
    signing_in(oidc_client_id="crm", public_url="https://crm.mpt.example")
    assert not open_page(PAGE).info
