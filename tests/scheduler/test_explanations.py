"""What the engine really did, told in one sentence a step: whole ticks, then the question why."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.records.explanations import Explanation
from db_service import DbService, IncomingReply
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import one
from tests.scheduler.conftest import Scheduler
from tests.standins import sendgrid_records as answers
from tests.standins.sendgrid import SendGridStandIn

NEW_YORK = ZoneInfo("America/New_York")


def _told(scheduler: Scheduler, contact: str) -> list[Explanation]:
    return scheduler.service.explanations.of_contact(contact, now=scheduler.clock(), zone=NEW_YORK)


def _first(scheduler: Scheduler, contact: str) -> str:
    return _told(scheduler, contact)[0].sentence


def test_a_sequence_on_its_way_tells_past_present_and_future(
    scheduler: Scheduler, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 3, delay_days=3)
    contact = a_contact()
    scheduler.tick()
    assert [e.sentence for e in _told(scheduler, contact)] == [
        "Sent Tue 10 Mar 2026, 11:00; its delivery has not been reported yet.",
        "Due Fri 13 Mar 2026, 11:00; it leaves within the sending hours.",
        "Follows 3 days after e-mail 2.",
    ]


def test_at_night_it_tells_the_opening_it_waits_for(
    scheduler: Scheduler, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    contact = a_contact(time_zone="America/New_York", country="US")
    scheduler.clock.now = datetime(2026, 3, 14, 2, 0, tzinfo=UTC)  # Friday night
    scheduler.tick()
    assert _first(scheduler, contact) == (
        "Waits until Mon 16 Mar 2026, 09:00: outside sending hours (Mon–Fri 09:00–17:00,"
        " America/New York)."
    )


def test_on_a_holiday_it_names_the_holiday(
    scheduler: Scheduler, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    contact = a_contact(time_zone="America/New_York", country="US")
    scheduler.clock.now = datetime(2026, 5, 25, 15, 0, tzinfo=UTC)
    scheduler.tick()
    assert _first(scheduler, contact) == (
        "Waits until Tue 26 May 2026, 09:00: Mon 25 May is a public holiday in US: Memorial Day."
    )


def test_over_the_daily_cap_it_tells_how_much_was_enough(
    scheduler: Scheduler, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 2, delay_days=0)
    contact = a_contact(time_zone="America/New_York", country="US")
    scheduler.tick()
    scheduler.tick(minutes=5)
    assert _told(scheduler, contact)[1].sentence == (
        "Waits until Wed 11 Mar 2026, 09:00: this contact already got one e-mail on Tue 10 Mar and"
        " gets at most 1 a day."
    )


def test_a_reply_ends_the_rest(
    scheduler: Scheduler, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 2)
    contact = a_contact(email="ada@customer.example")
    scheduler.tick()
    _receive(scheduler, "person")
    assert [e.sentence for e in _told(scheduler, contact)] == [
        "Sent Tue 10 Mar 2026, 11:00; its delivery has not been reported yet.",
        "Not sent: Lead ended on Tue 10 Mar 2026, 11:00, before this e-mail, because the contact"
        " replied.",
    ]


@pytest.mark.parametrize("ticks", [0, 1])
def test_out_of_office_tells_until_when_before_and_after_the_engine_noticed(
    scheduler: Scheduler, a_contact: AContact, published_steps: PublishedSteps, ticks: int
) -> None:
    published_steps("lead", 1)
    contact = a_contact(email="ada@customer.example")
    _receive(scheduler, "out_of_office", quiet_until=NOW + timedelta(days=6))
    for _ in range(ticks):
        scheduler.tick()
    assert _first(scheduler, contact) == (
        "Waits until Mon 16 Mar 2026, 11:00: the contact is out of office."
    )


@pytest.mark.parametrize(
    ("choice", "because"),
    [
        ("this_campaign", "the contact asked for no more of these e-mails."),
        (
            "everything",
            "the contact unsubscribed (Chose no more e-mails on the preference page).",
        ),
    ],
)
def test_a_choice_on_the_preference_page_is_told(
    scheduler: Scheduler,
    service: DbService,
    a_contact: AContact,
    published_steps: PublishedSteps,
    choice: str,
    because: str,
) -> None:
    published_steps("lead", 1)
    contact = a_contact()
    service.contacts.prefer(contact, "lead", choice, now=NOW)
    scheduler.tick()
    assert _first(scheduler, contact) == (
        f"Not sent: Lead ended on Tue 10 Mar 2026, 11:00, before this e-mail, because {because}"
    )


def test_an_answer_that_never_came_is_told_as_held(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 2)
    contact = a_contact()
    sendgrid_standin.answer_next(answers.drop_after_accepting())
    scheduler.tick()
    [held, behind] = _told(scheduler, contact)
    assert (held.standing, behind.standing) == ("held", "waiting")
    assert held.sentence.startswith(
        "Held because nobody can tell whether it went out on Tue 10 Mar 2026, 11:00;"
    )


def test_marked_as_sent_by_hand_it_says_so(
    scheduler: Scheduler,
    bob: DbService,
    raw: Raw,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 2)
    contact = a_contact()
    sendgrid_standin.answer_next(answers.drop_after_accepting())
    scheduler.tick()
    send = str(one(raw, "select id from email_sends")["id"])
    bob.sends.mark_as_sent([send], now=scheduler.clock.advance(hours=1))
    [sent, following] = _told(scheduler, contact)
    assert sent.sentence == (
        "Sent Tue 10 Mar 2026, 11:00; its delivery has not been reported yet; somebody knew that it"
        " went out and marked it as sent."
    )
    assert following.sentence.startswith("Due Tue 17 Mar 2026, 11:00")


def test_a_refused_key_is_told_as_the_account_s_trouble(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    contact = a_contact()
    sendgrid_standin.answer_next(answers.unauthorized())
    scheduler.tick()
    assert _told(scheduler, contact)[0].standing == "held"
    assert _first(scheduler, contact).startswith(
        "Due since Tue 10 Mar 2026, 11:00; all sending is stopped until an admin resumes it ("
    )


def test_a_provider_that_asks_to_wait_is_told_with_the_next_try(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    contact = a_contact()
    in_ten_minutes = (NOW + timedelta(minutes=10)).timestamp()
    sendgrid_standin.answer_next(answers.rate_limited(reset_epoch_seconds=in_ten_minutes))
    scheduler.tick()
    told = _told(scheduler, contact)[0]
    assert told.standing == "waiting"
    assert "the provider did not take it (" in told.sentence


def test_a_step_that_came_too_late_is_told_as_left_out(
    scheduler: Scheduler, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 2)
    _let_it_expire(raw, step=1, after_days=2)
    contact = a_contact()
    scheduler.tick(days=8)
    assert [e.sentence for e in _told(scheduler, contact)] == [
        "Left out on Wed 18 Mar 2026, 11:00: by then it was too late to be of use.",
        "Due Wed 25 Mar 2026, 11:00; it leaves within the sending hours.",
    ]


def test_a_paused_campaign_is_told_with_the_reason_given(
    scheduler: Scheduler,
    bob: DbService,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    contact = a_contact()
    [campaign] = [c.id for c in bob.campaigns.all_rules() if c.key == "lead"]
    bob.campaigns.pause(campaign, reason="The copy is being rewritten.", now=NOW)
    scheduler.tick()
    assert _first(scheduler, contact) == (
        "Waits until somebody resumes the paused campaign; the reason given is “The copy is being"
        " rewritten”."
    )


def _receive(scheduler: Scheduler, kind: str, quiet_until: datetime | None = None) -> None:
    reply = IncomingReply(
        message_id="<1@customer.example>",
        sender="ada@customer.example",
        kind=kind,
        subject="Re: hello",
        text="",
        occurred_at=scheduler.clock(),
        quiet_until=quiet_until,
    )
    assert scheduler.service.events.record_reply(reply, now=scheduler.clock()) == "stored"


def _let_it_expire(raw: Raw, *, step: int, after_days: int) -> None:
    content = one(
        raw, "select to_jsonb(t) as row from drip_campaign_templates t where step = %s", step
    )["row"]
    content |= {"expires_after_days": after_days, "content_hash": "that expires"}
    raw.execute(
        "select publish_template(%s, %s, %s, %s)",
        [content["campaign_id"], step, json.dumps(content), NOW],
    )
