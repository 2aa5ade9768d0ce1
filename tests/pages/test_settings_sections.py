"""The sections of settings: types, what a change of type does, sender, sending hours."""

from __future__ import annotations

import pytest

from crm.records.states import SwitchPolicy
from crm.settings import Settings
from crm.ui.settings_sender import Entered, problems_of
from db_service import DbService
from tests.conftest import AContact, Raw
from tests.database.sending import one
from tests.pages.conftest import OpenPage, RunScheduler, TakeAway, shown

PAGE = "20_Settings"
TYPES, SENDER, HOURS = "Types and campaigns", "Sender", "Sending hours"


# Types


def test_each_type_is_listed_with_its_campaign_and_place(open_page: OpenPage) -> None:
    text = shown(open_page(PAGE, section=TYPES))
    for words in (
        "**Networking**",
        "Starts Lead · place 2 on the sales path",
        "Starts no campaign · off the sales path",
        "Starts no campaign · place 0 on the sales path",
    ):
        assert words in text


def test_a_type_is_added_edited_and_deleted(open_page: OpenPage, admin: DbService) -> None:
    page = open_page(PAGE, section=TYPES)
    page.button(key="add_type").click().run()
    page.button(key="type_save").click().run()
    assert ":red[Give the type a name.]" in shown(page)
    page.text_input(key="type_label").set_value("lead")
    page.button(key="type_save").click().run()
    assert ":red[Another type has this name.]" in shown(page)
    lead = next(c.id for c in admin.contact_types.campaigns() if c.name == "Lead")
    page.text_input(key="type_label").set_value("Supplier *1*")
    page.selectbox(key="type_campaign").set_value(lead)
    page.number_input(key="type_place_").set_value(7)
    page.button(key="type_save").click().run()
    assert "Starts Lead · place 7 on the sales path" in shown(page)
    assert "**Supplier \\*1\\***" in shown(page)
    page.button(key="edit_type_supplier").click().run()
    page.number_input(key="type_place_supplier").set_value(None)
    page.button(key="type_save").click().run()
    [kind] = [kind for kind in admin.contact_types.all() if kind.key == "supplier"]
    assert (kind.label, kind.campaign_id, kind.path_rank) == ("Supplier *1*", lead, None)
    page.button(key="edit_type_supplier").click().run()
    page.button(key="type_delete_sure").click().run()
    assert "supplier" not in {kind.key for kind in admin.contact_types.all()}


def test_a_type_in_use_says_by_how_many_and_one_of_the_forms_that_it_stays(
    open_page: OpenPage, raw: Raw, a_contact: AContact
) -> None:
    contact = a_contact(contact_type="partner")
    page = open_page(PAGE, section=TYPES)
    page.button(key="edit_type_partner").click().run()
    assert "1 contact has this type. Change their type first" in shown(page)
    raw.execute("update contacts set contact_type = 'other' where id = %s", (contact,))
    page.run()
    assert "It stays for the history of contacts that had it." in shown(page)
    other = open_page(PAGE, section=TYPES)
    other.button(key="edit_type_lead").click().run()
    assert "forms and imports make contacts of it" in shown(other)
    assert "type_delete_sure" not in {button.key for button in other.button}


# What a change of type does


def test_policies_are_saved_for_the_pairs_that_were_changed(
    open_page: OpenPage, admin: DbService
) -> None:
    page = open_page(PAGE, section=TYPES)
    pairs = [box.key for box in page.selectbox if str(box.key).startswith("switch_")]
    assert len(pairs) == 12, "four types with campaigns; partner and other have none"
    page.selectbox(key="switch_lead_client").set_value(SwitchPolicy.FINISH_FIRST)
    page.selectbox(key="switch_client_lead").set_value(SwitchPolicy.KEEP_BOTH)
    page.button(key="switches_save").click().run()
    assert "2 switches saved." in shown(page)
    assert admin.type_switches.policies() == {
        ("lead", "client"): SwitchPolicy.FINISH_FIRST,
        ("client", "lead"): SwitchPolicy.KEEP_BOTH,
    }
    page.button(key="switches_save").click().run()
    assert "Nothing has changed." in shown(page)


def test_with_one_campaign_there_is_nothing_to_switch_between(
    open_page: OpenPage, raw: Raw
) -> None:
    raw.execute("update contact_types set campaign_id = null where key <> 'lead'")
    page = open_page(PAGE, section=TYPES)
    assert "There is nothing to switch between" in shown(page)
    assert "switches_save" not in {button.key for button in page.button}


# Sender


def test_the_saved_sender_is_who_e_mails_come_from_until_the_defaults_are_back(
    open_page: OpenPage,
    admin: DbService,
    raw: Raw,
    settings: Settings,
    run_scheduler: RunScheduler,
) -> None:
    page = open_page(PAGE, section=SENDER)
    assert page.text_input(key="sender_mail_from_name").value == settings.mail_from_name
    page.text_input(key="sender_mail_from_name").set_value("Ada of MPT")
    page.text_input(key="sender_mail_from_email").set_value("Ada@MPT.test")
    page.text_input(key="sender_mail_postal_address").set_value("2 Side Street, Springfield")
    page.button(key="sender_save").click().run()
    assert "3 settings saved." in shown(page)
    run_scheduler()
    sender = one(raw, "select sender from scheduler_runs order by id desc limit 1")["sender"]
    assert (sender["name"], sender["email"]) == ("Ada of MPT", "ada@mpt.test")
    assert sender["postal_address"] == "2 Side Street, Springfield"
    assert admin.app_settings.saved_sender().mail_reply_to is None, "as the environment has it"
    page.button(key="sender_reset_sure").click().run()
    assert admin.app_settings.saved_sender().given() == {}
    assert page.text_input(key="sender_mail_from_name").value == settings.mail_from_name


def test_a_sender_that_could_not_stand_in_an_e_mail_is_told_at_its_field(
    open_page: OpenPage, admin: DbService
) -> None:
    page = open_page(PAGE, section=SENDER)
    page.text_input(key="sender_mail_from_name").set_value("Ada; MPT")
    page.text_input(key="sender_mail_from_email").set_value("ada at mpt")
    page.button(key="sender_save").click().run()
    text = shown(page)
    assert ":red[Leave out ; ," in text
    assert text.count(":red[") == 2
    assert admin.app_settings.saved_sender().given() == {}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"mail_from_name": " "}, "mail_from_name"),
        ({"mail_from_name": "a, b"}, "mail_from_name"),
        ({"mail_from_name": 'Ada "x"'}, "mail_from_name"),
        ({"mail_from_email": ""}, "mail_from_email"),
        ({"mail_reply_to": "nobody"}, "mail_reply_to"),
        ({"mail_postal_address": " "}, "mail_postal_address"),
    ],
)
def test_each_field_of_the_sender_has_its_own_problem(changed: dict[str, str], field: str) -> None:
    good = {
        "mail_from_name": "Ada",
        "mail_from_email": "ada@mpt.test",
        "mail_reply_to": "",
        "mail_postal_address": "1 Main Street",
    }
    assert problems_of(Entered(**good), sends_for_real=True) == {}
    found = problems_of(Entered(**good | changed), sends_for_real=True)
    assert list(found) == [field]
    assert found[field].endswith(".")
    without_postal = Entered(**good | {"mail_postal_address": ""})
    assert problems_of(without_postal, sends_for_real=False) == {}


# Sending hours


def test_the_hours_of_each_campaign_are_listed_and_changed(
    open_page: OpenPage, admin: DbService
) -> None:
    page = open_page(PAGE, section=HOURS)
    assert "Every day, 00:00–24:00 · also on public holidays" in shown(page)
    page.button(key="hours_lead").click().run()
    page.checkbox(key="window_holidays").check()
    page.button(key="window_save").click().run()
    assert "Every day, 00:00–24:00 · no e-mails on public holidays" in shown(page)


def test_where_contacts_are_that_do_not_say_is_changed(
    open_page: OpenPage, admin: DbService
) -> None:
    page = open_page(PAGE, section=HOURS)
    page.selectbox(key="default_time_zone").set_value("Europe/Berlin")
    page.selectbox(key="default_country").set_value("DE")
    page.button(key="defaults_save").click().run()
    assert "2 settings saved." in shown(page)
    rules = admin.app_settings.sending_rules()
    assert (rules.default_time_zone, rules.default_country) == ("Europe/Berlin", "DE")


@pytest.mark.parametrize("section", [TYPES, SENDER, HOURS, "Limits", "Suppressions", "Health"])
def test_a_sales_person_reads_whom_to_ask_in_every_section(
    open_page: OpenPage, raw: Raw, section: str
) -> None:
    raw.execute("update profiles set role = 'sales' where full_name = 'Morgan Local'")
    page = open_page(PAGE, section=section)
    assert "Settings are for admins." in shown(page)
    assert not page.main.button
    assert not page.main.selectbox
    assert not page.main.text_input


@pytest.mark.parametrize(
    ("section", "there"),
    [
        ("Health", "Installation"),
        (TYPES, "Networking"),
        (SENDER, ""),
        (HOURS, "Every day"),
        ("Limits", ""),
        ("Suppressions", "Stopped addresses"),
    ],
)
def test_a_database_that_is_away_is_told_calmly_in_every_section(
    open_page: OpenPage, take_database_away: TakeAway, section: str, there: str
) -> None:
    page = open_page(PAGE, section=section)
    assert there in shown(page)
    take_database_away()
    text = shown(page.run())
    assert "The database does not answer" in text
    assert "try_again" in {button.key for button in page.button}
