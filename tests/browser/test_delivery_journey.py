"""What nobody can be sure of is decided by an admin, what failed is tried again, what comes back is
told in words, and suppression lists are brought in line.

Each in a real browser, against an app that sends to the stand-in.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from crm.records.contacts import ContactDraft
from tests.browser import steps
from tests.browser.sending_server import SendingServer, now, sending_server
from tests.standins import sendgrid_events
from tests.standins import sendgrid_records as script
from tests.standins.inbound_mail import InboundParse, parsed
from tests.standins.sendgrid_events import EventEmitter, event_of

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def sending() -> Iterator[SendingServer]:
    with sending_server() as server:
        yield server


@pytest.fixture(scope="module")
def app_url(sending: SendingServer) -> str:
    """In this file the browser is at the app that sends."""
    return sending.url


def test_a_lost_request_is_sent_again_by_hand_and_arrives_once(
    opened: Page, sending: SendingServer
) -> None:
    for name in ("Lost", "Gone"):
        steps.add_contact(opened, name)
        opened.get_by_role("button", name="← Contacts").click()
    steps.open_campaign_manager(opened)
    sending.standin.answer_next(script.drop_before_accepting())
    steps.run_now(opened)
    opened.get_by_role("button", name="Open the queue").click()
    expect(opened.get_by_text("Nobody knows whether 2 e-mails arrived.")).to_be_visible()
    expect(opened.get_by_text("Without the event webhook it waits for you.")).to_be_visible()
    assert sending.mail_to("lost@journey.example") == []

    opened.get_by_role("button", name="Send all 2 again").click()
    dialog = opened.get_by_role("dialog")
    expect(dialog.get_by_text("Whoever did receive it after all gets it twice.")).to_be_visible()
    dialog.get_by_role("button", name="Send all 2 again").click()
    expect(opened.get_by_text("2 e-mails will be sent with the next run.")).to_be_visible()
    expect(opened.get_by_text("Nobody knows whether")).to_be_hidden()
    steps.run_now(opened)
    assert len(sending.mail_to("lost@journey.example")) == 1
    assert len(sending.mail_to("gone@journey.example")) == 1


def test_one_of_a_group_is_marked_as_sent_and_the_contact_goes_on(
    opened: Page, sending: SendingServer
) -> None:
    for name in ("Adam", "Berta"):
        steps.add_contact(opened, name, kind="Client")
        opened.get_by_role("button", name="← Contacts").click()
    steps.open_campaign_manager(opened)
    sending.standin.answer_next(script.drop_after_accepting())
    steps.run_now(opened)
    opened.get_by_role("button", name="Open the queue").click()
    opened.get_by_role("button", name="Who they are").click()
    dialog = opened.get_by_role("dialog")
    table = dialog.get_by_test_id("stDataFrame")
    steps.expect_cell(table, "Adam")
    heading = opened.get_by_role("heading", name="Adam")
    steps.click_cell(table, row=0, x=60, leads_to=heading)
    steps.open_campaign_manager(opened)
    # It opens at the tab that was left, and the queue at its part.
    opened.get_by_role("tab", name="Queue").click()
    opened.get_by_role("button", name="Who they are").click()
    steps.expect_cell(table, "Adam")
    mark = dialog.get_by_role("button", name="Mark as sent")
    steps.click_cell(table, row=0, x=16, leads_to=mark)
    mark.click()
    follows = "It counts as sent and Adam goes on to the next e-mail."
    expect(opened.get_by_role("dialog").get_by_text(follows)).to_be_visible()
    opened.get_by_role("dialog").get_by_role("button", name="Mark as sent").click()
    expect(opened.get_by_text("1 e-mail marked as sent; the contacts go on.")).to_be_visible()
    expect(opened.get_by_text("Nobody knows whether 1 e-mail arrived.")).to_be_visible()
    opened.get_by_role("button", name="Open contact").click()
    expect(opened.get_by_role("heading", name="Berta")).to_be_visible()
    with sending.database() as db:
        adam = db.contacts.by_email("adam@journey.example")
        assert adam is not None
        assert db.enrollments.of_contact(adam.id)[0].next_position == 2


def test_what_the_provider_refuses_for_good_is_tried_again_by_hand(
    page: Page, sending: SendingServer
) -> None:
    _add_lead(sending, "Fay")
    sending.standin.answer_next(script.refused("The subject is not to our liking"))
    page.goto("/campaigns")
    steps.run_now(page)
    attention = page.locator(".st-key-attention")
    expect(attention).to_contain_text("1 e-mail failed")
    page.get_by_role("tab", name="Queue").click()
    page.get_by_role("radio", name="Failed (1)").click()
    card = page.locator("[class*=st-key-held_]")
    expect(card).to_contain_text("Fay")
    expect(card).to_contain_text("The subject is not to our liking")
    assert sending.mail_to("fay@journey.example") == []

    card.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("1 e-mail will be tried with the next run.")).to_be_visible()
    expect(page.get_by_text("No e-mail failed.")).to_be_visible()
    steps.run_now(page)
    assert len(sending.mail_to("fay@journey.example")) == 1


def test_what_comes_back_is_told_in_words_and_a_reply_stops_the_campaign(page: Page) -> None:
    events, inbound = EventEmitter(), InboundParse()
    with sending_server(events=events, inbound=inbound) as server:
        contact_id = _add_lead(server, "Echo")
        sent = now()
        server.tick_at(sent)
        [mail] = server.standin.accepted
        told = [
            event_of(mail, "delivered", at=sent + timedelta(seconds=1)),
            event_of(mail, "open", at=sent + timedelta(seconds=2), sg_machine_open=True),
            event_of(mail, "open", at=sent + timedelta(seconds=30)),
            event_of(mail, "click", at=sent + timedelta(seconds=40)),
        ]
        assert events.post(server.url + sendgrid_events.PATH, told).is_success
        page.goto(f"{server.url}/contacts?contact={contact_id}")
        entry = page.locator(".timeline li").filter(has_text="E-mail sent")
        expect(entry).to_contain_text("Delivered today")
        expect(entry).to_contain_text("opened today")
        expect(entry).to_contain_text("clicked mpt.example today")
        expect(entry).to_contain_text("By mail programs and scanners, not people: opened 1 time")

        _reply(server, inbound, mail)
        page.reload()
        timeline = page.locator(".timeline")
        expect(timeline).to_contain_text("Call me on Monday.")
        expect(timeline).to_contain_text("Lead stopped: the contact replied")
        expect(page.get_by_text("No campaign runs.")).to_be_visible()

        page.goto(f"{server.url}/campaigns?campaign=lead")
        first = page.locator(".sequence .step").nth(1)
        for label in ("Sent", "Delivered", "Opened", "Clicked", "Replied"):
            cell = first.locator("span").filter(has_text=label)
            expect(cell.locator("b")).to_have_text("1")


def _add_lead(server: SendingServer, name: str) -> str:
    draft = ContactDraft(
        first_name=name, email=f"{name.lower()}@journey.example", contact_type="lead"
    )
    with server.database() as db:
        return db.contacts.add(draft, created_by=None, now=now())


def _reply(server: SendingServer, inbound: InboundParse, mail: script.AcceptedMail) -> None:
    """Signed, as SendGrid's Inbound Parse passes it on."""
    headers = f"From: {mail.to}\r\nTo: hello@reply.mpt.example\r\nSubject: Re: {mail.subject}"
    body = parsed(f"{headers}\r\n\r\nCall me on Monday.\r\n".encode())
    answer = httpx.post(
        f"{server.url}/hooks/sendgrid/inbound",
        content=body,
        headers=inbound.headers(body, now()),
        trust_env=False,
        timeout=30,
    )
    assert answer.is_success


def test_both_suppression_lists_are_compared_and_settled(
    opened: Page, sending: SendingServer
) -> None:
    steps.add_contact(opened, "Drift", kind="Prospect")
    sending.standin.suppressions.add("spam_reports", ["drift@journey.example"])
    with sending.database() as db:
        db.suppressions.add(["never@journey.example"], ["manual"], source="test", now=now())
    opened.get_by_role("link", name="Settings").click()
    expect(opened.get_by_role("heading", name="Settings")).to_be_visible()
    opened.get_by_role("tab", name="Suppressions").click()
    opened.get_by_role("button", name="Compare with SendGrid").click()
    expect(opened.get_by_text("Only at SendGrid: 1 marked as spam.")).to_be_visible()
    opened.get_by_role("button", name="Settle").click()
    opened.get_by_role("dialog").get_by_role("button", name="Settle").click()
    expect(opened.get_by_text("1 address added here and 1 at SendGrid.")).to_be_visible()
    assert "never@journey.example" in sending.standin.suppressions["unsubscribes"]
    with sending.database() as db:
        drifted = db.contacts.by_email("drift@journey.example")
        assert drifted is not None
        assert (drifted.email_status, drifted.enrollment_status) == ("complained", None)


def test_limits_are_saved_and_can_be_emptied_again(opened: Page) -> None:
    opened.get_by_role("link", name="Settings").click()
    opened.get_by_role("tab", name="Limits").click()
    cap = opened.get_by_role("spinbutton", name="E-mails a day, all campaigns")
    cap.fill("5000")
    cap.blur()
    opened.get_by_role("button", name="Save").click()
    expect(opened.get_by_text("1 setting saved.")).to_be_visible()
    opened.reload()
    opened.get_by_role("tab", name="Limits").click()
    expect(cap).to_have_value("5000")
    cap.fill("")
    cap.blur()
    opened.get_by_role("button", name="Save").click()
    expect(opened.get_by_text("1 setting saved.")).to_be_visible()
    opened.reload()
    opened.get_by_role("tab", name="Limits").click()
    expect(cap).to_have_value("")
