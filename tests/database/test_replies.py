"""Replies: a person's stops the campaigns, a machine's never does, and "remove me" is for good."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest

from crm.records.events import IncomingReply
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.reporting import the_send, told
from tests.database.sending import SlowScheduler, last_reason, live, one, values

DAY = timedelta(days=1)
REPLY = IncomingReply(
    message_id="<reply-1@customer.example>",
    sender="grace@customer.example",
    kind="person",
    subject="Re: Lead 1",
    text="Call me on Monday.",
    occurred_at=NOW,
)


@pytest.fixture(autouse=True)
def contact(published_steps: PublishedSteps, a_contact: AContact) -> str:
    for campaign in ("lead", "client"):
        published_steps(campaign, 3)
    return a_contact(email="grace@customer.example")


@pytest.fixture
def scheduler(service: DbService) -> SlowScheduler:
    return SlowScheduler(service)


def _record(service: DbService, now: datetime = NOW, **fields: object) -> str:
    return service.events.record_reply(replace(REPLY, **fields), now=now)  # type: ignore[arg-type]


def _status(raw: Raw) -> str:
    return str(values(raw, "select email_status from contacts where email like 'grace@%%'")[0])


def test_a_persons_reply_stops_the_campaign_and_stands_on_the_timeline(
    service: DbService, scheduler: SlowScheduler, contact: str, raw: Raw
) -> None:
    assert _record(service, sender=" Grace@Customer.Example ") == "stored"
    assert (live(raw, contact), last_reason(raw, contact)) == ([], "replied")
    told_so = [a for a in service.activities.timeline(contact) if a.kind == "reply"]
    assert [a.summary for a in told_so] == ["Replied: Re: Lead 1\n\nCall me on Monday."]
    assert scheduler.claim(NOW + 400 * DAY) == []
    assert _status(raw) == "ok", "who replied may be written to by a person"


def test_an_automatic_reply_is_shown_and_changes_nothing(
    service: DbService, scheduler: SlowScheduler, contact: str, raw: Raw
) -> None:
    assert _record(service, kind="automatic", quiet_until=NOW + 9 * DAY) == "stored"
    assert live(raw, contact) == [("lead", "active")]
    assert values(raw, "select quiet_until from contacts") == [None]
    kinds = [a.kind for a in service.activities.timeline(contact)]
    assert (kinds.count("auto_reply"), kinds.count("reply"), kinds.count("quiet")) == (1, 0, 0)
    assert len(scheduler.claim()) == 1


def test_out_of_office_holds_until_the_day_they_are_back(
    service: DbService, scheduler: SlowScheduler, contact: str, raw: Raw
) -> None:
    back = NOW + 9 * DAY
    assert _record(service, kind="out_of_office", quiet_until=back) == "stored"
    assert live(raw, contact) == [("lead", "active")]
    assert one(raw, "select quiet_until, quiet_reason from contacts") == {
        "quiet_until": back,
        "quiet_reason": "out_of_office",
    }
    assert scheduler.claim(back - timedelta(seconds=1)) == []
    assert len(scheduler.claim(back)) == 1
    summaries = [a.summary for a in service.activities.timeline(contact)]
    assert "Out of office: nothing is sent before 19 Mar 2026" in summaries


@pytest.mark.parametrize("until", [None, NOW, NOW - DAY])
def test_out_of_office_without_a_day_to_come_holds_nothing(
    service: DbService, scheduler: SlowScheduler, until: datetime | None
) -> None:
    assert _record(service, kind="out_of_office", quiet_until=until) == "stored"
    assert len(scheduler.claim()) == 1


def test_remove_me_suppresses_every_address_written_to(
    service: DbService, scheduler: SlowScheduler, contact: str, raw: Raw
) -> None:
    scheduler.send_all(next_step=2)
    raw.execute("update contacts set email = 'grace@new.example'")
    assert _record(service, kind="remove_me", sender="grace@new.example") == "stored"
    assert (live(raw, contact), last_reason(raw, contact)) == ([], "unsubscribed")
    assert sorted(values(raw, "select email from suppressions")) == [
        "grace@customer.example",
        "grace@new.example",
    ]
    assert set(values(raw, "select reason from suppressions")) == {"unsubscribed"}


@pytest.mark.parametrize("kind", ["person", "remove_me", "out_of_office", "automatic"])
def test_the_same_message_again_changes_nothing(
    service: DbService, contact: str, raw: Raw, kind: str
) -> None:
    said = {"kind": kind, "quiet_until": NOW + DAY}
    assert _record(service, **said) == "stored"  # type: ignore[arg-type]
    before = raw.execute("select * from activities order by id").fetchall()
    assert _record(service, NOW + 9 * DAY, **said) == "repeated"
    assert raw.execute("select * from activities order by id").fetchall() == before
    assert values(raw, "select count(*) from email_events") == [1]


def test_nothing_is_stored_of_somebody_unknown(service: DbService, raw: Raw) -> None:
    for kind in ("person", "remove_me", "out_of_office", "automatic"):
        assert _record(service, kind=kind, sender="who@elsewhere.example") == "unknown_sender"
    assert values(raw, "select count(*) from email_events") == [0]


def test_an_unknown_kind_is_refused_and_stores_nothing(service: DbService, raw: Raw) -> None:
    with pytest.raises(Exception, match="Unknown kind of reply"):
        _record(service, kind="sarcasm")
    assert values(raw, "select count(*) from email_events") == [0]


def test_a_reply_settles_no_e_mail_and_counts_for_no_breaker(
    service: DbService, scheduler: SlowScheduler, raw: Raw
) -> None:
    scheduler.hand_over([c.send_id for c in scheduler.claim()])
    _record(service)
    assert the_send(raw)["status"] == "handed_over"
    assert values(raw, "select count(*) from breaker_counts") == [0]


_MISHAPS = ("person", "remove_me", "bounce", "spamreport")


@pytest.mark.parametrize("mishaps", list(permutations(_MISHAPS, 2)), ids="-".join)
def test_reply_and_report_end_alike_in_either_order(
    service: DbService, scheduler: SlowScheduler, contact: str, raw: Raw, mishaps: tuple[str, ...]
) -> None:
    scheduler.send_all(next_step=2)
    send = the_send(raw)
    for number, mishap in enumerate(mishaps):
        if mishap in {"person", "remove_me"}:
            _record(service, kind=mishap, message_id=f"<{number}@customer.example>")
        else:
            told(service, send, mishap, reason="550 no such user")
    gravest = max(mishaps, key=_MISHAPS_BY_WEIGHT.index)
    assert (live(raw, contact), _status(raw)) == ([], _STATUS[gravest])
    if "remove_me" not in mishaps:
        assert last_reason(raw, contact) == _REASON[gravest]


_MISHAPS_BY_WEIGHT = ("person", "bounce", "remove_me", "spamreport")
_REASON = {
    "person": "replied",
    "bounce": "bounced",
    "remove_me": "unsubscribed",
    "spamreport": "complained",
}
_STATUS = _REASON | {"person": "ok"}


def test_a_later_enrollment_is_not_stopped_by_an_old_reply_told_again(
    service: DbService, bob: DbService, contact: str, raw: Raw
) -> None:
    _record(service)
    bob.contacts.change_type([contact], "client", now=NOW + DAY)
    assert live(raw, contact) == [("client", "active")]
    assert _record(service, NOW + DAY) == "repeated"
    assert live(raw, contact) == [("client", "active")]
