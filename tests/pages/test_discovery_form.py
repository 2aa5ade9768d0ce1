"""A discovery call being written down: drafts, steps, errors at their fields, what comes of it."""

from __future__ import annotations

from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from crm.discovery_answers import check_call, check_request
from crm.discovery_questions import GROUPS, PUBLIC, QUESTIONS
from crm.records.discovery import SubmissionFilter
from db_service import DbService
from tests.conftest import AContact, Raw
from tests.pages.conftest import OpenPage, TakeAway
from tests.pages.discovery_stage import NOBODY, PAGE, form, press, read, write

__all__ = ["form"]


def test_what_is_typed_is_a_draft_at_once_and_found_again(
    form: AppTest, admin: DbService, open_page: OpenPage
) -> None:
    assert admin.discovery.drafts() == [], "looking saves nothing"
    write(form, first_name="Fiona", goals="Half the calls")
    [draft] = admin.discovery.drafts()
    assert draft.answers == {"first_name": "Fiona", "goals": "Half the calls"}
    assert "Saved as a draft just now." in read(form)
    assert form.query_params["draft"] == draft.id
    write(form, company_name="Frost Ltd")
    assert len(admin.discovery.drafts()) == 1

    text = read(listed := open_page(PAGE))
    assert "Your drafts" in text
    assert "**Fiona, Frost Ltd**" in text
    again = press(listed, f"continue_{draft.id}")
    values = {widget.value for widget in (*again.text_input, *again.text_area)}
    assert {"Fiona", "Frost Ltd", "Half the calls"} <= values


def test_a_call_is_submitted_and_the_answer_says_what_came_of_it(
    form: AppTest, admin: DbService
) -> None:
    write(form, first_name="Fiona", email="Fiona@Frost.example", next_step="Call **again**")
    [when] = form.date_input
    when.set_value(date(2026, 12, 1)).run()
    text = read(press(form, "call_submit"))
    assert "Submitted. Fiona is a new contact and a lead." in text
    assert "The campaign for leads is under way." in text
    assert "1 December 2026" in text
    assert "2026-12-01" not in text
    [kept] = admin.discovery.page(SubmissionFilter()).submissions
    assert kept.email == "fiona@frost.example"
    assert admin.discovery.drafts() == []
    assert kept.contact_id
    kinds = [entry.kind for entry in admin.activities.timeline(kept.contact_id)]
    assert {"discovery", "task"} <= set(kinds)


def test_errors_stand_at_their_fields_and_open_their_group(form: AppTest, admin: DbService) -> None:
    write(form, email="fiona@", goals="x")
    assert ":red[There must be something after the @-sign.]" in read(press(form, "call_submit"))
    write(form, email="", next_step="Call")
    text = read(press(form, "call_submit"))
    assert "Enter a name or an e-mail address." in text
    assert "Choose a day" in text
    assert admin.discovery.page(SubmissionFilter()).submissions == ()
    assert len(admin.discovery.drafts()) == 1, "nothing typed is lost"


def test_a_known_contact_is_filled_in_and_found_by_its_address(
    open_page: OpenPage, a_contact: AContact
) -> None:
    known = a_contact(first_name="Grace", email="grace@hopper.example", contact_type="prospect")
    page = open_page(PAGE, contact=known)
    assert "With Grace Hopper" in read(page)
    assert "Grace" in [widget.value for widget in page.text_input]
    assert "stays prospect" in read(press(page, "call_submit"))
    other = write(open_page(PAGE, call="new"), email="grace@hopper.example")
    assert "has this address: the call goes to them" in read(other)


def test_a_button_on_another_page_leads_to_a_call_with_the_contact(
    open_page: OpenPage, a_contact: AContact
) -> None:
    known = a_contact(first_name="Grace")
    page = press(open_page(contact=known), "record_call")
    assert page.title[0].value == "Discovery call"
    assert "With Grace" in read(page)


def test_steps_go_on_and_back(form: AppTest) -> None:
    step = "call1_step"
    assert form.button(key="call_previous").disabled
    press(form, "call_next")
    assert form.session_state[step] == GROUPS[1].title
    press(form, "call_previous")
    assert form.session_state[step] == GROUPS[0].title


def test_discarding_asks_first(form: AppTest, admin: DbService) -> None:
    write(form, first_name="Fiona")
    press(form, "call_discard")
    press(form, "discard_cancel")
    assert len(admin.discovery.drafts()) == 1
    press(press(form, "call_discard"), "discard_sure")
    assert admin.discovery.drafts() == []
    assert "The draft was discarded." in read(form)


def test_a_draft_that_is_gone_is_told(open_page: OpenPage) -> None:
    assert "no longer there" in read(open_page(PAGE, draft=NOBODY))
    assert "Nothing is waiting." in read(open_page(PAGE, draft="*", contact="x", submission="?"))


def test_a_draft_that_cannot_be_saved_says_so_and_keeps_the_form(form: AppTest, raw: Raw) -> None:
    raw.execute("revoke insert on discovery_drafts from authenticated")
    write(form, first_name="Fiona")
    assert "Not saved as a draft." in form.error[0].value
    assert "Fiona" in [widget.value for widget in form.text_input]


def test_a_call_under_way_outlives_a_database_that_is_away(
    form: AppTest, take_database_away: TakeAway
) -> None:
    write(form, first_name="Fiona")
    take_database_away()
    write(form, goals="Half the calls")
    assert "Not saved as a draft." in form.error[0].value
    assert "The database does not answer" in form.error[0].value
    typed = {widget.value for widget in (*form.text_input, *form.text_area)}
    assert {"Fiona", "Half the calls"} <= typed


def test_the_form_of_a_contact_that_cannot_be_read_says_so(
    open_page: OpenPage, a_contact: AContact, take_database_away: TakeAway
) -> None:
    page = open_page(PAGE, contact=a_contact(first_name="Grace"))
    assert "With Grace" in read(page)
    take_database_away()
    text = read(page.run())
    assert "The database does not answer" in text
    assert "With Grace" not in text


# What is asked and checked


def test_every_question_is_asked_once_and_visitors_are_asked_what_they_can_answer() -> None:
    keys = [question.key for group in GROUPS for question in group.questions]
    assert len(keys) == len(set(keys)) == len(QUESTIONS)
    assert {q.key for q in PUBLIC} == {q.key for q in QUESTIONS.values() if q.asks}


@pytest.mark.parametrize(
    ("entered", "wrong"),
    [
        ({}, {"email"}),
        ({"first_name": " \n"}, {"email"}),
        ({"email": "x@"}, {"email"}),
        ({"first_name": "F", "budget": "Lots"}, {"budget"}),
        ({"first_name": "F", "next_step_on": "2026-12-01"}, {"next_step"}),
        ({"last_name": "F" * 201}, {"last_name"}),
        ({"last_name": "F", "goals": "x" * 3_001}, {"goals"}),
    ],
)
def test_a_call_is_checked(entered: dict[str, str], wrong: set[str]) -> None:
    assert check_call(entered, known_contact=False).errors.keys() == wrong


def test_what_is_stored_is_tidy() -> None:
    typed = {"first_name": " Fi  ona\n", "email": " F@X.example", "goals": " a\r\nb \x00", "x": "y"}
    tidy = {"first_name": "Fi ona", "email": "f@x.example", "goals": "a\nb"}
    assert check_request(typed, PUBLIC).answers == tidy
    assert check_call({"goals": "a"}, known_contact=True).answers == {"goals": "a"}
