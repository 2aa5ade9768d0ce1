"""The facts behind "why did, or didn't, this contact get that e-mail?", from real rows."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.records.explanations import Explanation, Standing
from db_service import DbService, IncomingEvent, Settlement
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, one

NEW_YORK = ZoneInfo("America/New_York")


def _told(service: DbService, contact: str, later: timedelta = timedelta()) -> list[Explanation]:
    return service.explanations.of_contact(contact, now=NOW + later, zone=NEW_YORK)


def test_a_new_enrollment_has_its_first_e_mail_due_and_the_others_behind_it(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 3)
    told = _told(service, a_contact())
    assert [(e.place, e.steps, e.standing, e.campaign_key) for e in told] == [
        (place, 3, Standing.WAITING, "lead") for place in (1, 2, 3)
    ]
    assert [e.sentence for e in told] == [
        "Due since Tue 10 Mar 2026, 11:00; it leaves with the next run within the sending hours.",
        "Follows 7 days after e-mail 1.",
        "Follows 7 days after e-mail 2.",
    ]


def test_places_are_counted_whatever_the_positions_are(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 3)
    raw.execute("update drip_campaign_templates set position = position * 10")
    assert [(e.step, e.place) for e in _told(service, a_contact())] == [(1, 1), (2, 2), (3, 3)]


def test_after_a_change_of_order_each_step_is_told_by_its_new_place(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 3)
    contact = a_contact()
    SlowScheduler(service).send_all(next_step=2)
    _reorder(service, [3, 1, 2])
    told = _told(service, contact)
    assert [(e.step, e.place, e.standing) for e in told] == [
        (3, 1, "not_sent"),
        (1, 2, "sent"),
        (2, 3, "waiting"),
    ]
    assert told[0].sentence == (
        "Left out: it was added later, or moved to a place the contact had passed."
    )


def test_a_step_taken_out_is_told_where_it_was_sent_and_nowhere_else(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 3)
    received = a_contact()
    SlowScheduler(service).send_all(next_step=2)
    waiting = a_contact()
    raw.execute(
        "select retire_step(id, 1::smallint, %s) from drip_campaigns where key='lead'", [NOW]
    )
    assert [(e.step, e.place) for e in _told(service, received)] == [(1, None), (2, 1), (3, 2)]
    assert [(e.step, e.place) for e in _told(service, waiting)] == [(2, 1), (3, 2)]


def test_an_e_mail_keeps_the_name_it_was_sent_under(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 2)
    received = a_contact()
    SlowScheduler(service).send_all(next_step=2)
    raw.execute(
        'select publish_template(campaign_id, 1, (to_jsonb(t) || \'{"name": "Renamed",'
        ' "content_hash": "new"}\')::text, %s) from drip_campaign_templates t where step = 1',
        [NOW],
    )
    assert _told(service, received)[0].template_name == "Lead e-mail 1"
    assert _told(service, a_contact())[0].template_name == "Renamed"


def test_after_a_restart_the_run_before_is_told_as_received_before(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 2)
    contact = a_contact()
    SlowScheduler(service).send_all(next_step=2)
    enrollment = str(one(raw, "select id from campaign_enrollments")["id"])
    raw.execute(
        "insert into drip_decisions (contact_id, enrollment_id, campaign_id, step, decided_at,"
        " reason, explanation) select contact_id, id, campaign_id, 1, %s, 'lease_expired', 'Old'"
        " from campaign_enrollments",
        [NOW],
    )
    service.enrollments.restart(enrollment, now=NOW + timedelta(hours=1))
    told = _told(service, contact, timedelta(hours=2))
    assert told[0].sentence == (
        "Due since Tue 10 Mar 2026, 12:00; it leaves with the next run within the sending hours;"
        " it was received before the restart, on Tue 10 Mar 2026, 11:00."
    )


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ("bounce", "Sent Tue 10 Mar 2026, 11:00, but it bounced (550 unknown)."),
        ("dropped", "Handed over Tue 10 Mar 2026, 11:00, but the provider dropped it (550 unk"),
        ("blocked", "Sent Tue 10 Mar 2026, 11:00, but the receiving server turned it away (550 u"),
    ],
)
def test_what_the_provider_reports_is_given_as_the_reason(
    service: DbService,
    a_contact: AContact,
    published_steps: PublishedSteps,
    event: str,
    sentence: str,
) -> None:
    published_steps("lead", 1)
    contact = a_contact(email="ada@customer.example")
    [sent] = SlowScheduler(service).send_all()
    report = IncomingEvent(
        event=event,
        occurred_at=NOW + timedelta(seconds=9),
        email="ada@customer.example",
        send_id=sent.send_id,
        reason="550 unknown.",
        payload={},
    )
    service.events.record([report], now=NOW + timedelta(minutes=1))
    told = _told(service, contact, timedelta(minutes=2))
    assert told[0].sentence.startswith(sentence)
    assert told[0].standing == "came_back"


def test_an_e_mail_that_failed_for_good_holds_the_campaign_and_says_why(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 2)
    contact = a_contact()
    scheduler = SlowScheduler(service)
    [claimed] = scheduler.claim()
    scheduler.hand_over([claimed.send_id])
    scheduler.settle([Settlement(send_id=claimed.send_id, status="failed", reason="Too large.")])
    assert [(e.standing, e.sentence) for e in _told(service, contact)] == [
        (
            "held",
            "Could not be sent on Tue 10 Mar 2026, 11:00 (Too large); the campaign waits for"
            " somebody to resume it.",
        ),
        (
            "held",
            "Waits until somebody resumes Lead for this contact (an e-mail could not be sent).",
        ),
    ]


def test_the_account_s_full_day_is_told_to_who_is_due(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    contact = a_contact()
    raw.execute("update app_settings set value = '5' where key = 'account_daily_cap'")
    assert "used up" not in _told(service, contact)[0].sentence
    raw.execute("insert into account_days values (%s, 5)", [NOW.date()])
    assert "the account's e-mails for today are used up" in _told(service, contact)[0].sentence
    assert "used up" not in _told(service, contact, timedelta(days=1))[0].sentence


def test_only_who_may_change_a_contact_is_told_what_was_sent_to_it(
    alice: DbService,
    bob: DbService,
    carol: DbService,
    charlie: DbService,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    contact = a_contact()
    published_steps("lead", 1)
    for person, may in ((alice, True), (bob, True), (carol, False), (charlie, False)):
        outside = person.explanations.why_not_enrolled(contact, zone=NEW_YORK)
        assert (outside is not None) is may
    enrolled = a_contact()
    for person, n in ((alice, 1), (bob, 1), (carol, 0), (charlie, 0)):
        assert len(_told(person, enrolled)) == n


OUTSIDE: dict[str, tuple[dict[str, Any], str]] = {
    "without an address": ({"email": None}, "the contact has no e-mail address."),
    "of a type without a campaign": ({"contact_type": "partner"}, "the type Partner has none."),
    "archived": ({"archived_at": NOW}, "the contact was archived on Tue 10 Mar 2026, 11:00."),
    "unsubscribed": ({"email_status": "unsubscribed"}, "the contact unsubscribed."),
    "of an empty campaign": ({"contact_type": "client"}, "it has no published e-mails."),
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_a_contact_outside_is_told_why(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps, case: str
) -> None:
    published_steps("lead", 1)
    fields, sentence = OUTSIDE[case]
    contact = a_contact(**fields)
    assert _told(service, contact) == []
    told = service.explanations.why_not_enrolled(contact, zone=NEW_YORK)
    assert told is not None
    assert told.endswith(sentence)


def test_a_contact_in_its_campaign_is_not_told_that_it_is_outside(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    contact = a_contact()
    assert service.explanations.why_not_enrolled(contact, zone=NEW_YORK) is None
    service.enrollments.stop_all(contact, now=NOW)
    assert service.explanations.why_not_enrolled(contact, zone=NEW_YORK) is None


def test_a_contact_in_another_type_s_campaign_is_told_so(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("client", 1)
    contact = a_contact(contact_type="client")
    published_steps("lead", 1)
    raw.execute("set session_replication_role = replica")  # a type change that no rule followed
    raw.execute("update contacts set contact_type = 'lead'")
    told = service.explanations.why_not_enrolled(contact, zone=NEW_YORK)
    assert told is not None
    assert "the contact is in Client, the campaign of another type" in told


def _reorder(service: DbService, steps: list[int]) -> None:
    [campaign] = [c.id for c in service.campaigns.all_rules() if c.key == "lead"]
    service.templates.reorder(campaign, steps, now=NOW)
