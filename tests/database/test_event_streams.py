"""Events in any order, repeated, cut into any batches, end in the same state as sorted once."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.mail.provider_events import KINDS
from crm.records.engine import Settlement
from crm.records.events import IncomingEvent
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.event_state import digest_of, state_of
from tests.database.sending import SlowScheduler, accepted, one, values

WEEK = timedelta(days=7)
TOLD_AT = NOW + timedelta(days=60)
SECONDS = [0, 1, 2, 3, 9, 30, 61, 3600, 90_000, 2_000_000]
URLS = ["", "https://mpt.example/a", "https://mpt.example/b", "https://mpt.example/c"]
HONEYPOT = "https://crm.mpt.example/unsubscribe/token/hidden"
REASONS = ["Bounced Address", "Spam Reporting Address", "Unsubscribed Address", "Invalid", ""]
AGENTS = ["Mozilla/5.0", "BarracudaCentral", ""]


@dataclass(frozen=True)
class Subject:
    """Whom an event is about: a send, or an address alone."""

    email: str
    send_id: str = ""
    request_id: str = ""


@pytest.fixture
def subjects(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps, raw: Raw
) -> list[Subject]:
    """Sends that were accepted, are in doubt, or are on their way; and people without any."""
    # Nobody here has three e-mails: two of them turned away must do.
    raw.execute("update app_settings set value = '2' where key = 'soft_bounce_limit'")
    published_steps("lead", 3)
    published_steps("client", 1)
    scheduler = SlowScheduler(service)
    lost, going = (a_contact(contact_type="lead") for _ in range(2))
    scheduler.send_all(next_step=2)
    _ends(scheduler, {lost: "unconfirmed", going: None}, NOW + WEEK)
    _ends(
        scheduler,
        {a_contact(contact_type="client"): "unconfirmed", a_contact(contact_type="client"): "done"},
        NOW + WEEK,
    )
    silent = a_contact(contact_type="networking", email="silent@customer.example")
    assert silent
    rows = raw.execute("select id::text, to_email, request_id::text from email_sends").fetchall()
    return [
        *(Subject(row["to_email"], row["id"], row["request_id"]) for row in rows),
        Subject("silent@customer.example"),
        Subject("stranger@elsewhere.example"),
        Subject("erased@customer.example", str(uuid4()), str(uuid4())),
    ]


def _ends(scheduler: SlowScheduler, endings: dict[str, str | None], now: datetime) -> None:
    """Hand over what is due: each contact's e-mail is accepted, left in doubt, or still going."""
    claimed = scheduler.claim(now)
    assert {send.contact_id for send in claimed} == set(endings)
    scheduler.hand_over([send.send_id for send in claimed], now)
    for send in claimed:
        ending = endings[send.contact_id]
        if ending == "unconfirmed":
            scheduler.settle([Settlement(send_id=send.send_id, status="unconfirmed")], now)
        elif ending == "done":
            scheduler.settle([accepted(send.send_id)], now)


@st.composite
def _events(draw: st.DrawFn, subjects: Sequence[Subject]) -> IncomingEvent:
    subject = draw(st.sampled_from(subjects))
    kind = draw(st.sampled_from(sorted(KINDS)))
    seconds = draw(st.sampled_from(SECONDS))
    url = draw(st.sampled_from([*URLS, HONEYPOT])) if kind == "click" else ""
    # The provider repeats an event word for word, so what is no part of its key follows from it.
    detail = random.Random(f"{subjects.index(subject)} {kind} {seconds} {url}")
    return IncomingEvent(
        event=kind,
        occurred_at=NOW + timedelta(seconds=seconds),
        email=draw(st.sampled_from([subject.email, "former@customer.example"])),
        send_id=subject.send_id,
        request_id=detail.choice([subject.request_id, ""]),
        message_id=draw(st.sampled_from(["message-1", ""])),
        url=url,
        attempt=draw(st.sampled_from(["", "2"])) if kind in {"deferred", "blocked"} else "",
        reason=detail.choice(REASONS),
        user_agent=detail.choice(AGENTS),
        ip=detail.choice(["192.0.2.1", "192.0.2.2"]),
        says_machine=kind == "open" and detail.random() < 0.3,
        payload={"event": kind},
    )


def _key(told: IncomingEvent) -> tuple[Any, ...]:
    return told.message_id, told.event, told.occurred_at, told.email, told.url, told.attempt


@st.composite
def _streams(
    draw: st.DrawFn, subjects: Sequence[Subject]
) -> tuple[list[IncomingEvent], list[list[IncomingEvent]]]:
    """The events sorted, each once; and the same as a webhook may tell them."""
    once = draw(st.lists(_events(subjects), min_size=1, max_size=20, unique_by=_key))
    repeats = draw(st.lists(st.sampled_from(once), max_size=12))
    stream = draw(
        st.permutations([*once, *(replace(told, provider_event_id="again") for told in repeats)])
    )
    cuts = sorted(draw(st.sets(st.integers(1, len(stream)), max_size=len(stream))))
    batches = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    return sorted(once, key=lambda told: told.occurred_at), [batch for batch in batches if batch]


def _record(raw: Raw, batch: Sequence[IncomingEvent]) -> None:
    rows = [asdict(told) | {"occurred_at": told.occurred_at.isoformat()} for told in batch]
    raw.execute("select * from record_events(%s, %s)", (json.dumps(rows), TOLD_AT))


def _end(raw: Raw, batches: Sequence[Sequence[IncomingEvent]]) -> dict[str, list[str]]:
    """The state after these batches; the database is as before."""
    with raw.transaction(force_rollback=True):
        for batch in batches:
            _record(raw, batch)
        return state_of(raw)


def _differences(one: dict[str, list[str]], other: dict[str, list[str]]) -> list[str]:
    return [
        f"{name}: {row}"
        for name in one
        for row in sorted({*one[name]} ^ {*other[name]}, key=lambda row: row[:37])
    ]


@pytest.mark.faults
def test_a_stream_of_events_in_any_order_ends_as_if_sorted_and_told_once(
    raw: Raw, subjects: list[Subject]
) -> None:
    @settings(max_examples=150, deadline=None)
    @given(stream=_streams(subjects))
    def check(stream: tuple[list[IncomingEvent], list[list[IncomingEvent]]]) -> None:
        once, as_told = stream
        assert _differences(_end(raw, [once]), _end(raw, as_told)) == []

    check()


@pytest.mark.parametrize("campaign", ["lead", "client"])
@pytest.mark.parametrize("stop", ["unsubscribe", "bounce", "spamreport"])
def test_proof_that_comes_after_a_stop_counts_as_much_as_before_it(
    raw: Raw, subjects: list[Subject], campaign: str, stop: str
) -> None:
    """The e-mail in doubt is the second of three in one campaign, and the last in the other."""
    doubtful = one(
        raw,
        "select s.id::text, s.to_email from email_sends s join drip_campaigns d"
        " on d.id = s.campaign_id where s.status = 'unconfirmed' and d.key = %s",
        campaign,
    )
    stopping = IncomingEvent(event=stop, occurred_at=NOW, email=doubtful["to_email"], payload={})
    proof = replace(stopping, event="processed", send_id=doubtful["id"])
    before, after = ([proof], [stopping]), ([stopping], [proof])
    assert _differences(_end(raw, before), _end(raw, after)) == []


def test_every_kind_of_subject_is_there(raw: Raw, subjects: list[Subject]) -> None:
    """What the property is worth depends on it."""
    statuses = values(raw, "select status from email_sends order by status")
    assert statuses == ["accepted"] * 3 + ["handed_over"] + ["unconfirmed"] * 2
    assert len(subjects) == 9


@pytest.mark.parametrize("kind", sorted(KINDS - {"group_resubscribe", "processed", "deferred"}))
def test_the_state_compared_is_the_one_events_change(
    raw: Raw, subjects: list[Subject], kind: str
) -> None:
    """Two states that differ are seen to differ, by rows and by digest."""
    before, digest = state_of(raw), digest_of(raw)
    subject = subjects[0]
    told = IncomingEvent(
        event=kind,
        occurred_at=NOW,
        email=subject.email,
        send_id=subject.send_id,
        payload={},
    )
    _record(raw, [told])
    changed = {name for name, rows in state_of(raw).items() if rows != before[name]}
    assert {"email_sends", "email_events", "send_requests"} <= changed
    assert {name for name, seen in digest_of(raw).items() if seen != digest[name]} == changed


def test_the_digest_does_not_depend_on_the_order_of_rows(address: str) -> None:
    def digest_after(statements: Sequence[str]) -> dict[str, str]:
        with psycopg.connect(address) as connection:
            for statement in statements:
                connection.execute(statement)
            digest = digest_of(connection)
            connection.rollback()
            return digest

    adding = [
        f"insert into suppressions (email, reason, source) values ('{n}@b.example', 'manual', 'x')"
        for n in range(5)
    ]
    assert digest_after(adding) == digest_after(adding[::-1])
    assert digest_after(adding) != digest_after(adding[1:])
