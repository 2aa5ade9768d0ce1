"""The campaign manager as an admin uses it: runs, campaigns, queue, outbox, enrollments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from crm.mail.sendgrid_sender import SendGridSender
from crm.records.campaigns import Campaign
from db_service import DbService
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, RunScheduler, shown
from tests.standins import sendgrid_records as script
from tests.standins.sendgrid import SendGridStandIn

PAGE = "13_Campaign_Manager"
CODES = re.compile(r"\bNone\b|\bnan\b|paused_by_user|\d{4}-\d\d-\d\dT|[0-9a-f]{8}-[0-9a-f]{4}-")


@pytest.fixture
def a_sent_email(
    a_contact: AContact,
    published_steps: PublishedSteps,
    admin: DbService,
    run_scheduler: RunScheduler,
) -> str:
    """Ada received the first of two lead e-mails; the answer is her id."""
    published_steps("lead", 2)
    contact = a_contact(first_name="Ada", last_name="Byron", email="ada@example.com")
    assert run_scheduler()["accepted"] == 1
    return contact


def _lead(db: DbService) -> Campaign:
    return next(c for c in db.campaigns.overview() if c.key == "lead")


@pytest.mark.parametrize(
    ("view", "hint"),
    [
        ("Overview", "Not yet"),
        ("Overview", "No e-mails yet; nothing is sent."),
        ("Compare", "0 (–)"),
        ("Queue", "Nobody waits for an e\\-mail\\."),
        ("Outbox", "Nothing has been sent yet"),
        ("Enrollments", "Nobody in this campaign fits\\."),
        ("Runs", "The scheduler has not run yet\\."),
    ],
)
def test_before_anything_happened_every_part_says_what_to_do(
    open_page: OpenPage, view: str, hint: str
) -> None:
    text = shown(open_page(PAGE, view=view))
    assert hint in text
    assert not CODES.search(text)


def test_without_any_campaign_the_page_says_how_to_add_them(open_page: OpenPage, raw: Raw) -> None:
    raw.execute("update drip_campaigns set status = 'archived'")
    for view in ("Overview", "Compare", "Queue", "Enrollments"):
        shown(open_page(PAGE, view=view))
    assert "There are no campaigns yet" in shown(open_page(PAGE))


@pytest.mark.parametrize("view", ["Overview", "Outbox", "Runs"])
def test_a_run_and_its_emails_are_shown_in_words(
    open_page: OpenPage, a_sent_email: str, view: str
) -> None:
    text = shown(open_page(PAGE, view=view))
    assert "1 sent" in text
    assert "Test mode: e-mails stay on this machine" in text.replace("\\", "")
    if view == "Outbox":
        assert "Local only" in text
        assert "Ada Byron" in text
        assert "Lead e-mail 1" in text
    assert not CODES.search(text)


def test_campaigns_stand_in_the_order_of_contact_types(open_page: OpenPage) -> None:
    names = [heading.value for heading in open_page(PAGE).subheader]
    assert names[:4] == ["Networking", "Lead", "Prospect", "Client"]


def test_a_campaign_is_paused_with_a_reason_and_resumed(
    open_page: OpenPage, admin: DbService
) -> None:
    page = open_page(PAGE)
    page.button(key="pause_lead").click().run()
    page.text_input(key="pause_reason").set_value("New copy on Monday")
    page.button(key="pause_sure").click().run()
    text = shown(page)
    assert "Paused by Morgan Local: New copy on Monday" in text
    assert _lead(admin).status == "paused"
    page.button(key="resume_lead").click().run()
    assert "Lead goes on" in shown(page)
    assert _lead(admin).status == "active"


def test_sending_hours_are_changed_and_a_window_without_a_day_is_refused(
    open_page: OpenPage, admin: DbService
) -> None:
    page = open_page(PAGE, campaign="lead")
    page.button(key="window_lead").click().run()
    page.pills(key="window_days").set_value([])
    page.button(key="window_save").click().run()
    assert "Choose at least one day." in shown(page)
    page.pills(key="window_days").set_value([1, 2])
    page.button(key="window_save").click().run()
    assert "Lead: Mon–Tue" in shown(page)
    assert _lead(admin).window_days == (1, 2)


def test_hours_that_close_before_they_open_are_refused_in_words(open_page: OpenPage) -> None:
    page = open_page(PAGE, campaign="lead")
    page.button(key="window_lead").click().run()
    page.time_input(key="window_start").set_value(datetime(2026, 1, 1, 18, 0, tzinfo=UTC).time())
    page.time_input(key="window_end").set_value(datetime(2026, 1, 1, 9, 0, tzinfo=UTC).time())
    page.button(key="window_save").click().run()
    assert "The send window must open before it closes." in shown(page)


def test_run_now_asks_the_scheduler_and_tells_when_it_is_done(
    open_page: OpenPage, run_scheduler: RunScheduler, raw: Raw
) -> None:
    page = open_page(PAGE)
    page.button(key="run_now").click().run()
    assert page.button(key="run_now").label == "Running …"
    asked = raw.execute("select value from app_settings where key = 'run_requested_at'").fetchone()
    assert asked is not None
    assert asked["value"] is not None
    run_scheduler()
    page.run()
    assert "Run finished" not in shown(page), "a run on schedule is not the one that was asked for"
    assert page.button(key="run_now").label == "Running …"
    raw.execute("update scheduler_runs set trigger = 'requested'")
    page.run()
    assert "Run finished: Nothing was due." in shown(page)
    assert page.button(key="run_now").label == "Run now"


def test_halted_sending_is_impossible_to_miss_and_can_be_resumed(
    open_page: OpenPage, admin: DbService, settings: object
) -> None:
    service = DbService.for_service()
    service.engine.halt_sending("The key was refused.", now=datetime.now(UTC))
    page = open_page(PAGE)
    assert "**All sending is stopped.** The key was refused\\." in shown(page)
    page.button(key="resume_sending").click().run()
    assert "All sending is stopped" not in shown(page)
    assert admin.app_settings.sending_rules().halted_because is None


@pytest.fixture
def sendgrid(sendgrid_standin: SendGridStandIn) -> Iterator[SendGridSender]:
    sender = SendGridSender(sendgrid_standin.key, sendgrid_standin.url)
    yield sender
    sender.close()


def test_a_failed_email_waits_with_its_reason_and_can_be_tried_again(
    open_page: OpenPage,
    a_contact: AContact,
    published_steps: PublishedSteps,
    sendgrid_standin: SendGridStandIn,
    sendgrid: SendGridSender,
    run_scheduler: RunScheduler,
) -> None:
    published_steps("lead", 2)
    a_contact()
    odd = script.refused("The content is odd", field_name="content")
    sendgrid_standin.answer_next(odd, times=2)
    assert run_scheduler(sendgrid)["failed"] == 1
    page = open_page(PAGE)
    assert "**Waiting for you:** 1 e-mail failed." in shown(page)
    page.button(key="open_queue").click().run()
    assert "The content is odd" in shown(page)
    retry = [button for button in page.button if button.label == "Try again"]
    retry[0].click().run()
    assert "1 e-mail will be tried with the next run." in shown(page)
    assert "Waiting for you" not in shown(page)


def test_enrollments_of_a_campaign_are_listed_with_their_progress(
    open_page: OpenPage, a_sent_email: str, admin: DbService
) -> None:
    page = open_page(PAGE, view="Enrollments")
    page.selectbox(key="enrollments_campaign").set_value(_lead(admin).id).run()
    text = shown(page)
    assert "Lead e-mail 2" in text
    assert "Select rows to pause, resume, stop or restart them." in text


def test_a_campaign_that_stopped_itself_says_why_and_what_resuming_means(
    open_page: OpenPage, admin: DbService, raw: Raw
) -> None:
    why = "Stopped by itself: 6 of the last 60 e-mails bounced (10.0 %)."
    raw.execute(
        "update drip_campaigns set status = 'paused', paused_reason = %s where key = 'lead'", (why,)
    )
    raw.execute(
        "insert into breaker_counts (campaign_id, sent_on, accepted, bounced)"
        " select id, current_date, 60, 6 from drip_campaigns where key = 'lead'"
    )
    page = open_page(PAGE)
    assert "6 of the last 60 e\\-mails bounced" in page.warning[0].value
    page.button(key="resume_lead").click().run()
    assert "forgives what was counted" in shown(page)
    assert _lead(admin).status == "paused"
    page.button(key="resume_sure").click().run()
    assert "Lead goes on" in shown(page)
    assert _lead(admin).status == "active"
    assert raw.execute("select * from breaker_counts").fetchall() == []


def test_a_campaign_paused_by_hand_shows_no_warning(open_page: OpenPage, admin: DbService) -> None:
    admin.campaigns.pause(_lead(admin).id, reason="Paused by Bob", now=datetime.now(UTC))
    page = open_page(PAGE)
    assert not page.warning
    page.button(key="resume_lead").click().run()
    assert _lead(admin).status == "active"


def test_a_full_day_of_the_account_is_told_calmly(open_page: OpenPage, raw: Raw) -> None:
    today = datetime.now(UTC).date()
    raw.execute("insert into account_days (day, handed_over) values (%s, 499)", (today,))
    raw.execute("update app_settings set value = '500' where key = 'account_daily_cap'")
    words = "Today's limit of 500 e-mails is reached; the rest goes tomorrow."
    assert words not in shown(open_page(PAGE))
    raw.execute("update account_days set handed_over = 500")
    assert words in shown(open_page(PAGE))


def test_a_sales_person_sees_no_buttons_of_admins(
    open_page: OpenPage, raw: Raw, a_sent_email: str
) -> None:
    raw.execute("update profiles set role = 'sales' where full_name = 'Morgan Local'")
    page = open_page(PAGE)
    keys = {button.key for button in page.button}
    assert not keys & {"run_now", "pause_lead"}
    text = shown(page)
    assert "Running" in text
    assert "Admins pause campaigns" in text
    one = open_page(PAGE, campaign="lead")
    assert not {button.key for button in one.button} & {"pause_lead", "window_lead"}
