"""One contact's page: notes, calls, tasks, campaigns, and what a colleague may not do."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

import db_service
from db_service import LOCAL_ADMIN_ID, DbService
from tests.cast import ALICE_ID
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, shown

TODAY = datetime.now(UTC).date()
# Raw values that a person should never meet.
CODES = re.compile(r"\bNone\b|\bnan\b|step_skipped|paused_by_user|\d{4}-\d\d-\d\dT\d\d")


def _text(page: AppTest) -> str:
    return shown(page).replace("\\", "")


def _press(page: AppTest, label: str) -> AppTest:
    [button] = [button for button in page.button if button.label == label]
    return button.click().run()


def _entries(page: AppTest) -> int:
    return shown(page).count('<span class="kind">')


@pytest.fixture
def contact(a_contact: AContact, published_steps: PublishedSteps) -> str:
    published_steps("lead", 3)
    return a_contact(first_name="Ada", last_name="King", phone="+1 212 555 0142", tags=["vip"])


@pytest.fixture
def as_sales(open_page: OpenPage, raw: Raw) -> OpenPage:
    """The page as a sales person opens it, who neither owns nor brought in the contact."""
    raw.execute("update profiles set role = 'sales' where id = %s", (LOCAL_ADMIN_ID,))
    return open_page


# The top of it


def test_the_top_says_who_it_is_how_it_stands_and_what_comes_next(
    open_page: OpenPage, contact: str, admin: DbService
) -> None:
    admin.activities.add_task(
        contact,
        "Send the quote",
        due_on=TODAY + timedelta(days=9),
        assigned_to=ALICE_ID,
        actor_id=LOCAL_ADMIN_ID,
        now=datetime.now(UTC),
    )
    text = _text(open_page(contact=contact))
    for words in ("Ada King", "OK to e-mail", "vip", "Alice Sales", "Send the quote · Due "):
        assert words in text, words
    assert 'href="mailto:' in text
    assert 'href="tel:+12125550142"' in text
    assert not CODES.search(text)


def test_a_contact_of_whom_nothing_is_known_reads_well(
    open_page: OpenPage, a_contact: AContact, raw: Raw
) -> None:
    contact = a_contact(
        first_name="", last_name="", email="a@b.example", company_name="", owner_id=None
    )
    text = _text(open_page(contact=contact))
    for words in ("a@b.example", "Nobody", "Nothing planned", "No open task", "Contact added"):
        assert words in text, words
    assert not CODES.search(text)


def test_a_merged_contact_leads_to_the_one_it_lives_on_in(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    kept, dropped = a_contact(first_name="Kept", last_name="One"), a_contact()
    admin.activities.add_note(
        dropped, "Wrote this before", actor_id=LOCAL_ADMIN_ID, now=datetime.now(UTC)
    )
    assert admin.contact_changes.merge(kept, dropped, {}, now=datetime.now(UTC)) == "merged"
    page = open_page(contact=dropped)
    assert "Merged into **Kept One**" in _text(page)
    assert not [b for b in page.button if b.key in {"edit", "change_type", "unarchive"}]
    page = page.button(key="open_merged").click().run()
    assert "Wrote this before" in _text(open_page(contact=kept)), "its history is one"


# Notes, calls, tasks


def test_a_note_is_kept_and_its_field_empty_again(open_page: OpenPage, contact: str) -> None:
    page = open_page(contact=contact)
    page.text_area(key="note_text").set_value("Likes <b>tea</b>")
    page.button(key="add_note").click().run()
    text = shown(page)
    assert "Likes &lt;b&gt;tea&lt;/b&gt;" in text
    assert "Note added." in text
    assert page.text_area(key="note_text").value == ""


def test_an_empty_note_is_told_at_its_field(open_page: OpenPage, contact: str) -> None:
    page = open_page(contact=contact)
    page.button(key="add_note").click().run()
    assert "Write the note first." in shown(page)
    assert "Write the note first." not in shown(page.run())


def test_a_half_written_note_stays_with_its_contact(
    open_page: OpenPage, contact: str, a_contact: AContact
) -> None:
    page = open_page(contact=contact)
    page.text_area(key="note_text").set_value("About Ada").run()
    page.query_params["contact"] = a_contact()
    assert page.run().text_area(key="note_text").value == ""


def test_a_note_the_database_refuses_is_not_lost(
    open_page: OpenPage, contact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(contact=contact)

    def away(*_: object, **__: object) -> None:
        raise db_service.DatabaseUnreachableError("gone")

    monkeypatch.setattr("crm.records.activities.ActivityRecords.log", away)
    page.text_area(key="note_text").set_value("Keep me")
    page.button(key="add_note").click().run()
    assert "The database does not answer" in shown(page)
    assert page.text_area(key="note_text").value == "Keep me"


def test_a_call_is_logged_with_its_outcome(open_page: OpenPage, contact: str) -> None:
    page = open_page(contact=contact)
    page.selectbox(key="log_outcome").set_value("Call: left a message")
    page.text_area(key="log_text").set_value("Calls back on Monday")
    page.button(key="log_add").click().run()
    text = shown(page)
    assert "Left a message\nCalls back on Monday" in text
    assert "Call logged." in text


def test_a_call_that_is_still_to_come_is_a_task(open_page: OpenPage, contact: str) -> None:
    page = open_page(contact=contact)
    ahead = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=2)
    page.datetime_input(key="log_when").set_value(ahead)
    page.button(key="log_add").click().run()
    assert "still to come" in shown(page)


def test_a_task_is_added_done_reopened_and_moved(
    open_page: OpenPage, contact: str, admin: DbService
) -> None:
    page = open_page(contact=contact)
    page.text_input(key="task_text").set_value("Send the quote")
    page.date_input(key="task_due").set_value(TODAY - timedelta(days=3))
    page.button(key="task_add").click().run()
    text = shown(page)
    assert "Task added." in text
    assert ":orange[Overdue since " in text
    [task] = admin.activities.open_tasks(LOCAL_ADMIN_ID, limit=9)
    _press(page, "Done")
    text = shown(page)
    assert "Task done." in text
    assert "Everything is done." in text
    _press(page, "Reopen")
    assert "Task reopened." in shown(page)
    page.date_input(key=f"task_due_{task.id}").set_value(TODAY)
    page.selectbox(key=f"task_who_{task.id}").set_value(ALICE_ID)
    page.button(key=f"task_save_{task.id}").click().run()
    text = shown(page)
    assert "Due today" in text
    assert "Alice Sales" in text
    assert admin.activities.open_tasks(LOCAL_ADMIN_ID, limit=9) == []


def test_a_task_without_words_is_refused_at_its_field(open_page: OpenPage, contact: str) -> None:
    page = open_page(contact=contact)
    page.button(key="task_add").click().run()
    assert "Write what is to be done." in shown(page)


# The timeline


def test_the_timeline_can_be_narrowed_to_a_kind(
    open_page: OpenPage, contact: str, admin: DbService
) -> None:
    admin.activities.add_note(contact, "Likes tea", actor_id=LOCAL_ADMIN_ID, now=datetime.now(UTC))
    page = open_page(contact=contact)
    assert "Enrolled in Lead" in shown(page)
    page.button_group(key="timeline_kinds").set_value(["Notes and calls"]).run()
    text = shown(page)
    assert "Likes tea" in text
    assert "Enrolled in Lead" not in text
    page.button_group(key="timeline_kinds").set_value(["Sales"]).run()
    assert "Nothing of this kind has happened." in shown(page)


def test_a_thousand_entries_are_read_a_part_at_a_time(
    open_page: OpenPage, contact: str, raw: Raw
) -> None:
    raw.execute(
        "insert into activities (contact_id, kind, summary, occurred_at)"
        " select %s, 'note', 'Note ' || n, now() - n * interval '1 hour'"
        " from generate_series(1, 1000) n",
        (contact,),
    )
    page = open_page(contact=contact)
    assert _entries(page) == 25
    page.button(key="timeline_more").click().run()
    assert _entries(page) == 125


# Campaigns


def test_a_skipped_e_mail_is_told_and_can_be_put_back(
    open_page: OpenPage, contact: str, admin: DbService
) -> None:
    page = open_page(contact=contact)
    _press(page, "Skip next e-mail")
    text = _text(page)
    assert "Skipped “Lead e-mail 1”." in text
    assert "E-mail 2 of 3 is next" in text
    assert "Skipped by Morgan Local on " in text
    assert "Skipped: Lead e-mail 1 (Lead)" in text
    assert 'class="left-out"' in text
    page.button(key="put_back").click().run()
    text = _text(page)
    assert "“Lead e-mail 1” is next again." in text
    assert "E-mail 1 of 3 is next" in text
    assert not [button for button in page.button if button.key == "put_back"]


def test_skipping_the_last_e_mail_ends_the_campaign(open_page: OpenPage, contact: str) -> None:
    page = open_page(contact=contact)
    for _ in range(3):
        _press(page, "Skip next e-mail")
    text = _text(page)
    assert "No campaign runs." in text
    assert "Lead completed" in text
    page.button(key="put_back").click().run()
    assert "E-mail 3 of 3 is next" in _text(page)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("claimed", "It is being sent right now."),
        ("unconfirmed", "An admin decides in the campaign manager"),
    ],
)
def test_what_is_under_way_is_not_skipped_and_says_why(
    open_page: OpenPage, contact: str, raw: Raw, status: str, words: str
) -> None:
    page = open_page(contact=contact)
    raw.execute(
        "insert into email_sends (contact_id, enrollment_id, campaign_id, step, run, template_id,"
        " to_email, claimed_at, status) select e.contact_id, e.id, e.campaign_id, 1, 1, t.id,"
        " 'ada@example.com', now(), %s from campaign_enrollments e join drip_campaign_templates t"
        " on t.campaign_id = e.campaign_id and t.step = 1",
        (status,),
    )
    _press(page, "Skip next e-mail")
    assert words in shown(page)
    assert "E-mail 1 of 3 is next" in shown(page)


def test_the_campaign_of_the_type_starts_with_one_click(open_page: OpenPage, contact: str) -> None:
    page = open_page(contact=contact)
    _press(page, "Stop it")
    assert "Lead stopped." in shown(page)
    page.button(key="start_type").click().run()
    assert "1 contact was enrolled." in shown(page)
    assert "E-mail 1 of 3 is next" in shown(page)


def test_the_next_e_mail_is_shown_as_it_would_be_sent(open_page: OpenPage, contact: str) -> None:
    page = open_page(contact=contact)
    _press(page, "Preview next e-mail")
    text = _text(page)
    assert "**lead 1**" in text
    assert "To Ada King, as it stands today" in text


# What a colleague may do


def test_a_colleague_s_contact_can_be_read_and_written_about_and_not_changed(
    as_sales: OpenPage, contact: str
) -> None:
    page = as_sales(contact=contact)
    text = _text(page)
    assert "Alice Sales looks after this contact." in text
    assert "E-mail 1 of 3 is next" in text
    labels = {button.label for button in page.button}
    assert labels & {"Preview next e-mail", "Add note", "Add task", "Log it"}
    assert not labels & {
        *(
            "Edit",
            "Change type",
            "Record a call",
            "Pause",
            "Resume",
            "Skip next e-mail",
            "Stop it",
        ),
        *("Restart it", "Stop all", "Start Lead", "In the campaign of the type"),
        "Start a project",
    }
    assert "contact_more" not in {menu.key for menu in page.menu_button}
    page.text_area(key="note_text").set_value("Met at the fair")
    page.button(key="add_note").click().run()
    assert "Met at the fair" in shown(page)


def test_a_colleague_s_task_is_shown_without_its_buttons(
    as_sales: OpenPage, contact: str, admin: DbService
) -> None:
    for text, person in (("Hers", ALICE_ID), ("Mine", LOCAL_ADMIN_ID)):
        admin.activities.add_task(
            contact,
            text,
            due_on=None,
            assigned_to=person,
            actor_id=LOCAL_ADMIN_ID,
            now=datetime.now(UTC),
        )
    raw_page = as_sales(contact=contact)
    assert len([button for button in raw_page.button if button.label == "Done"]) == 2


def test_an_unreachable_database_leaves_a_calm_page(
    open_page: OpenPage, contact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(contact=contact)

    def away(*_: object, **__: object) -> None:
        raise db_service.DatabaseUnreachableError("gone")

    monkeypatch.setattr("crm.records.activities.ActivityRecords.history", away)
    text = shown(page.run())
    assert "The database does not answer" in text
    assert "Ada King" in text, "the rest of the page stands"
