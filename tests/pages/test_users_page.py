"""The users page as an admin uses it, and what others see of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from crm.settings import Settings
from crm.ui.users_invitations import text_to_pass_on
from db_service import LOCAL_ADMIN_ID, DbService
from tests.cast import ALICE_ID, BOB_ID, CHARLIE_ID
from tests.conftest import Raw
from tests.pages.conftest import OpenPage, shown

PAGE = "21_Users"
NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
EVE = "eve@mpt.example"


def invited(admin: DbService) -> list[tuple[str, str, str]]:
    return [(i.email, i.full_name, i.role) for i in admin.people.invitations()]


def standing(admin: DbService, person: str) -> tuple[str, bool]:
    return next((c.role, c.active) for c in admin.people.directory() if c.id == person)


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


def change(page: AppTest, what: str, person: str) -> AppTest:
    """Opens the dialog; nothing has happened yet."""
    return page.button(key=f"{what}_{person}").click().run()


def confirm(page: AppTest) -> str:
    return shown(page.button(key="change_sure").click().run())


def test_an_admin_sees_everybody_with_address_and_role(open_page: OpenPage) -> None:
    text = shown(open_page(PAGE))
    assert "4 colleagues, 1 inactive" in text
    for words in ("Alice Sales", "alice@mpt.example", "Charlie Outsider", "Morgan Local"):
        assert words in text
    assert text.index("Morgan Local") < text.index("Charlie Outsider"), "who left comes last"
    assert "Nobody is invited at the moment." in text


def test_sales_see_one_calm_sentence(open_page: OpenPage, raw: Raw) -> None:
    raw.execute("update profiles set role = 'sales' where id = %s", (LOCAL_ADMIN_ID,))
    page = open_page(PAGE)
    text = shown(page)
    assert "Users are for admins." in text
    assert "alice@mpt.example" not in text
    assert not page.button


# Inviting


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


# Colleagues


def test_a_role_changes_after_a_confirmation_only(open_page: OpenPage, admin: DbService) -> None:
    page = change(open_page(PAGE), "admin", ALICE_ID)
    assert "**Alice Sales** becomes an admin." in shown(page)
    page.button(key="change_cancel").click().run()
    assert standing(admin, ALICE_ID) == ("sales", True)
    assert "Alice Sales is an admin now." in confirm(change(page, "admin", ALICE_ID))
    assert "Alice Sales is in sales now." in confirm(change(page, "sales", ALICE_ID))
    assert standing(admin, ALICE_ID) == ("sales", True)


def test_a_colleague_is_deactivated_and_let_in_again(open_page: OpenPage, admin: DbService) -> None:
    page = change(open_page(PAGE), "deactivate", BOB_ID)
    assert "sees and changes nothing any more" in shown(page)
    assert "Bob Admin was deactivated." in confirm(page)
    assert standing(admin, BOB_ID) == ("admin", False)
    assert "Bob Admin can sign in again." in confirm(change(page, "reactivate", BOB_ID))
    assert standing(admin, BOB_ID) == ("admin", True)


def test_a_freed_address_can_be_invited_and_its_former_owner_not_be_let_in(
    open_page: OpenPage, admin: DbService
) -> None:
    page = open_page(PAGE)
    assert "The address of Charlie Outsider is free." in confirm(change(page, "free", CHARLIE_ID))
    assert page.button(key=f"reactivate_{CHARLIE_ID}").disabled
    assert f"free_{CHARLIE_ID}" not in [button.key for button in page.button]
    fill_in(page, "charlie@mpt.example", "Charlie Again")
    assert invited(admin) == [("charlie@mpt.example", "Charlie Again", "sales")]


def test_an_admin_edits_a_colleagues_name_and_number(open_page: OpenPage, admin: DbService) -> None:
    page = open_page(PAGE)
    page.button(key=f"edit_{ALICE_ID}").click().run()
    assert page.text_input(key="colleague_name").value == "Alice Sales"
    page.text_input(key="colleague_name").set_value("  ")
    page.button(key="colleague_save").click().run()
    assert "Please enter a name." in shown(page)
    page.text_input(key="colleague_name").set_value(" Alice   Ames ")
    page.text_input(key="colleague_phone").set_value("+1 (614) 555-0100")
    text = shown(page.button(key="colleague_save").click().run())
    assert "Alice Ames was saved." in text
    assert "alice@mpt.example · +16145550100 · since" in text
    [alice] = [c for c in admin.people.directory() if c.id == ALICE_ID]
    assert (alice.full_name, alice.phone) == ("Alice Ames", "+16145550100")


def test_editing_can_be_called_off_and_a_colleague_gone_is_no_error(
    open_page: OpenPage, admin: DbService, raw: Raw
) -> None:
    page = open_page(PAGE)
    page.button(key=f"edit_{ALICE_ID}").click().run()
    page.text_input(key="colleague_name").set_value("Somebody else")
    page.button(key="colleague_cancel").click().run()
    assert "Alice Sales" in shown(page)
    raw.execute("delete from profiles where id = %s", (CHARLIE_ID,))
    assert "no longer there" in shown(page.button(key=f"edit_{CHARLIE_ID}").click().run())


def test_nobody_is_offered_to_change_themselves(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    for what in ("sales", "deactivate"):
        button = page.button(key=f"{what}_{LOCAL_ADMIN_ID}")
        assert button.disabled
        assert button.help == "Nobody changes their own rights. Another admin can."
    assert not page.button(key=f"deactivate_{BOB_ID}").disabled


def test_a_refusal_of_the_database_is_told_in_its_words(
    open_page: OpenPage, admin: DbService, raw: Raw
) -> None:
    page = change(open_page(PAGE), "deactivate", BOB_ID)
    raw.execute(
        "create function refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'Not on a Saturday.' using errcode = 'MP001'; end $$;"
        " create trigger refuse before update on profiles"
        " for each row execute function refuse()"
    )
    page.button(key="change_sure").click().run()
    assert "Not on a Saturday." in [element.value for element in page.error]
    assert standing(admin, BOB_ID) == ("admin", True)


def test_a_colleague_who_is_gone_by_then_is_not_an_error(open_page: OpenPage, raw: Raw) -> None:
    page = open_page(PAGE)
    raw.execute("delete from profiles where id = %s", (CHARLIE_ID,))
    assert "no longer there" in shown(change(page, "reactivate", CHARLIE_ID))


def test_what_a_colleague_changed_meanwhile_is_not_said_twice(
    open_page: OpenPage, admin: DbService
) -> None:
    page = change(open_page(PAGE), "deactivate", BOB_ID)
    admin.people.set_active(BOB_ID, False, now=NOW)
    assert "Nothing has changed." in confirm(page)
