"""What the provider reports: the same event once, in any order, never moving a send backwards."""

import json
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from db_service import DbService, IncomingEvent
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, one, values

_INSERT = """
    insert into email_events (send_id, contact_id, event, occurred_at, message_id, email, url,
                              attempt, provider_event_id, says_machine)
    values (%(send_id)s, %(contact_id)s, %(event)s, %(occurred_at)s, %(message_id)s, %(email)s,
            %(url)s, %(attempt)s, %(provider_event_id)s, %(says_machine)s)
    on conflict on constraint same_event_once do nothing"""


def _report(raw: Raw, send: dict[str, Any], event: str, **fields: Any) -> int:
    """Insert one event as the webhook will; returns how many rows were added."""
    row = {
        "send_id": send["id"],
        "contact_id": send["contact_id"],
        "event": event,
        "occurred_at": NOW,
        "message_id": "message-1",
        "email": send["to_email"],
        "url": "",
        "attempt": "",
        "provider_event_id": "event-1",
        "says_machine": False,
    } | fields
    return raw.execute(_INSERT, row).rowcount


@pytest.fixture
def sent(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps, raw: Raw
) -> dict[str, Any]:
    published_steps("lead", 2)
    a_contact()
    SlowScheduler(service).send_all(next_step=2)
    return one(raw, "select * from email_sends")


def test_an_event_sent_again_under_a_new_id_is_the_same_event(
    raw: Raw, sent: dict[str, Any]
) -> None:
    assert _report(raw, sent, "delivered") == 1
    assert _report(raw, sent, "delivered", provider_event_id="event-2") == 0


@pytest.mark.parametrize(
    "difference",
    [
        {"message_id": "message-2"},
        {"event": "open"},
        {"occurred_at": NOW + timedelta(seconds=1)},
        {"email": "other@customer.example"},
        {"url": "https://mpt.example/"},
        {"attempt": "2"},
    ],
)
def test_an_event_that_differs_is_another_event(
    raw: Raw, sent: dict[str, Any], difference: dict[str, Any]
) -> None:
    assert _report(raw, sent, "click") == 1
    assert _report(raw, sent, **({"event": "click"} | difference)) == 1


def test_a_delivery_is_written_on_the_send(raw: Raw, sent: dict[str, Any]) -> None:
    _report(raw, sent, "delivered", occurred_at=NOW + timedelta(seconds=9))
    row = one(raw, "select status, delivered_at from email_sends")
    assert (row["status"], row["delivered_at"]) == ("delivered", NOW + timedelta(seconds=9))


def test_the_first_open_and_click_count_and_machines_do_not(raw: Raw, sent: dict[str, Any]) -> None:
    for seconds, machine in ((1, True), (30, False), (20, False)):
        for event in ("open", "click"):
            moment = NOW + timedelta(seconds=seconds)
            _report(raw, sent, event, occurred_at=moment, says_machine=machine)
    row = one(raw, "select first_opened_at, first_clicked_at from email_sends")
    assert set(row.values()) == {NOW + timedelta(seconds=20)}


_STORY = ("processed", "delivered", "open", "bounce", "dropped")


def _tell(raw: Raw, send: dict[str, Any], story: tuple[str, ...]) -> list[str]:
    """Report the events one by one; the states the send went through."""
    with raw.transaction(force_rollback=True):
        states = []
        for event in story:
            moment = NOW + timedelta(seconds=_STORY.index(event))
            _report(raw, send, event, occurred_at=moment)
            states.append(values(raw, "select status from email_sends")[0])
        return states


_LADDER = ["accepted", "delivered", "dropped", "bounced"]


def test_events_in_any_order_end_alike_and_never_move_a_send_backwards(
    raw: Raw, sent: dict[str, Any]
) -> None:
    endings = set()
    for story in permutations(_STORY):
        ranks = [_LADDER.index(state) for state in _tell(raw, sent, story)]
        assert ranks == sorted(ranks), story
        endings.add(_LADDER[ranks[-1]])
    assert endings == {"bounced"}


def test_a_batch_of_events_in_one_statement_ends_the_same(raw: Raw, sent: dict[str, Any]) -> None:
    raw.execute(
        "insert into email_events (send_id, contact_id, event, occurred_at)"
        " select %s, %s, e, now() from unnest(%s::text[]) e",
        (sent["id"], sent["contact_id"], list(_STORY)),
    )
    assert values(raw, "select status from email_sends") == ["bounced"]


@pytest.mark.parametrize("status", ["claimed", "handed_over", "unconfirmed", "failed", "retry"])
def test_an_event_proves_that_a_send_went_out_whatever_was_written_down_before(
    raw: Raw,
    service: DbService,
    a_contact: AContact,
    published_steps: PublishedSteps,
    status: str,
) -> None:
    """The send and its enrollment move on in the event's own transaction."""
    published_steps("lead", 2)
    a_contact()
    SlowScheduler(service).claim()
    raw.execute("update email_sends set status = %s", (status,))
    _report(raw, one(raw, "select * from email_sends"), "delivered")
    assert values(raw, "select status from email_sends") == ["delivered"]
    enrollment = one(raw, "select next_step, next_send_at, status from campaign_enrollments")
    assert enrollment == {
        "next_step": 2,
        "next_send_at": NOW + timedelta(days=7),
        "status": "active",
    }


def test_of_several_wishes_in_one_batch_the_gravest_counts(raw: Raw, sent: dict[str, Any]) -> None:
    raw.execute(
        "insert into email_events (contact_id, event, occurred_at)"
        " select %s, e, now() from unnest(array['bounce', 'unsubscribe', 'spamreport']) e",
        (sent["contact_id"],),
    )
    assert values(raw, "select email_status from contacts") == ["complained"]


def test_an_event_of_an_unknown_kind_is_refused(raw: Raw, sent: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="email_events_event_check"):
        _report(raw, sent, "teleported")


def test_the_payload_is_kept_as_it_came(raw: Raw, sent: dict[str, Any]) -> None:
    raw.execute(
        "insert into email_events (event, occurred_at, payload) values ('open', now(), %s)",
        (json.dumps({"useragent": "x"}),),
    )
    assert values(raw, "select payload ->> 'useragent' from email_events") == ["x"]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    ("reports", "listed_as"),
    [
        # Only what SendGrid dropped says by its reason why.
        ([("bounce", "Spam Reporting Address"), ("group_unsubscribe", "")], "unsubscribed"),
        ([("bounce", ""), ("dropped", "Unsubscribed Address")], "unsubscribed"),
        ([("dropped", "Spam Reporting Address"), ("unsubscribe", "")], "complaint"),
        ([("dropped", "Bounced Address")], "hard_bounce"),
    ],
)
def test_of_reports_about_an_erased_address_the_weightiest_counts_in_any_order(
    service: DbService,
    raw: Raw,
    reports: list[tuple[str, str]],
    listed_as: str,
    *,
    together: bool,
) -> None:
    events = [
        IncomingEvent(
            event=kind,
            occurred_at=NOW,
            email="erased@customer.example",
            send_id="6c641efd-4421-4144-ab04-fa30180a41fd",
            reason=reason,
            payload={},
        )
        for kind, reason in reports
    ]
    for order in permutations(events):
        raw.execute("delete from suppressions")
        for batch in [list(order)] if together else [[told] for told in order]:
            service.events.record(batch, now=NOW)
        assert values(raw, "select reason from suppressions") == [listed_as]
