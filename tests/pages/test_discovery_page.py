"""The discovery page: nothing yet, a call being written down, what was submitted, and trouble."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from crm.discovery_answers import check_call, check_request
from crm.discovery_questions import GROUPS, PUBLIC, QUESTIONS
from crm.records.discovery import DiscoveryRecords, FormSettings, SubmissionFilter
from crm.settings import Settings
from db_service import LOCAL_ADMIN_ID, DbService
from tests.cast import ALICE_ID
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, shown

PAGE = "03_Discovery"
NOW = datetime.now(UTC)
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def form(open_page: OpenPage, published_steps: PublishedSteps) -> AppTest:
    published_steps("lead", 2)
    return open_page(PAGE, call="new")


def read(page: AppTest) -> str:
    """The words of the page, without the escapes that keep them from being Markdown."""
    return shown(page).replace("\\", "")


def write(page: AppTest, **answers: str) -> AppTest:
    for key, text in answers.items():
        [field] = [
            widget
            for widget in (*page.text_input, *page.text_area)
            if (widget.key or "").endswith(f"_{key}") and (widget.key or "").startswith("call")
        ]
        field.set_value(text)
    return page.run()


def press(page: AppTest, key: str) -> AppTest:
    return page.button(key=key).click().run()


def submitted(admin: DbService, **answers: str) -> str:
    given = {"first_name": "Fiona", "email": "fiona@frost.example", **answers}
    draft = admin.discovery.save_draft(None, given, contact_id=None, now=NOW)
    sent = admin.discovery.submit(draft, given, contact_id=None, due_at=None, now=NOW)
    return sent.submission_id


def posted(admin: DbService, *, accept_first: bool = False) -> str:
    admin.discovery.change_form(FormSettings(True, accept_first), now=NOW)
    service = DbService.for_service()
    answers = {"first_name": "Vic *Tor*", "email": "vic@visit.example", "goals": "1 < 2"}
    assert service.discovery.post(answers, now=NOW) == "taken"
    service.discovery.post(answers | {"goals": "2 < 3"}, now=NOW)
    [new] = admin.discovery.page(SubmissionFilter(source="public")).submissions
    return new.id


def status(admin: DbService, submission_id: str) -> tuple[str, str | None]:
    found = admin.discovery.get(submission_id)
    assert found is not None
    return found.status, found.assigned_to


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


# The form


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


def test_a_draft_that_cannot_be_saved_says_so_and_keeps_the_form(form: AppTest, raw: Raw) -> None:
    raw.execute("revoke insert on discovery_drafts from authenticated")
    write(form, first_name="Fiona")
    assert "Not saved as a draft." in form.error[0].value
    assert "Fiona" in [widget.value for widget in form.text_input]


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
