"""The event webhook when something is wrong: with an event, with the database, with ourselves."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import psycopg.conninfo
import pytest

from crm.database import postgres
from crm.database.embedded import EmbeddedServer
from crm.web import clock, events
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.contract.event_site import (
    EMITTER,
    STAMP,
    an_accepted_email,
    counts,
    post,
    serving_events,
    stored,
    told,
)
from tests.database.sending import values
from tests.standins.sendgrid_events import PATH


@pytest.fixture
def site(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    with serving_events(address) as client:
        yield client


@pytest.fixture
def sent(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps, raw: Raw
) -> dict[str, Any]:
    published_steps("lead", 2)
    a_contact()
    return an_accepted_email(service, raw)


def test_malformed_events_are_kept_for_a_person_and_their_neighbours_stored(
    site: httpx.Client, sent: dict[str, Any], bob: DbService, raw: Raw
) -> None:
    broken: list[Any] = [
        {**told(sent, "open"), "timestamp": "soon"},
        {**told(sent, "open"), "event": "telepathy"},
        "no event",
    ]
    mixed = [told(sent, "processed"), *broken, told(sent, "delivered", seconds=61)]
    assert counts(post(site, *mixed)) == (2, 0, 0, 3)
    assert stored(raw) == ["processed", "delivered"]
    kept = bob.events.quarantined(limit=10)
    assert {message.source for message in kept} == {"events"}
    assert {message.problem for message in kept} == {
        "timestamp: missing, or not a number of seconds",
        "unknown event kind",
        "an event must be a JSON object",
    }
    assert {message.received_at for message in kept} == {NOW}
    assert json.loads(min(message.payload for message in kept)) == "no event"


def test_a_body_that_is_no_json_is_kept_and_not_asked_for_again(
    site: httpx.Client, bob: DbService
) -> None:
    body = b"\x00<html>"
    answer = site.post(PATH, content=body, headers=EMITTER.signed_headers(body, STAMP))
    assert counts(answer) == (0, 0, 0, 1)
    assert [message.payload for message in bob.events.quarantined(limit=2)] == ["\ufffd<html>"]


def test_one_event_the_database_refuses_costs_its_neighbours_nothing(
    site: httpx.Client, sent: dict[str, Any], bob: DbService, raw: Raw
) -> None:
    raw.execute("alter table email_events add constraint no_poison check (reason <> 'poison')")
    story = [told(sent, "deferred", seconds=n) for n in range(20)]
    story[13] |= {"response": "poison"}
    assert counts(post(site, *story)) == (19, 0, 0, 1)
    (kept,) = bob.events.quarantined(limit=5)
    assert "no_poison" in kept.problem
    assert json.loads(kept.payload) == story[13]


def test_more_events_than_one_statement_takes_are_all_stored(
    site: httpx.Client, sent: dict[str, Any], raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_CHUNK", 7)
    story = [told(sent, "deferred", seconds=n) for n in range(20)]
    assert counts(post(site, *story, *range(9))) == (20, 0, 0, 9)
    assert len(stored(raw)) == 20


@contextmanager
def away(server: EmbeddedServer, address: str) -> Iterator[None]:
    """Nobody can connect to this database any more, nor stay connected."""
    name = psycopg.conninfo.conninfo_to_dict(address)["dbname"]
    with psycopg.connect(server.address("postgres"), autocommit=True) as administrator:
        administrator.execute(f"alter database {name} allow_connections false")
        administrator.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,)
        )
        yield
        administrator.execute(f"alter database {name} allow_connections true")


def test_while_the_database_is_away_the_provider_is_asked_to_repeat(
    sent: dict[str, Any],
    server: EmbeddedServer,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(postgres, "_CONNECT_SECONDS", 1.0)
    with serving_events(address) as site:
        with away(server, address):
            answer = post(site, told(sent, "delivered"), "no event")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/json"
        # What is no event was not put aside at the first attempt: once is enough.
        assert counts(post(site, told(sent, "delivered"), "no event")) == (1, 0, 0, 1)
    with psycopg.connect(address) as connection:
        assert connection.execute("select count(*) from quarantined_messages").fetchone() == (1,)


@pytest.mark.parametrize(
    "fault", ["revoke execute on function {} from service_role", "drop function {}"]
)
def test_our_own_fault_is_answered_so_that_the_provider_repeats(
    site: httpx.Client, sent: dict[str, Any], raw: Raw, fault: str
) -> None:
    raw.execute(fault.format("record_events(text, timestamptz)"))
    answer = post(site, told(sent, "delivered"))
    assert answer.status_code == 500
    assert answer.json() == {"error": "The events could not be stored."}
    assert values(raw, "select problem from quarantined_messages") == []


def test_an_unforeseen_fault_is_answered_without_details(
    site: httpx.Client, sent: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: bytes) -> None:
        raise ZeroDivisionError("with an address in it")

    monkeypatch.setattr(events, "parse_batch", fail)
    answer = post(site, told(sent, "delivered"))
    assert answer.status_code == 500
    assert answer.json() == {"error": "The events could not be stored."}


def test_no_address_and_no_body_reaches_the_log(
    site: httpx.Client, sent: dict[str, Any], raw: Raw, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    post(site, told(sent, "delivered"), {**told(sent, "open"), "timestamp": "soon"})
    raw.execute("drop function record_events(text, timestamptz)")
    post(site, told(sent, "delivered"))
    ours = [record for record in caplog.records if record.name.startswith("crm.")]
    assert [record.getMessage() for record in ours] == [
        "the events could not be stored: DatabaseError"
    ]
    assert sent["to_email"] not in caplog.text
