"""The sidebar of every page: finding a contact, and adding what there is to add."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import db_service
from crm.settings import Settings
from db_service import LOCAL_ADMIN_ID
from tests.conftest import AContact, Raw
from tests.pages.conftest import OpenPage, shown


def _found(page: AppTest) -> list[str]:
    return [b.label for b in page.button if str(b.key).startswith("found_")]


def _find(page: AppTest, text: str) -> AppTest:
    return page.text_input(key="find_contact").set_value(text).run()


def test_a_contact_is_found_from_any_page_and_opened(
    open_page: OpenPage, a_contact: AContact
) -> None:
    a_contact(
        first_name="Ada",
        last_name="Byron*",
        company_name="Harbor & Co",
        email="ada@harbor.example",
        phone="+1 614 555-0123",
    )
    a_contact(first_name="Bea", last_name="Other", email="bea@elsewhere.example")
    page = open_page("04_Projects")
    for text in ("byr", "Ada B", "harbor", "ada@harbor", "614 555 01 23"):
        assert _found(_find(page, text)) == ["**Ada Byron\\*** · Harbor & Co"], text
    [button] = [b for b in page.button if str(b.key).startswith("found_")]
    button.click().run()
    assert [title.value for title in page.title] == ["Ada Byron\\*"]
    assert page.text_input(key="find_contact").value == ""
    assert _found(page) == []


def test_no_more_than_eight_of_very_many_are_offered(open_page: OpenPage, raw: Raw) -> None:
    raw.execute("set mpt.auto_enroll = 'off'")
    raw.execute(
        "insert into contacts (first_name) select 'Zed ' || n from generate_series(1, 3000) n"
    )
    page = _find(open_page("05_Networking"), "zed")
    assert len(_found(page)) == 8
    assert "There are more; type more letters." in shown(page)
    assert "Nobody was found." in shown(_find(page, "zedd"))


def test_the_database_is_asked_from_the_second_letter_on(
    open_page: OpenPage, a_contact: AContact, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_contact(first_name="Ada", last_name="Byron")
    page = open_page("05_Networking")
    gateway = type(db_service.DbService.for_user(db_service.signed_in(LOCAL_ADMIN_ID))._gateway)
    called, asked = gateway.call, []

    def noting(self: object, name: str, **arguments: object) -> object:
        asked.append(name)
        return called(self, name, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(gateway, "call", noting)
    _find(_find(page, ""), " a ")
    assert "find_contacts" not in asked
    _find(page, "ad")
    assert "find_contacts" in asked


@pytest.mark.parametrize(
    ("what", "title", "key"),
    [
        ("Contact", "Contacts", "form_first_name"),
        ("Discovery call", "Discovery call", None),
        ("Project", "Projects", "project_name"),
        ("Event", "Networking", "event_name"),
    ],
)
def test_what_is_new_is_added_on_its_page_from_any_other(
    open_page: OpenPage, a_contact: AContact, what: str, title: str, key: str | None
) -> None:
    a_contact()
    page = open_page("01_Dashboard").menu_button(key="new_menu").click(what).run()
    assert [t.value for t in page.title] == [title]
    if key:
        assert key in [field.key for field in page.text_input], "its dialog is open"
    else:
        assert "call" in page.query_params


def test_adding_a_contact_on_their_list_leaves_its_filters_as_they_are(
    open_page: OpenPage, a_contact: AContact
) -> None:
    a_contact(first_name="Ada", tags=["vip"])
    a_contact(first_name="Bea")
    page = open_page(tag="vip").menu_button(key="new_menu").click("Contact").run()
    assert page.selectbox(key="tag").value == "vip"
    assert len(page.dataframe[0].value) == 1


def test_a_database_that_is_away_is_told_where_one_searches(
    open_page: OpenPage, a_contact: AContact, settings: Settings
) -> None:
    a_contact(first_name="Ada")
    page = open_page("05_Networking")
    connection = db_service.connect(settings)
    assert connection.direct is not None
    connection.direct.close()
    _find(page, "ada")
    assert not page.exception
    assert "The database does not answer" in page.sidebar.error[0].value
