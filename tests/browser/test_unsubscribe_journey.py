"""From an e-mail's link to the last word: a person says stop, and nothing more is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from db_service import DbService
from tests.browser import steps
from tests.browser.sending_server import SendingServer, now, sending_server
from tests.browser.tabs import a_tab

pytestmark = pytest.mark.browser

LATER = timedelta(days=40)  # the second e-mail is due long before


@pytest.fixture
def sending() -> Iterator[SendingServer]:
    """One for each journey: they run the scheduler ahead of the clock, which a page would see."""
    with sending_server() as server:
        yield server


@pytest.fixture
def tab(browser: Browser, sending: SendingServer) -> Iterator[Page]:
    """In this file the browser is at the app that sends."""
    with a_tab(browser, sending.url) as tab:
        yield tab


def _state(db: DbService, email: str) -> tuple[str, list[str]]:
    """May we write to this person, and which of the enrollments are live?"""
    contact = db.contacts.by_email(email)
    assert contact is not None
    enrollments = db.enrollments.of_contact(contact.id)
    return contact.email_status, [e.campaign_key for e in enrollments if e.ended_at is None]


def test_a_person_who_unsubscribes_gets_nothing_more_and_the_timeline_says_so(
    opened: Page, sending: SendingServer
) -> None:
    for name in ("Stop", "Stay"):
        steps.add_contact(opened, name)
        opened.get_by_role("button", name="← Contacts").click()
    steps.open_campaign_manager(opened)
    steps.run_now(opened)
    (link,) = sending.mail_to("stop@journey.example")
    (mail,) = [m for m in sending.standin.accepted if m.to == "stop@journey.example"]
    assert link.startswith(f"{sending.url}/unsubscribe/")
    assert f'href="{link}"' in mail.html
    assert link in mail.text

    opened.goto(link)
    expect(opened.get_by_role("heading", name="Unsubscribe")).to_be_visible()
    opened.goto(f"{link}/hidden")
    expect(opened.get_by_role("heading", name="Nothing to see here")).to_be_visible()
    with sending.database() as db:
        assert _state(db, "stop@journey.example") == ("ok", ["lead"])

    opened.get_by_role("link", name="To the unsubscribe page").click()
    opened.get_by_role("button", name="Unsubscribe").click()
    expect(opened.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    with sending.database() as db:
        assert _state(db, "stop@journey.example") == ("unsubscribed", [])
        contact = db.contacts.by_email("stop@journey.example")
        assert contact is not None

    sending.tick_at(now() + LATER)
    assert len(sending.mail_to("stop@journey.example")) == 1
    # The same run did write to the person who said nothing.
    assert len(sending.mail_to("stay@journey.example")) == 2

    opened.goto(f"/contacts?contact={contact.id}")
    expect(opened.get_by_role("heading", name="Stop")).to_be_visible()
    timeline = opened.locator(".timeline")
    expect(timeline).to_contain_text("Unsubscribed")
    expect(timeline).to_contain_text("Lead stopped: the contact unsubscribed")


def test_a_person_who_wants_a_pause_finds_it_behind_the_same_link(
    opened: Page, sending: SendingServer
) -> None:
    steps.add_contact(opened, "Pause")
    opened.get_by_role("button", name="← Contacts").click()
    steps.open_campaign_manager(opened)
    steps.run_now(opened)
    (link,) = sending.mail_to("pause@journey.example")

    opened.goto(link)
    opened.get_by_role("link", name="Or choose fewer e-mails").click()
    expect(opened.get_by_role("heading", name="E-mails from MPT")).to_be_visible()
    expect(opened.get_by_role("radio")).to_have_count(3)
    # Without a choice the browser itself holds the form back.
    opened.get_by_role("button", name="Save").click()
    expect(opened.get_by_role("heading", name="E-mails from MPT")).to_be_visible()
    opened.get_by_label("Pause everything for 30 days").check()
    opened.get_by_role("button", name="Save").click()
    expect(opened.get_by_role("heading", name="E-mails are paused")).to_be_visible()
    expect(opened.get_by_text("you get no e-mail from us before")).to_be_visible()
    with sending.database() as db:
        assert _state(db, "pause@journey.example") == ("ok", ["lead"])

    sending.tick_at(now() + timedelta(days=20))
    assert len(sending.mail_to("pause@journey.example")) == 1
    sending.tick_at(now() + LATER)
    assert len(sending.mail_to("pause@journey.example")) == 2
