"""The contact list as people see it: filters, views, orders, counts, and a very long list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

import db_service
from crm.database.gateway import Gateway
from crm.ui import contact_list
from db_service import LOCAL_ADMIN_ID, DbService
from tests.cast import ALICE_ID
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, shown


def _names(page: AppTest) -> list[str]:
    return list(page.dataframe[0].value["Name"]) if page.dataframe else []


def _choose_view(page: AppTest, label: str) -> AppTest:
    [button] = [b for b in page.button if b.label == label]
    return button.click().run()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"tag": "vip"}, ["Ada"]),
        ({"industry": "Steam"}, ["Ada"]),
        ({"campaign": "Lead"}, ["Ada"]),
        ({"campaign": "In none at the moment"}, ["Cleo", "Bea"]),
        ({"activity": "In the last 7 days"}, ["Bea"]),
        ({"activity": "None for 30 days"}, ["Ada"]),
        ({"activity": "Never"}, ["Cleo", "Ada"]),
        ({"created": "In the last 7 days"}, ["Cleo", "Bea"]),
        ({"created": "Between two days", "from": "2020-01-01", "until": "2020-12-31"}, ["Ada"]),
        ({"status": "No address"}, ["Cleo"]),
        ({"owner": "Nobody"}, ["Bea"]),
        ({"owner": "Alice Sales", "type": "Client", "q": "cle"}, ["Cleo"]),
        ({"sort": "By name"}, ["Ada", "Bea", "Cleo"]),
    ],
)
def test_each_filter_lives_in_the_address_line(
    open_page: OpenPage,
    a_contact: AContact,
    published_steps: PublishedSteps,
    raw: Raw,
    query: dict[str, str],
    names: list[str],
) -> None:
    published_steps("lead", 1)
    now = datetime.now(UTC)
    made = {"created_at": now, "last_name": ""}
    long_ago = made | {"created_at": datetime(2020, 6, 1, tzinfo=UTC)}
    a_contact(first_name="Ada", tags=["vip"], industry="Steam", **long_ago)
    bea = a_contact(first_name="Bea", contact_type="client", owner_id=None, **made)
    a_contact(first_name="Cleo", contact_type="client", email=None, **made)
    raw.execute(
        "insert into activities (contact_id, kind, summary, occurred_at)"
        " values (%s, 'call', 'x', %s)",
        (bea, now),
    )
    ids = {name: place for place, name in enumerate(["Cleo", "Bea", "Ada"])}
    page = open_page(**query)
    found = _names(page)
    assert sorted(found, key=ids.__getitem__) == sorted(names, key=ids.__getitem__)
    if "sort" in query:
        assert found == names


def test_the_menu_of_filters_says_how_many_are_set(
    open_page: OpenPage, a_contact: AContact
) -> None:
    a_contact(tags=["vip"])
    page = open_page()
    page.selectbox(key="tag").set_value("vip").run()
    page.selectbox(key="activity").set_value("never").run()
    assert "More filters (2)" in _popovers(page)
    assert "More filters (1)" in _popovers(open_page(tag="vip")), "at once, from the address line"


def test_the_views_that_everybody_has_fill_the_filters(
    open_page: OpenPage, a_contact: AContact, published_steps: PublishedSteps, raw: Raw
) -> None:
    published_steps("lead", 1)
    a_contact(first_name="Mine", last_name="", contact_type="client", owner_id=LOCAL_ADMIN_ID)
    a_contact(first_name="Bounced", last_name="", email_status="bounced")
    a_contact(first_name="Lead", last_name="")
    page = open_page()
    assert _names(_choose_view(page, "My contacts")) == ["Mine"]
    assert page.selectbox(key="owner").value == LOCAL_ADMIN_ID
    assert _names(_choose_view(page, "Bounced or refused")) == ["Bounced"]
    assert page.selectbox(key="owner").value is None, "a view is all of the filters"
    assert sorted(_names(_choose_view(page, "Without a campaign"))) == ["Bounced", "Mine"]
    assert len(_names(_choose_view(page, "Gone quiet"))) == 3
    assert len(_names(_choose_view(page, "All contacts"))) == 3


def test_a_view_is_saved_found_again_renamed_and_deleted(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    a_contact(first_name="Ada", last_name="", tags=["vip"])
    a_contact(first_name="Bea", last_name="")
    page = open_page(tag="vip")
    _from_menu(page, "save")
    page.text_input(key="view_name").set_value("  ")
    page.button(key="view_save").click().run()
    assert "Give the view a name." in shown(page)
    page.text_input(key="view_name").set_value("Very *important*")
    page.button(key="view_save").click().run()
    [saved] = admin.saved_views.all()
    assert (saved.name, saved.filters, saved.is_shared) == (
        "Very *important*",
        {"tag": "vip"},
        False,
    )
    assert _names(_choose_view(page, "All contacts")) == ["Bea", "Ada"]
    assert _names(_choose_view(page, "Very *important*")) == ["Ada"]
    _from_menu(page, "rename")
    page.text_input(key="view_name").set_value("VIPs")
    page.checkbox(key="view_shared").check()
    page.button(key="view_save").click().run()
    [renamed] = admin.saved_views.all()
    assert (renamed.name, renamed.is_shared) == ("VIPs", True)
    _from_menu(page, "delete")
    assert "It is shared: it goes for your colleagues too." in shown(page)
    page.button(key="view_delete").click().run()
    assert admin.saved_views.all() == []
    assert "Deleted the view “VIPs”" in shown(page).replace("\\", "")


def test_a_view_that_was_changed_can_be_saved_over(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    a_contact(first_name="Ada")
    admin.saved_views.save("Leads", {"type": ["lead"]}, is_shared=False, now=datetime.now(UTC))
    page = _choose_view(open_page(), "Leads")
    page.multiselect(key="type").set_value(["lead", "client"]).run()
    _from_menu(page, "update")
    page.button(key="view_update").click().run()
    assert admin.saved_views.all()[0].filters == {"type": ["lead", "client"]}


def test_two_views_of_one_name_are_told_at_the_field(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    a_contact()
    admin.saved_views.save("Leads", {"q": "x"}, is_shared=False, now=datetime.now(UTC))
    page = open_page(type="Lead")
    _from_menu(page, "save")
    page.text_input(key="view_name").set_value("leads")
    page.button(key="view_save").click().run()
    assert "You have a view of this name." in shown(page)


def test_a_colleagues_shared_view_names_whose_it_is_and_forgives_what_is_gone(
    open_page: OpenPage, a_contact: AContact, raw: Raw
) -> None:
    a_contact(first_name="Ada")
    raw.execute(
        "insert into saved_views (owner_id, name, filters, is_shared) values (%s, 'Old', %s, true)",
        (ALICE_ID, '{"tag": "gone", "campaign": "00000000-0000-4000-8000-0000000000ff"}'),
    )
    page = _choose_view(open_page(), "Old · Alice Sales")
    text = shown(page)
    assert "Nobody fits these filters" in text
    assert page.selectbox(key="tag").value == "gone"
    assert "One that has ended" in page.selectbox(key="campaign").options
    assert _names(page.button(key="clear_filters").click().run())


def test_a_page_asks_for_a_few_of_a_long_list_and_counts_to_a_bound(
    open_page: OpenPage, raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw.execute("set mpt.auto_enroll = 'off'")
    raw.execute(
        "insert into contacts (first_name, email) select 'N' || n, n || '@x.example'"
        " from generate_series(1, 3000) n"
    )
    raw.execute("vacuum analyze contacts")
    monkeypatch.setattr(contact_list, "COUNTED_UP_TO", 1000)
    page = open_page()
    assert len(_names(page)) == contact_list.PAGE_SIZE
    assert "About 3,000 contacts" in shown(page)
    assert "1–25 of about 3,000" in shown(page)
    page.text_input(key="q").set_value("x.example").run()
    assert "More than 1,000 contacts found" in shown(page)
    for _ in range(3):
        page.button(key="page_on").click().run()
    assert "76–100 of more than 1,000" in shown(page)
    page.text_input(key="q").set_value("2999@x").run()
    assert "1 contact found" in shown(page)
    assert "1–1 of 1" in shown(page), "another search begins at its first page"


def test_a_page_turn_neither_counts_nor_reads_the_choices_again(
    open_page: OpenPage, raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw.execute("set mpt.auto_enroll = 'off'")
    raw.execute("insert into contacts (first_name) select 'N' || n from generate_series(1, 120) n")
    page = open_page()
    gateway = type(db_service.DbService.for_user(db_service.signed_in(LOCAL_ADMIN_ID))._gateway)
    asked: list[str] = []
    _note_questions(gateway, asked, monkeypatch)
    page.button(key="page_on").click().run()
    assert "26–50 of 120" in shown(page)
    # AppTest runs the whole page: its views are read and its list counted once more.
    assert sorted(asked) == ["contact_list", "count_found", "find_contacts", "saved_views"]


def _note_questions(
    gateway: type[Gateway], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("select", "call"):
        method = getattr(gateway, name)

        def noting(self: object, what: str, /, *args: object, _do: object = method, **kw: object):  # type: ignore[no-untyped-def]
            asked.append(what)
            return _do(self, what, *args, **kw)  # type: ignore[operator]

        monkeypatch.setattr(gateway, name, noting)


def test_where_somebody_is_selected_other_contacts_come_in_a_table_without(
    open_page: OpenPage, a_contact: AContact, raw: Raw
) -> None:
    first = a_contact(first_name="Ada")
    a_contact(first_name="Bea")
    page = open_page()
    before = page.dataframe[0].proto.id
    page.text_input(key="q").set_value("customer").run()
    assert page.dataframe[0].proto.id == before, "nobody is selected"
    selected = {"selection": {"rows": [0], "columns": [], "cells": []}}
    page.session_state["contacts_table_0"] = selected
    raw.execute("update contacts set archived_at = now() where id = %s", (first,))
    assert page.run().dataframe[0].proto.id != before


def test_last_activity_and_the_next_email_read_as_days(
    open_page: OpenPage, a_contact: AContact, published_steps: PublishedSteps, raw: Raw
) -> None:
    published_steps("lead", 2)
    contact = a_contact(tags=["vip", "expo"])
    moment = datetime.now(UTC)
    raw.execute(
        "insert into activities (contact_id, kind, summary, occurred_at)"
        " values (%s, 'call', 'x', %s)",
        (contact, moment),
    )
    raw.execute(
        "update campaign_enrollments set next_send_at = %s where contact_id = %s",
        (moment + timedelta(days=400), contact),
    )
    table = open_page().dataframe[0]
    assert "font-weight: 600" in table.proto.arrow_data.styler.styles, (
        "names stand out, as they lead on"
    )
    row = table.value.iloc[0]
    later = moment + timedelta(days=400)
    assert row["Campaign"] == f"Lead, {later.day} {later:%b %Y}"
    assert row["Last activity"] == "Today"
    assert row["Tags"] == "vip, expo"


def _popovers(page: AppTest) -> list[str]:
    return [popover.proto.popover.label for popover in page.get("popover")]


def _from_menu(page: AppTest, action: str) -> AppTest:
    return page.menu_button(key="view_menu").click(action).run()
