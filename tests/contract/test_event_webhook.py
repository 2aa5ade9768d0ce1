"""The event webhook over real HTTP, signed as the provider signs, into a real database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

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
from tests.database.sending import one, values
from tests.standins.sendgrid_events import PATH, EventEmitter, again, body_of, event


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


def test_signed_events_are_stored_and_move_the_send(
    site: httpx.Client, sent: dict[str, Any], raw: Raw
) -> None:
    answer = post(site, told(sent, "processed"), told(sent, "delivered", seconds=61))
    assert counts(answer) == (2, 0, 0, 0)
    assert stored(raw) == ["processed", "delivered"]
    row = one(raw, "select status, delivered_at from email_sends")
    assert (row["status"], row["delivered_at"]) == ("delivered", NOW + timedelta(seconds=61))


def test_a_person_who_complains_is_never_written_to_again(
    site: httpx.Client, sent: dict[str, Any], service: DbService, raw: Raw
) -> None:
    assert counts(post(site, told(sent, "spamreport"))) == (1, 0, 0, 0)
    contact = service.contacts.get(sent["contact_id"])
    assert contact is not None
    assert contact.email_status == "complained"
    assert values(raw, "select reason from suppressions") == ["complaint"]
    assert values(raw, "select status from campaign_enrollments") == ["stopped"]


def test_an_event_sent_again_under_a_new_id_is_stored_once(
    site: httpx.Client, sent: dict[str, Any], raw: Raw
) -> None:
    delivery = told(sent, "delivered")
    assert counts(post(site, delivery, again(delivery))) == (1, 1, 0, 0)
    assert counts(post(site, again(delivery))) == (0, 1, 0, 0)
    assert stored(raw) == ["delivered"]


def test_events_about_people_we_never_wrote_to_leave_no_trace(site: httpx.Client, raw: Raw) -> None:
    stranger = event("bounce", email="stranger@elsewhere.example", at=NOW, message_id="m")
    assert counts(post(site, stranger)) == (0, 0, 1, 0)
    assert stored(raw) == []
    assert values(raw, "select email from suppressions") == []


def test_a_delivery_repeated_hours_later_is_taken(
    site: httpx.Client, sent: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=23))
    assert counts(post(site, told(sent, "delivered"))) == (1, 0, 0, 0)


@pytest.mark.parametrize("timestamp", [STAMP - 8 * 86_400, STAMP + 2 * 86_400])
def test_a_delivery_of_another_week_is_refused(
    site: httpx.Client, sent: dict[str, Any], raw: Raw, timestamp: int
) -> None:
    answer = EMITTER.post(PATH, [told(sent, "bounce")], timestamp=timestamp, client=site)
    assert answer.status_code == 403
    assert stored(raw) == []


def test_every_unsigned_request_gets_the_same_refusal_and_stores_nothing(
    site: httpx.Client, sent: dict[str, Any], raw: Raw
) -> None:
    body = body_of([told(sent, "bounce")])
    genuine = EMITTER.signed_headers(body, STAMP)
    signature, stamp = genuine
    answers = [
        site.post(PATH, content=body, headers=headers)
        for headers in (
            {},
            {signature: genuine[signature]},
            {stamp: genuine[stamp]},
            genuine | {signature: "AAAA"},
            genuine | {signature: "no base64"},
            genuine | {stamp: str(STAMP + 1)},
            EventEmitter().signed_headers(body, STAMP),
            EMITTER.signed_headers(body + b" ", STAMP),
        )
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.text for answer in answers}) == 1
    assert all(answer.headers["content-type"] == "application/json" for answer in answers)
    assert stored(raw) == []
    # The very same body is taken once it is signed: nothing else was wrong with it.
    assert site.post(PATH, content=body, headers=genuine).status_code == 200


def test_without_a_key_the_answer_names_the_setting(address: str) -> None:
    with serving_events(address, key="") as site:
        answer = post(site)
    assert answer.status_code == 503
    assert "SENDGRID_WEBHOOK_PUBLIC_KEY is not set" in answer.json()["error"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_any_other_method_is_answered_in_json(site: httpx.Client, method: str) -> None:
    answer = site.request(method, PATH)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.headers["content-type"] == "application/json"


def test_a_huge_body_is_refused(site: httpx.Client, raw: Raw) -> None:
    body = b"[" + b" " * events.MAX_BODY_BYTES + b"]"
    headers = EMITTER.signed_headers(body, STAMP)
    assert site.post(PATH, content=body, headers=headers).status_code == 413
    fits = b"[" + b" " * (events.MAX_BODY_BYTES - 2) + b"]"
    headers = EMITTER.signed_headers(fits, STAMP)
    assert counts(site.post(PATH, content=fits, headers=headers)) == (0, 0, 0, 0)


def test_requests_with_the_same_events_at_once_store_them_once(
    site: httpx.Client, sent: dict[str, Any], raw: Raw
) -> None:
    story = [told(sent, kind, seconds=n) for n in range(50) for kind in ("open", "deferred")]
    orders = (story, story[::-1], story[50:] + story[:50])
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda order: post(site, *order), orders))
    assert sum(counts(answer)[0] for answer in answers) == len(story)
    assert sum(counts(answer)[1] for answer in answers) == 2 * len(story)
    assert len(stored(raw)) == len(story)
