"""E-mails nobody can be sure of: the queue, the reasons to wait, and deciding by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

import db_service
from crm.mail.sendgrid_sender import SendGridSender
from crm.settings import Settings
from db_service import DbService
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, RunScheduler, shown
from tests.standins import sendgrid_records as script
from tests.standins.sendgrid import SendGridStandIn

PAGE = "13_Campaign_Manager"


@pytest.fixture
def sendgrid(sendgrid_standin: SendGridStandIn) -> Iterator[SendGridSender]:
    sender = SendGridSender(sendgrid_standin.key, sendgrid_standin.url)
    yield sender
    sender.close()


@pytest.fixture
def lost(
    a_contact: AContact,
    published_steps: PublishedSteps,
    admin: DbService,
    sendgrid_standin: SendGridStandIn,
    sendgrid: SendGridSender,
    run_scheduler: RunScheduler,
) -> list[str]:
    """One request with three e-mails whose answer never came; the contacts' ids."""
    published_steps("lead", 2)
    contacts = [
        a_contact(first_name=name, last_name="", email=f"{name.lower()}@example.com")
        for name in ("Ada", "Bea", "Cleo")
    ]
    sendgrid_standin.answer_next(script.drop_before_accepting())
    assert run_scheduler(sendgrid)["unconfirmed"] == 3
    return contacts


def _click(page: AppTest, label: str) -> AppTest:
    labels = [button.label for button in page.button]
    return page.button[labels.index(label)].click().run()


def _queue(open_page: OpenPage) -> AppTest:
    """The part of the queue that the attention line leads to."""
    return open_page(PAGE).button(key="open_queue").click().run()


def _statuses(raw: Raw) -> list[str]:
    return [row["status"] for row in raw.execute("select status from email_sends order by 1")]


def test_nothing_unconfirmed_takes_no_room(open_page: OpenPage) -> None:
    assert "Waiting for you" not in shown(open_page(PAGE))
    page = open_page(PAGE, view="Queue")
    page.segmented_control(key="queue_part").set_value("unconfirmed").run()
    text = shown(page)
    assert "Nobody knows whether" not in text
    assert "Every e\\-mail is accounted for" in text


def test_a_lost_request_is_one_group_that_waits_for_a_person_without_the_webhook(
    open_page: OpenPage, lost: list[str]
) -> None:
    page = _queue(open_page)
    text = shown(page)
    assert "Nobody knows whether 3 e-mails arrived." in text
    assert "Without the event webhook it waits for you." in text
    assert [b.label for b in page.button if "again" in b.label] == ["Send all 3 again"]
    assert "Mark as sent" not in [b.label for b in page.button]


def test_with_the_webhook_it_waits_for_evidence(
    open_page: OpenPage, lost: list[str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = settings.model_copy(update={"sendgrid_webhook_public_key": "a public key"})
    monkeypatch.setattr(db_service.connect(), "settings", heard)
    text = shown(_queue(open_page))
    assert "It waits for evidence from the event webhook." in text
    assert "It was never heard of yet" in text
    assert "a public key" not in text


def test_a_whole_group_is_sent_again_after_saying_what_may_follow(
    open_page: OpenPage,
    lost: list[str],
    raw: Raw,
    run_scheduler: RunScheduler,
    sendgrid: SendGridSender,
    sendgrid_standin: SendGridStandIn,
) -> None:
    page = _click(_queue(open_page), "Send all 3 again")
    assert "**Whoever did receive it after all gets it twice.**" in shown(page)
    assert _statuses(raw) == ["unconfirmed"] * 3
    page.button(key="decide_sure").click().run()
    text = shown(page)
    assert "3 e-mails will be sent with the next run." in text
    assert "Nobody knows whether" not in text
    run_scheduler(sendgrid)
    assert _statuses(raw) == ["accepted"] * 3
    assert len(sendgrid_standin.accepted) == 3


def test_a_whole_group_is_marked_as_sent_and_goes_on(
    open_page: OpenPage, lost: list[str], raw: Raw, admin: DbService
) -> None:
    page = _click(_queue(open_page), "Mark all 3 as sent")
    assert "their contacts go on to the next e-mail" in shown(page)
    page.button(key="decide_sure").click().run()
    assert "3 e-mails marked as sent; the contacts go on." in shown(page)
    assert _statuses(raw) == ["accepted"] * 3
    assert {admin.enrollments.of_contact(c)[0].next_position for c in lost} == {2}


def test_a_decision_can_be_left(open_page: OpenPage, lost: list[str], raw: Raw) -> None:
    page = _click(_queue(open_page), "Mark all 3 as sent")
    page.button(key="decide_cancel").click().run()
    assert "their contacts go on" not in shown(page)
    assert _statuses(raw) == ["unconfirmed"] * 3


def test_one_of_a_group_is_decided_alone(open_page: OpenPage, lost: list[str], raw: Raw) -> None:
    page = _click(_queue(open_page), "Who they are")
    table = page.dataframe(key="unconfirmed_table")
    assert list(table.value["Contact"]) == ["Ada", "Bea", "Cleo"]
    page.session_state["unconfirmed_table"] = {"selection": {"rows": [1], "columns": []}}
    page.run()
    page.button(key="sent_selected").click().run()
    assert "It counts as sent and **Bea** goes on to the next e-mail." in shown(page)
    page.button(key="decide_sure").click().run()
    rows = raw.execute("select to_email from email_sends where status = 'accepted'").fetchall()
    assert [row["to_email"] for row in rows] == ["bea@example.com"]
    assert "Nobody knows whether 2 e-mails arrived." in shown(page)


def test_a_single_one_bears_its_name_and_says_what_sending_again_risks(
    open_page: OpenPage, lost: list[str], raw: Raw
) -> None:
    raw.execute("update email_sends set handed_over_at = handed_over_at - interval '1 hour'")
    raw.execute(
        "update email_sends set handed_over_at = handed_over_at - interval '1 hour'"
        " where to_email = 'ada@example.com'"
    )
    page = _queue(open_page)
    assert "**Ada**" in shown(page)
    _click(page, "Send again")
    assert "If it did arrive after all, **Ada** gets it twice." in shown(page)


def test_several_groups_can_be_decided_together(
    open_page: OpenPage, lost: list[str], raw: Raw
) -> None:
    raw.execute(
        "update email_sends set handed_over_at = handed_over_at - interval '1 hour'"
        " where to_email = 'ada@example.com'"
    )
    page = _queue(open_page)
    page.button(key="sent_all").click().run()
    page.button(key="decide_sure").click().run()
    assert "3 e-mails marked as sent; the contacts go on." in shown(page)
    assert _statuses(raw) == ["accepted"] * 3


def test_what_was_settled_meanwhile_is_said(open_page: OpenPage, lost: list[str], raw: Raw) -> None:
    raw.execute("update contacts set email_status = 'unsubscribed' where email = 'ada@example.com'")
    page = _click(_queue(open_page), "Send all 3 again")
    page.button(key="decide_sure").click().run()
    assert "2 e-mails will be sent with the next run. 1 will not:" in shown(page)


def test_a_thousand_take_no_thousand_clicks(
    open_page: OpenPage,
    admin: DbService,
    published_steps: PublishedSteps,
    raw: Raw,
    run_scheduler: RunScheduler,
    sendgrid: SendGridSender,
    sendgrid_standin: SendGridStandIn,
) -> None:
    published_steps("lead", 2)
    raw.execute(
        "insert into contacts (first_name, email, contact_type)"
        " select 'N' || n, 'n' || n || '@example.com', 'lead' from generate_series(1, 1000) n"
    )
    sendgrid_standin.answer_next(script.drop_before_accepting())
    assert run_scheduler(sendgrid)["unconfirmed"] == 1000
    page = _click(_queue(open_page), "Mark all 1,000 as sent")
    page.button(key="decide_sure").click().run()
    assert "1,000 e-mails marked as sent; the contacts go on." in shown(page)
    assert _statuses(raw) == ["accepted"] * 1000


def test_a_sales_person_sees_their_own_without_buttons(
    open_page: OpenPage, lost: list[str], raw: Raw
) -> None:
    raw.execute("update profiles set role = 'sales' where full_name = 'Morgan Local'")
    raw.execute(
        "update contacts set owner_id = (select id from profiles where full_name = 'Morgan Local')"
    )
    page = _queue(open_page)
    text = shown(page)
    assert "Nobody knows whether 3 e-mails arrived." in text
    assert "An admin can decide about them." in text
    assert not [b for b in page.button if "sent" in b.label or "again" in b.label]


def test_the_database_refuses_a_decision_of_somebody_who_is_no_admin(
    open_page: OpenPage, lost: list[str], raw: Raw
) -> None:
    page = _click(_queue(open_page), "Mark all 3 as sent")
    raw.execute("update profiles set role = 'sales' where full_name = 'Morgan Local'")
    raw.execute(
        "update contacts set owner_id = (select id from profiles where full_name = 'Morgan Local')"
    )
    page.button(key="decide_sure").click().run()
    assert "Only an admin decides" in shown(page) or "You may not do this" in shown(page)
    assert _statuses(raw) == ["unconfirmed"] * 3


def test_when_it_was_heard_of_is_told(
    open_page: OpenPage,
    lost: list[str],
    raw: Raw,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = settings.model_copy(update={"sendgrid_webhook_public_key": "a public key"})
    monkeypatch.setattr(db_service.connect(), "settings", heard)
    raw.execute(
        "insert into email_events (contact_id, event, occurred_at, received_at, email, payload)"
        " values (%s, 'delivered', %s, %s, 'ada@example.com', '{}')",
        (lost[0], datetime.now(UTC), datetime.now(UTC)),
    )
    assert "It was last heard of just now." in shown(_queue(open_page))
