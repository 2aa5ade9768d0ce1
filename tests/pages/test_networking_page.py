"""The networking page as people use it: events, and noting down who came."""

from __future__ import annotations

from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from crm.records.networking import EventDraft
from crm.ui import session
from db_service import DbService
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, TakeAway, shown
from tests.pages.test_contacts_page import CODES

PAGE = "05_Networking"
FAIR = EventDraft(name="Spring *fair*", held_on=date(2026, 3, 9), location="Columbus")


@pytest.fixture
def fair(admin: DbService, published_steps: PublishedSteps) -> str:
    published_steps("networking", 2)
    return admin.networking.add(FAIR, now=session.now())


def test_without_events_the_page_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    assert "No events yet" in shown(page)
    page.button(key="add_first_event").click().run()
    page.button(key="event_save").click().run()
    assert "Give the event a name." in shown(page)
    page.text_input(key="event_name").set_value("Breakfast")
    page.button(key="event_save").click().run()
    text = shown(page)
    assert "“Breakfast” was added." in text
    assert "Nobody is noted down yet" in text


def test_the_list_speaks_in_words(open_page: OpenPage, fair: str) -> None:
    text = shown(open_page(PAGE))
    assert "Monday 9 March 2026 · Columbus · Morgan Local" in text
    assert "0 attendees" in text
    assert not CODES.search(text)


def test_one_person_is_added_with_what_came_of_it(open_page: OpenPage, fair: str) -> None:
    page = open_page(PAGE, event=fair)
    page.text_input(key="attendee_first").set_value("Ada")
    page.text_input(key="attendee_last").set_value("Byron")
    page.text_input(key="attendee_email").set_value("Ada@Harbor.example ")
    page.button(key="attendee_add").click().run()
    text = shown(page)
    assert "Ada Byron: is new; Networking starts." in text
    assert "1 attendee" in text


def test_a_refused_person_is_named_and_nothing_typed_is_lost(
    open_page: OpenPage, fair: str
) -> None:
    page = open_page(PAGE, event=fair)
    page.text_input(key="attendee_first").set_value("Ada")
    page.text_input(key="attendee_email").set_value("ada at harbor")
    page.button(key="attendee_add").click().run()
    text = shown(page)
    assert "Nothing was added" in text
    assert "ada at harbor" in text
    page.button(key="attendee_add").click().run()
    assert "Fill in a name or an e" in shown(page)


def test_a_pasted_list_shows_what_was_understood_and_goes_in(
    open_page: OpenPage, fair: str, a_contact: AContact
) -> None:
    a_contact(first_name="Lea", email="lea@harbor.example", contact_type="client")
    page = open_page(PAGE, event=fair)
    page.segmented_control(key="capture_how").set_value("Paste a list").run()
    page.text_area(key="attendee_lines").set_value(
        "Ada Byron <ada@harbor.example>\nnot@@an.address\nLea <lea@harbor.example>"
    ).run()
    assert "2 people understood, 1 line not" in shown(page)
    page.button(key="attendees_add").click().run()
    assert "2 attendees" in shown(page)
    text = page.success[0].value
    assert "1 person is new; Networking starts." in text
    assert "1 person is further along and keeps type and campaign." in text
    assert "1 person could not be read." in text


def test_thousands_of_attendees_come_in_pages(open_page: OpenPage, fair: str, raw: Raw) -> None:
    raw.execute("select set_config('mpt.auto_enroll', 'off', false)")
    raw.execute(
        "insert into contacts (first_name, email, contact_type)"
        " select 'Guest', 'g' || n || '@c.example', 'networking' from generate_series(1, 3000) n"
    )
    raw.execute(
        "insert into networking_event_attendees (event_id, contact_id) select %s, id from contacts",
        (fair,),
    )
    page = open_page(PAGE, event=fair)
    assert "3,000 attendees" in shown(page)
    assert len(page.dataframe[0].value) == 50


@pytest.mark.parametrize("wanted", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_an_event_that_is_not_there_is_told(open_page: OpenPage, wanted: str) -> None:
    assert "This event is not there any more." in shown(open_page(PAGE, event=wanted))


def test_deleting_an_event_asks_first_and_keeps_the_contacts(
    open_page: OpenPage, fair: str, admin: DbService
) -> None:
    page = open_page(PAGE, event=fair)
    page.button(key="delete_event").click().run()
    assert "The contacts stay" in shown(page)
    page.button(key="delete_event_sure").click().run()
    assert "was deleted; its contacts stay." in shown(page)
    assert admin.networking.get(fair) is None


@pytest.mark.parametrize("one", [False, True])
def test_a_database_that_is_away_is_told_calmly(
    open_page: OpenPage, fair: str, take_database_away: TakeAway, *, one: bool
) -> None:
    page = open_page(PAGE, **({"event": fair} if one else {}))
    assert "Columbus" in shown(page)
    take_database_away()
    text = shown(page.run())
    assert "The database does not answer" in text
    assert "Columbus" not in text


def test_thousands_of_events_are_listed_a_few_at_a_time(open_page: OpenPage, raw: Raw) -> None:
    raw.execute(
        "insert into networking_events (name, held_on)"
        " select 'Fair ' || n, date '2026-11-21' + n * 3 from generate_series(-3000, 3000) n"
    )
    page = open_page(PAGE)
    assert _listed(page) == 40, "20 to come and 20 past"
    page.button(key="more_events").click().run()
    assert _listed(page) == 60


def _listed(page: AppTest) -> int:
    return sum(str(button.key).startswith("open_event_") for button in page.button)
