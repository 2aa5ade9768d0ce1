"""The users page as an admin uses it, and what others see of it."""

from __future__ import annotations

from datetime import UTC, datetime

from streamlit.testing.v1 import AppTest

from db_service import LOCAL_ADMIN_ID, DbService
from tests.cast import ALICE_ID, BOB_ID, CHARLIE_ID
from tests.conftest import Raw
from tests.pages.conftest import OpenPage, TakeAway, shown
from tests.pages.test_invitations import fill_in, invited

PAGE = "21_Users"
NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)


def standing(admin: DbService, person: str) -> tuple[str, bool]:
    return next((c.role, c.active) for c in admin.people.directory() if c.id == person)


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


def test_thousands_of_colleagues_come_in_pages_and_are_found_by_name_and_address(
    open_page: OpenPage, raw: Raw
) -> None:
    raw.execute(
        "insert into profiles (id, email, full_name, role)"
        " select gen_random_uuid(), 'n' || n || '@mpt.example', 'Nora ' || n, 'sales'"
        " from generate_series(1, 2000) n"
    )
    page = open_page(PAGE)
    assert "2,004 colleagues, 1 inactive" in shown(page)
    first = _edited(page)
    assert len(first) == 25
    page.session_state["colleagues_page"] = 2
    second = _edited(page.run())
    assert (len(second), first & second) == (25, set())
    page.text_input(key="colleague_search").set_value("nora 19").run()
    assert page.session_state["colleagues_page"] == 1
    page.text_input(key="colleague_search").set_value("nora 1999").run()
    assert len(_edited(page)) == 1
    page.text_input(key="colleague_search").set_value("ALICE@").run()
    assert _edited(page) == {f"edit_{ALICE_ID}"}
    page.text_input(key="colleague_search").set_value("nobody").run()
    assert "No colleague has this name or address." in shown(page)


def _edited(page: AppTest) -> set[str]:
    """One button of everybody who is drawn."""
    return {str(button.key) for button in page.button if str(button.key).startswith("edit_")}


def test_a_database_that_is_away_is_told_calmly(
    open_page: OpenPage, take_database_away: TakeAway
) -> None:
    page = open_page(PAGE)
    take_database_away()
    text = shown(page.run())
    assert "The database does not answer" in text
    assert "alice@mpt.example" not in text
