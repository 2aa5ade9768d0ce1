"""Whoever said stop under one record is left alone under all of them, before and after a merge."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.database.errors import ConflictError, DatabaseBusyError, RuleBrokenError
from crm.records.events import IncomingReply
from crm.records.states import EmailStatus
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.merging import UNWANTED, WEEK, PeopleAsTheyAre, send_everything_due
from tests.database.reporting import the_send, told
from tests.database.sending import last_reason, live, one, values

DAY = timedelta(days=1)
REPLY = IncomingReply(
    message_id="<1@x>",
    sender="drop@customer.example",
    kind="person",
    subject="Re: Lead 1",
    text="Call me.",
    occurred_at=NOW,
)


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    published_steps("lead", 4)
    published_steps("prospect", 2)


@pytest.fixture
def pair(raw: Raw, a_contact: AContact, service: DbService) -> tuple[str, str]:
    """Kept, and to be dropped, each with an e-mail received."""
    keep = a_contact(email="keep@customer.example")
    drop = a_contact(email="drop@customer.example")
    send_everything_due(service, raw, NOW)
    return keep, drop


def _status(raw: Raw, contact: str) -> str:
    return str(values(raw, "select email_status from contacts where id = %s", contact)[0])


def _merge(desk: DbService, pair: tuple[str, str], **chosen: object) -> None:
    assert desk.contact_changes.merge(*pair, chosen, now=NOW + DAY) == "merged"


@pytest.mark.parametrize("status", [EmailStatus.UNSUBSCRIBED, EmailStatus.COMPLAINED])
@pytest.mark.parametrize("who", [0, 1])
def test_whoever_of_them_said_stop_both_are_stopped_and_listed(
    raw: Raw, pair: tuple[str, str], bob: DbService, who: int, status: EmailStatus
) -> None:
    bob.contacts.set_email_status(pair[who], status, reason="Said so", now=NOW)
    _merge(bob, pair)
    assert [_status(raw, contact) for contact in pair] == [status, status]
    assert live(raw, pair[0]) == []
    listed = values(raw, "select email from suppressions order by email")
    assert listed == ["drop@customer.example", "keep@customer.example"]


def test_a_bad_address_stays_with_its_address(
    raw: Raw, pair: tuple[str, str], bob: DbService
) -> None:
    bob.contacts.set_email_status(pair[0], EmailStatus.BOUNCED, reason="550", now=NOW)
    _merge(bob, pair, email="drop@customer.example")
    assert _status(raw, pair[0]) == "ok", "the good address was chosen"
    assert live(raw, pair[0]) == [("lead", "active")]


def test_a_bad_address_that_is_chosen_stops_the_campaigns(
    raw: Raw, pair: tuple[str, str], bob: DbService
) -> None:
    bob.contacts.set_email_status(pair[1], EmailStatus.BOUNCED, reason="550", now=NOW)
    _merge(bob, pair, email="drop@customer.example")
    assert (_status(raw, pair[0]), live(raw, pair[0])) == ("bounced", [])


def test_a_campaign_asked_to_end_and_a_pause_asked_for_are_kept(
    raw: Raw, pair: tuple[str, str], service: DbService, bob: DbService
) -> None:
    service.contacts.prefer(pair[1], "lead", "this_campaign", now=NOW)
    service.contacts.prefer(pair[1], None, "pause", now=NOW)
    _merge(bob, pair)
    assert live(raw, pair[0]) == []
    assert last_reason(raw, pair[0]) == "opted_out"
    quiet = one(raw, "select quiet_until, quiet_reason from contacts where id = %s", pair[0])
    assert (quiet["quiet_until"] > NOW + 29 * DAY, quiet["quiet_reason"]) == (
        True,
        "asked_for_a_pause",
    )
    [outcome] = bob.enrollments.enroll([pair[0]], campaign_id=None, source="manual", now=NOW)
    assert outcome.outcome == "opted_out"


def test_a_campaign_only_the_dropped_one_asked_to_end_never_starts_for_the_kept(
    raw: Raw, a_contact: AContact, service: DbService, bob: DbService
) -> None:
    drop, keep = a_contact(contact_type="prospect"), a_contact()
    service.contacts.prefer(drop, "prospect", "this_campaign", now=NOW)
    _merge(bob, (keep, drop))
    assert live(raw, keep) == [("lead", "active")]
    assert bob.contacts.change_type([keep], "prospect", now=NOW) == 1
    assert live(raw, keep) == []
    kinds = [a.summary for a in service.activities.timeline(keep)]
    assert "Asked for no more e-mails of Prospect" in kinds
    assert "Enrolled in Prospect" not in kinds


@pytest.mark.parametrize("kind", ["unsubscribe", "spamreport"])
def test_an_event_of_the_dropped_ones_e_mail_stops_the_kept(
    raw: Raw, pair: tuple[str, str], service: DbService, bob: DbService, kind: str
) -> None:
    _merge(bob, pair)
    told(service, the_send(raw, pair[1]), kind, at=NOW + DAY)
    assert live(raw, pair[0]) == []
    assert {_status(raw, c) for c in pair} == {
        "complained" if kind == "spamreport" else "unsubscribed"
    }


def test_a_late_bounce_of_the_address_now_in_use_stops_the_kept(
    raw: Raw, pair: tuple[str, str], service: DbService, bob: DbService
) -> None:
    _merge(bob, pair, email="drop@customer.example")
    told(service, the_send(raw, pair[1]), "bounce", at=NOW + DAY)
    assert (_status(raw, pair[0]), live(raw, pair[0])) == ("bounced", [])


@pytest.mark.parametrize("chosen", [{}, {"email": "drop@customer.example"}])
def test_a_reply_from_the_dropped_address_is_the_kept_ones(
    raw: Raw, pair: tuple[str, str], service: DbService, bob: DbService, chosen: dict[str, str]
) -> None:
    _merge(bob, pair, **chosen)
    assert service.events.record_reply(REPLY, now=NOW + DAY) == "stored"
    other = replace(REPLY, sender="keep@customer.example", message_id="<2@x>")
    assert service.events.record_reply(other, now=NOW + DAY) == "stored"
    assert (live(raw, pair[0]), last_reason(raw, pair[0])) == ([], "replied")
    replies = [a for a in service.activities.timeline(pair[0]) if a.kind == "reply"]
    assert len(replies) == 2


def test_the_links_in_the_dropped_ones_e_mails_still_work(
    raw: Raw, pair: tuple[str, str], service: DbService, bob: DbService
) -> None:
    _merge(bob, pair)
    assert service.contacts.prefer(pair[1], "lead", "this_campaign", now=NOW + DAY)
    assert (live(raw, pair[0]), last_reason(raw, pair[0])) == ([], "opted_out")
    assert not service.contacts.prefer(pair[1], "prospect", "this_campaign", now=NOW + DAY)
    assert service.contacts.prefer(pair[1], None, "pause", now=NOW + DAY)
    quiet = one(raw, "select quiet_reason from contacts where id = %s", pair[0])
    assert quiet["quiet_reason"] == "asked_for_a_pause"
    assert service.contacts.unsubscribe(pair[1], now=NOW + DAY)
    assert _status(raw, pair[0]) == "unsubscribed"


def test_a_link_pressed_again_after_a_lift_counts_again(
    raw: Raw, pair: tuple[str, str], service: DbService, bob: DbService
) -> None:
    _merge(bob, pair)
    service.contacts.unsubscribe(pair[1], now=NOW + DAY)
    bob.suppressions.lift("keep@customer.example", reason="Wrote to us", now=NOW + DAY)
    assert _status(raw, pair[0]) == "ok"
    service.contacts.unsubscribe(pair[1], now=NOW + 2 * DAY)
    assert _status(raw, pair[0]) == "unsubscribed"


def test_two_merges_of_the_same_two_at_once_make_one(
    raw: Raw, a_contact: AContact, bob: DbService
) -> None:
    contacts = [a_contact() for _ in range(4)]
    answers: list[str] = []

    def merge(keep: str, drop: str) -> None:
        try:
            answers.append(bob.contact_changes.merge(keep, drop, {}, now=NOW))
        except DatabaseBusyError:
            answers.append("busy")

    pairs = [(a, b) for a in contacts for b in contacts if a != b]
    threads = [Thread(target=merge, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "merged" in answers
    roots = values(raw, "select id::text from contacts where merged_into is null")
    pointed = set(
        values(raw, "select merged_into::text from contacts where merged_into is not null")
    )
    assert pointed <= set(roots), "who was merged points to somebody kept"
    assert answers.count("merged") == len(contacts) - len(roots)


_PEOPLE = range(4)
_DEEDS = st.one_of(
    st.tuples(st.just("merge"), st.sampled_from(_PEOPLE), st.sampled_from(_PEOPLE)),
    st.tuples(st.just("type"), st.sampled_from(_PEOPLE), st.sampled_from(["lead", "prospect"])),
    st.tuples(st.just("tick"), st.integers(1, 9), st.just(0)),
    st.tuples(st.just("stop"), st.sampled_from(_PEOPLE), st.just(0)),
    st.tuples(st.just("opt_out"), st.sampled_from(_PEOPLE), st.sampled_from(["lead", "prospect"])),
    st.tuples(st.just("restart"), st.sampled_from(_PEOPLE), st.just(0)),
    st.tuples(st.just("enroll"), st.sampled_from(_PEOPLE), st.just(0)),
)


@pytest.mark.faults
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(deeds=st.lists(_DEEDS, min_size=4, max_size=16))
def test_no_history_of_merges_repeats_an_e_mail_or_writes_to_who_said_stop(
    raw: Raw,
    service: DbService,
    bob: DbService,
    a_contact: AContact,
    deeds: list[tuple[str, int, object]],
) -> None:
    raw.execute("delete from contacts")  # of the example before
    people = [a_contact(contact_type="lead" if n % 2 else "prospect") for n in _PEOPLE]
    truth, moment = PeopleAsTheyAre(raw, people), NOW
    for deed, who, what in deeds:
        moment += DAY
        if deed == "merge":
            keep, drop = people[who], people[int(str(what))]
            if bob.contact_changes.merge(keep, drop, {}, now=moment) == "merged":
                truth.merged(keep, drop)
        elif deed == "type":
            bob.contacts.change_type([people[who]], str(what), now=moment)
        elif deed == "tick":
            moment += who * DAY
            send_everything_due(service, raw, moment)
        elif deed == "stop":
            service.contacts.unsubscribe(people[who], now=moment)
        elif deed == "opt_out":
            service.contacts.prefer(people[who], str(what), "this_campaign", now=moment)
        elif deed == "enroll":
            bob.enrollments.enroll([people[who]], campaign_id=None, source="manual", now=moment)
        else:
            _restart(bob, people[who], moment)
        truth.look()
    send_everything_due(service, raw, moment + 4 * WEEK)
    truth.look()
    assert raw.execute(UNWANTED).fetchall() == []


def _restart(desk: DbService, contact: str, moment: datetime) -> None:
    enrollments = desk.enrollments.of_contact(contact)
    newest = max(enrollments, key=lambda e: (e.campaign_id, e.run), default=None)
    if newest:
        # Refused where nothing may be sent, or another type's campaign runs.
        with suppress(RuleBrokenError, ConflictError):
            desk.enrollments.restart(newest.id, now=moment)
