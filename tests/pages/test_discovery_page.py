"""The discovery page: nothing yet, the list, what was submitted, and trouble."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from crm.records.discovery import DiscoveryRecords, FormSettings
from crm.settings import Settings
from db_service import LOCAL_ADMIN_ID, DbService
from tests.cast import ALICE_ID
from tests.conftest import AContact, Raw
from tests.pages.conftest import OpenPage, TakeAway, shown
from tests.pages.discovery_stage import (
    NOBODY,
    NOW,
    PAGE,
    form,
    posted,
    press,
    read,
    status,
    submitted,
)

__all__ = ["form"]


# The list


def test_an_empty_page_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    text = read(page)
    assert "Nothing is waiting." in text
    assert "Your drafts" not in text
    assert "The form is closed" in text
    assert "call=new" not in text
    assert "Discovery call" in read(press(page, "record_call"))


def test_the_list_names_people_states_and_origins(open_page: OpenPage, admin: DbService) -> None:
    posted(admin)
    submitted(admin, company_name="Frost Ltd")
    [table] = open_page(PAGE).dataframe
    assert list(table.value["Name"]) == ["Fiona", "Vic *Tor*"]
    assert list(table.value["Status"]) == ["In progress", "New"]
    assert list(table.value["From"]) == ["Call by Morgan Local", "Website form"]
    assert list(table.value["Owner"]) == ["Morgan Local", "Nobody"]
    assert not any(word in table.value.to_string() for word in ("None", "nan", "in_progress"))


def test_the_filters_narrow_and_an_empty_result_says_so(
    open_page: OpenPage, admin: DbService
) -> None:
    posted(admin)
    submitted(admin)
    page = open_page(PAGE, **{"with": "Me"})
    assert list(page.dataframe[0].value["Name"]) == ["Fiona"]
    page.selectbox(key="with").set_value("Nobody").run()
    assert list(page.dataframe[0].value["Name"]) == ["Vic *Tor*"]
    page.selectbox(key="status").set_value("Done").run()
    assert "Nothing fits these filters." in read(page)


def test_a_million_submissions_are_read_a_page_at_a_time(
    open_page: OpenPage, admin: DbService, raw: Raw
) -> None:
    raw.execute(
        "insert into discovery_submissions (email, answers)"
        " select 'n' || n || '@x.example', '{}' from generate_series(1, 20000) n"
    )
    page = open_page(PAGE)
    assert len(page.dataframe[0].value) == 25
    assert "20,000 new" in read(page)
    first = page.dataframe[0].value["Name"].iloc[0]
    press(page, "submissions_on")
    assert "26–50" in read(page)
    press(page, "submissions_back")
    assert page.dataframe[0].value["Name"].iloc[0] == first


# One submission


def test_a_request_is_read_taken_handed_over_and_done(
    open_page: OpenPage, admin: DbService
) -> None:
    told = posted(admin)
    page = open_page(PAGE, submission=told)
    text = read(page)
    assert "2 &lt; 3" in text
    assert "1 &lt; 2" in text, "what was sent earlier that day"
    assert "Vic *Tor*" in text
    press(page, "take_submission")
    assert status(admin, told) == ("in_progress", LOCAL_ADMIN_ID)
    page.selectbox(key="assign_to").set_value(ALICE_ID)
    assert "Alice Sales has it now." in read(press(page, "assign_save"))
    assert status(admin, told) == ("in_progress", ALICE_ID)
    press(page, "set_done")
    press(page, "set_in_progress")
    press(page, "set_dismissed")
    assert status(admin, told) == ("dismissed", ALICE_ID)


def test_a_type_with_signs_in_its_name_stays_as_it_was_typed(
    open_page: OpenPage, admin: DbService, raw: Raw
) -> None:
    raw.execute("update contact_types set label = 'Lead *new*' where key = 'lead'")
    assert "[Lead \\*new\\*]" in shown(open_page(PAGE, submission=submitted(admin)))


def test_what_waits_is_accepted(open_page: OpenPage, admin: DbService, form: AppTest) -> None:
    page = open_page(PAGE, submission=posted(admin, accept_first=True))
    assert "E-mails start when a colleague accepts the request." in read(page)
    text = read(press(page, "accept_submission"))
    assert "The campaign for leads is under way." in text
    assert "accept_submission" not in [button.key for button in page.button]


def test_somebody_elses_word_in_between_is_not_written_over(
    open_page: OpenPage, admin: DbService, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = posted(admin)
    page = open_page(PAGE, submission=told)
    triage = DiscoveryRecords.triage

    def after_alice(records: DiscoveryRecords, submission_id: str, **wanted: Any) -> bool:
        triage(records, submission_id, **wanted | {"assigned_to": ALICE_ID})
        return triage(records, submission_id, **wanted)

    monkeypatch.setattr(DiscoveryRecords, "triage", after_alice)
    assert "somebody else has taken it meanwhile" in read(press(page, "take_submission"))
    assert status(admin, told) == ("in_progress", ALICE_ID)


def test_sales_may_not_accept_for_a_colleague_and_read_why(
    open_page: OpenPage, admin: DbService, raw: Raw, a_contact: AContact
) -> None:
    carols = a_contact(contact_type="networking", archived_at=NOW)
    given = {"first_name": "Grace"}
    draft = admin.discovery.save_draft(None, given, contact_id=carols, now=NOW)
    told = admin.discovery.submit(draft, given, contact_id=carols, due_at=None, now=NOW)
    raw.execute("update profiles set role = 'sales' where id = %s", (LOCAL_ADMIN_ID,))
    page = open_page(PAGE, submission=told.submission_id)
    assert "Alice Sales looks after this contact and can accept this" in read(page)
    assert "accept_submission" not in [button.key for button in page.button]
    assert "An admin opens and closes it." in read(open_page(PAGE))


def test_a_submission_that_is_gone_is_told(open_page: OpenPage) -> None:
    assert "not there any more" in read(open_page(PAGE, submission=NOBODY))


# The public form's settings, and trouble


def test_an_admin_opens_the_form_and_gets_its_address(
    open_page: OpenPage, admin: DbService, settings: Settings
) -> None:
    page = open_page(PAGE)
    page.toggle(key="form_is_open").set_value(True)
    assert "The public form is open." in read(press(page, "form_settings_save"))
    assert [block.value for block in page.code] == [f"{settings.public_url}/discovery-call"]
    assert admin.discovery.form_settings() == FormSettings(True, False)


def test_without_a_database_the_page_is_calm(open_page: OpenPage, raw: Raw) -> None:
    page = open_page(PAGE)
    raw.execute("alter view discovery_list rename to elsewhere")
    page.run()
    assert page.error
    assert not page.exception


@pytest.mark.parametrize("one", [False, True])
def test_a_database_that_is_away_is_told_calmly(
    open_page: OpenPage, admin: DbService, take_database_away: TakeAway, *, one: bool
) -> None:
    told = submitted(admin)
    page = open_page(PAGE, **({"submission": told} if one else {}))
    assert "Fiona" in read(page)
    take_database_away()
    text = read(page.run())
    assert "The database does not answer" in text
    assert "Fiona" not in text
