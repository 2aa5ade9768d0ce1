"""The public form for a discovery call over real HTTP: what it keeps, refuses and never tells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from crm.discovery_questions import CONSENT, PUBLIC
from crm.records.discovery import FormSettings, Submission, SubmissionFilter
from crm.web import clock, discovery_form
from crm.web.discovery_views import STAMP, TRAP, consent_sentence
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.contract.public_site import assert_a_guarded_page, serving
from tests.database.sending import live

PATH = "/discovery-call"
FILLED = {
    "first_name": "Fiona",
    "email": " Fiona@Frost.example ",
    "company_name": "Frost Ltd",
    "goals": "Fewer calls",
    "budget": "$10,000–$25,000",
    CONSENT: "yes",
}


class Clock:
    """What the public routes take for the present."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def time_(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moving = Clock()
    monkeypatch.setattr(clock, "now", moving.now)
    return moving


@pytest.fixture
def closed_site(address: str, time_: Clock) -> Iterator[httpx.Client]:
    for name in ("readers", "callers", "addresses", "everybody"):
        getattr(discovery_form, name).forget()
    with serving(discovery_form.routes, address) as client:
        yield client


@pytest.fixture
def site(
    closed_site: httpx.Client, bob: DbService, published_steps: PublishedSteps
) -> httpx.Client:
    published_steps("lead", 2)
    bob.discovery.change_form(FormSettings(is_open=True, accept_first=False), now=NOW)
    return closed_site


def stamp_of(page: httpx.Response) -> str:
    found = re.search(f'name="{STAMP}" value="([^"]+)"', page.text)
    assert found
    return found[1]


def send(
    site: httpx.Client, time_: Clock, seconds: float = 30, /, **changes: str
) -> httpx.Response:
    """Opens the form, takes some time, and sends it."""
    fields = {**FILLED, STAMP: stamp_of(site.get(PATH)), **changes}
    time_.time += timedelta(seconds=seconds)
    return site.post(PATH, data=fields)


def kept(desk: DbService) -> list[Submission]:
    return list(desk.discovery.page(SubmissionFilter()).submissions)


def test_looking_shows_a_form_that_needs_no_script(site: httpx.Client, bob: DbService) -> None:
    answer = site.get(PATH)
    assert answer.status_code == 200
    assert_a_guarded_page(answer)
    assert "<script" not in answer.text
    for question in PUBLIC:
        assert f'<label class="asked" for="{question.key}">{question.asks}' in answer.text
        assert f'id="{question.key}" name="{question.key}"' in answer.text
    for purpose in ("given-name", "email", "tel", "organization"):
        assert f'autocomplete="{purpose}"' in answer.text
    assert consent_sentence() in answer.text
    assert site.head(PATH).status_code == 200
    assert kept(bob) == []


def test_a_request_becomes_a_lead_and_the_visitor_reads_thanks(
    site: httpx.Client, time_: Clock, bob: DbService, raw: Raw
) -> None:
    answer = send(site, time_)
    assert answer.status_code == 200
    assert_a_guarded_page(answer)
    assert "<h1>Thank you</h1>" in answer.text
    [new] = kept(bob)
    assert (new.email, new.source, new.contact_outcome) == (
        "fiona@frost.example",
        "public",
        "created",
    )
    assert new.contact_id
    assert live(raw, new.contact_id) == [("lead", "active")]
    answers, _ = bob.discovery.answers(new.id)
    assert answers["budget"] == FILLED["budget"]
    assert answers[CONSENT] == consent_sentence()


def test_the_answer_is_the_same_for_whoever_is_known(
    site: httpx.Client, time_: Clock, service: DbService, a_contact: AContact
) -> None:
    a_contact(email="client@frost.example", contact_type="client")
    a_contact(email="gone@frost.example", archived_at=NOW)
    service.suppressions.add(["stopped@frost.example"], ["unsubscribed"], source="x", now=NOW)
    texts = {
        send(site, time_, email=f"{who}@frost.example").text
        for who in ("stranger", "client", "gone", "stopped", "stranger")
    }
    assert len(texts) == 1


def test_errors_stand_at_their_fields_and_nothing_written_is_lost(
    site: httpx.Client, time_: Clock, bob: DbService
) -> None:
    answer = send(site, time_, email="fiona@", first_name=" ", consent="", goals="<b>A & B</b>")
    assert answer.status_code == 400
    assert_a_guarded_page(answer)
    assert 'role="alert"' in answer.text
    for key in ("first_name", "email", CONSENT):
        assert f'aria-invalid="true" aria-describedby="{key}-wrong"' in answer.text
        assert f'id="{key}-wrong"' in answer.text
    assert answer.text.count("autofocus") == 1
    assert 'value="fiona@"' in answer.text
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in answer.text
    assert 'value="$10,000–$25,000" selected' in answer.text
    assert kept(bob) == []


@pytest.mark.parametrize(
    ("field", "text"),
    [("budget", "A million"), ("goals", "x" * 3_001), ("first_name", "x" * 201)],
)
def test_what_no_form_of_ours_sends_is_refused_at_its_field(
    site: httpx.Client, time_: Clock, bob: DbService, field: str, text: str
) -> None:
    answer = send(site, time_, **{field: text})
    assert answer.status_code == 400
    assert f'id="{field}-wrong"' in answer.text
    assert kept(bob) == []


def test_fields_nobody_asks_for_are_not_kept(
    site: httpx.Client, time_: Clock, bob: DbService
) -> None:
    send(site, time_, next_step="Call the boss", notes="Hello", contact_type="client")
    [new] = kept(bob)
    answers, _ = bob.discovery.answers(new.id)
    assert answers["notes"] == "Hello"
    assert not answers.keys() & {"next_step", "contact_type", STAMP, TRAP}


# Programs


def test_who_fills_in_what_people_do_not_see_is_thanked_and_not_kept(
    site: httpx.Client, time_: Clock, bob: DbService
) -> None:
    thanks = send(site, time_).text
    assert send(site, time_, email="b@frost.example", **{TRAP: "x"}).text == thanks
    assert len(kept(bob)) == 1


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "look over what you wrote"), (90_000, "open for a long time")]
)
def test_too_fast_or_too_late_asks_to_send_again_and_then_takes_it(
    site: httpx.Client, time_: Clock, bob: DbService, seconds: float, words: str
) -> None:
    answer = send(site, time_, seconds)
    assert answer.status_code == 400
    assert words in answer.text
    assert kept(bob) == []
    time_.time += timedelta(seconds=5)
    again = site.post(PATH, data={**FILLED, STAMP: stamp_of(answer)})
    assert again.status_code == 200
    assert len(kept(bob)) == 1


@pytest.mark.parametrize("stamp", ["", "1773154800", "1773154800.forged", "x" * 5_000, "ü.ü"])
def test_a_moment_that_we_did_not_sign_is_none(
    site: httpx.Client, time_: Clock, bob: DbService, stamp: str
) -> None:
    assert send(site, time_, **{STAMP: stamp}).status_code == 400
    assert kept(bob) == []


def test_one_address_is_taken_a_few_times_a_day_and_the_rest_dropped_without_a_word(
    site: httpx.Client, time_: Clock, bob: DbService
) -> None:
    texts = {send(site, time_, goals=f"Goal {n}").text for n in range(5)}
    assert len(texts) == 1
    [new] = kept(bob)
    assert new.repeats == 2
    assert bob.discovery.answers(new.id)[0]["goals"] == "Goal 2"


def test_one_caller_and_all_together_are_limited(site: httpx.Client, time_: Clock) -> None:
    answers = [site.post(PATH, data={"first_name": "x"}) for _ in range(21)]
    assert [a.status_code for a in answers[-2:]] == [400, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    discovery_form.callers.forget()
    for _ in range(200):
        discovery_form.everybody.count("")
    assert send(site, time_).status_code == 429


def test_bodies_are_bounded(site: httpx.Client, bob: DbService) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    huge = b"goals=" + b"x" * discovery_form.MAX_BODY_BYTES
    assert site.post(PATH, content=huge, headers=form).status_code == 413
    many = b"&".join(b"a=1" for _ in range(50))
    assert site.post(PATH, content=many, headers=form).status_code == 400
    assert site.post(PATH, content=b"\xff\xfe=\x00&email=%00", headers=form).status_code == 400
    assert kept(bob) == []


# Closed, away, other methods


def test_a_closed_form_says_so_and_takes_nothing(
    closed_site: httpx.Client, bob: DbService, time_: Clock
) -> None:
    for answer in (closed_site.get(PATH), closed_site.post(PATH, data=FILLED)):
        assert answer.status_code == 404
        assert_a_guarded_page(answer)
        assert "This form is closed" in answer.text
        assert "<form" not in answer.text
    assert kept(bob) == []


def test_a_form_closed_while_somebody_writes_takes_nothing(
    site: httpx.Client, bob: DbService, time_: Clock
) -> None:
    stamp = stamp_of(site.get(PATH))
    bob.discovery.change_form(FormSettings(is_open=False, accept_first=False), now=NOW)
    time_.time += timedelta(seconds=30)
    assert site.post(PATH, data={**FILLED, STAMP: stamp}).status_code == 404
    assert kept(bob) == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_no_other_method_falls_through(site: httpx.Client, method: str) -> None:
    answer = site.request(method, PATH)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, POST"
    assert_a_guarded_page(answer)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_database_it_promises_nothing(method: str) -> None:
    discovery_form.callers.forget()
    with serving(
        discovery_form.routes, "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"
    ) as site:
        answer = site.request(method, PATH, timeout=30)
    assert answer.status_code == 503
    assert_a_guarded_page(answer)
