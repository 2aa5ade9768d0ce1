"""Nothing that is secret or personal gets out: a tour of the app with a log that tells all it can.

One tour, through what works and through what goes wrong; the tests look at what was left behind.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Error, Page, Response, WebSocket, expect

from crm.database.embedded import EmbeddedServer
from tests.browser.sign_in_server import a_browser, expect_heading, sign_in_as
from tests.browser.telling_server import ADMIN, PASSWORD, SECRETS, TellingServer, telling_server
from tests.standins.inbound_mail import form, parsed
from tests.standins.sendgrid_events import PATH as EVENTS
from tests.standins.sendgrid_events import body_of, event_of
from tests.standins.sendgrid_records import unauthorized

pytestmark = pytest.mark.browser

Call = Callable[[], httpx.Response]
INBOUND = "/hooks/sendgrid/inbound"
PEOPLE = ("victoria", "walter", "xenia", "yvonne", "zachary")
SAID = "Between us: the merger with Umbrella is off."
PAGES = (
    "/",
    "/contacts",
    "/discovery",
    "/projects",
    "/networking",
    "/campaigns",
    "/settings",
    "/users",
    "/audit-log",
    "/no-such-page",
    "/contacts?contact=00000000-0000-4000-8000-000000000000",
)


@dataclass(slots=True)
class Tour:
    """What came out on the way: page texts, live messages, answers with their headers."""

    pages: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    log: str = ""
    mail_texts: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def telling(server: EmbeddedServer) -> Iterator[TellingServer]:
    with telling_server(server) as telling:
        yield telling


@pytest.fixture(scope="module")
def tour(telling: TellingServer, browser: Browser) -> Tour:
    tour = Tour()
    _send_mail(telling, "victoria", "walter")
    with a_browser(browser, telling.url) as page:
        _listen(page, tour)
        sign_in_as(page, str(ADMIN["sub"]))
        expect_heading(page, "Dashboard")
        _search(page, f"{PEOPLE[1]}@customer.example")
        _visit(page, PAGES, tour)
        _call_routes(telling, tour)
        _send_mail_that_fails(telling)
        tour.cookies = [str(cookie["value"]) for cookie in page.context.cookies()]
        with telling.without_database():
            _call_routes(telling, tour)
            _visit(page, PAGES[:1], tour)
    tour.mail_texts = [
        text for mail in telling.standin.accepted for text in (mail.subject, mail.text)
    ]
    tour.tokens = _tokens(telling)
    tour.log = telling.log
    return tour


def _send_mail(telling: TellingServer, *names: str, kind: str = "lead") -> None:
    telling.rows(
        "update drip_campaigns set window_days = '{1,2,3,4,5,6,7}', window_start = '00:00',"
        " window_end = '00:00', respect_holidays = false"
    )
    for name in names:
        telling.rows(
            "insert into contacts (first_name, last_name, email, contact_type) values"
            f" ('{name.title()}', 'Privateperson', '{name}@customer.example', '{kind}')"
        )
    telling.run()


def _send_mail_that_fails(telling: TellingServer) -> None:
    """The provider refuses the key; then a template is broken past every check."""
    telling.standin.answer_next(unauthorized())
    _send_mail(telling, "xenia")
    telling.rows("update app_settings set value = 'null' where key = 'sending_halt'")
    telling.rows(
        "set session_replication_role = replica; update drip_campaign_templates"
        " set compiled = jsonb_set(compiled, '{slots}', '[{\"nonsense\": 1}]')"
        " where campaign_id = (select id from drip_campaigns where key = 'client')"
    )
    _send_mail(telling, "yvonne", kind="client")


def _listen(page: Page, tour: Tour) -> None:
    def answered(response: Response) -> None:
        # The app's own programs and styles, hundreds of files, are the same for everybody.
        if response.url.startswith(tour_url) and "/static/" not in response.url:
            with suppress(Error):  # a redirect has no body
                tour.answers.append(f"{response.all_headers()}\n{response.text()}")

    def connected(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: tour.pages.append(_text(payload)))

    tour_url = page.url.rstrip("/")
    page.on("response", answered)
    page.on("websocket", connected)


def _text(payload: str | bytes) -> str:
    return payload if isinstance(payload, str) else payload.decode("utf-8", "replace")


def _search(page: Page, words: str) -> None:
    page.get_by_role("link", name="Contacts", exact=True).click()
    box = page.get_by_label("Search contacts")
    box.fill(words)
    box.press("Enter")
    expect(page.get_by_text("1–1 of 1", exact=True)).to_be_visible()


def _visit(page: Page, paths: Sequence[str], tour: Tour) -> None:
    for path in paths:
        page.goto(path)
        expect(page.locator("[data-test-script-state=notRunning]")).to_be_attached(timeout=60_000)
        tour.pages.append(page.content())


def _tokens(telling: TellingServer) -> list[str]:
    links = [mail.headers["List-Unsubscribe"].strip("<>") for mail in telling.standin.accepted]
    return [link.rpartition("/")[2] for link in links]


def _call_routes(telling: TellingServer, tour: Tour) -> None:
    """Every public route, as it is meant and as it is not; at once, since some have to wait."""
    with (
        httpx.Client(base_url=telling.url, trust_env=False, timeout=60) as client,
        ThreadPoolExecutor(20) as threads,
    ):
        calls = [*_links(telling, client), *_hooks(telling, client), *_sign_ins(client)]
        for waiting in [threads.submit(call) for call in calls]:
            answer = waiting.result()
            tour.answers.append(f"{answer.headers}\n{answer.text}")


def _links(telling: TellingServer, client: httpx.Client) -> Iterator[Call]:
    yield partial(client.get, "/health")
    for token in (*_tokens(telling), "forged-token.of-nobody-that-we-know-of", "%00"):
        for path in (f"/unsubscribe/{token}", f"/preferences/{token}"):
            yield partial(client.get, path)
            yield partial(client.post, path, data={"choice": "less"})
        yield partial(client.get, f"/unsubscribe/{token}/hidden")


def _sign_ins(client: httpx.Client) -> Iterator[Call]:
    for query in ("error=access_denied&state=wrong", "code=a-code-of-nobody&state=wrong"):
        yield partial(client.get, f"/oauth2callback?{query}")
    for path in ("/auth/login", "/sign-in", "/sign-in/confirm?token_hash=abcdefgh1234"):
        yield partial(client.get, path)
    yield partial(client.post, "/sign-in/password", data={"email": "x", "password": "y"})


def _hooks(telling: TellingServer, client: httpx.Client) -> Iterator[Call]:
    now = datetime.now(UTC)
    mail = telling.standin.accepted[0]
    told = event_of(mail, "bounce", at=now, reason=f"550 no {mail.to}")
    reply = parsed(
        f"From: {mail.to}\r\nTo: x@mpt.example\r\nSubject: No\r\n\r\n{SAID}\r\n".encode()
    )
    nearly = b'[{"email": "' + mail.to.encode() + b'", "timestamp": "soon"}]'
    for body in (body_of([told]), b"", b"{", nearly, reply):
        signed = telling.events.signed_headers(body)
        for headers in (signed, dict.fromkeys(signed, "bm9ib2R5"), {}):
            yield partial(client.post, EVENTS, content=body, headers=headers)
    for body in (reply, form({"email": SAID.encode()}), form({}), b"\xff" + reply):
        good = telling.inbound.headers(body, now)
        yield partial(client.post, INBOUND, content=body, headers=good)
        yield partial(client.post, INBOUND, content=body + b"!", headers=good)


def _forms(secret: str) -> set[str]:
    """How a secret may look on its way: as it is, quoted, or as base64 shows it."""
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], encoded[:-2]}


def _secrets() -> list[tuple[str, str]]:
    """Settings and what they hold, but for the key that browsers may know."""
    settings = {**SECRETS, "DATABASE_URL": PASSWORD}
    named = [(name, part) for name, value in settings.items() for part in value.split(",")]
    return [(name, form) for name, value in named for form in _forms(value)]


def _found_in(texts: list[str]) -> set[str]:
    return {name for name, secret in _secrets() if any(secret in text for text in texts)}


def test_the_tour_went_where_it_should(tour: Tour, telling: TellingServer) -> None:
    shown = "\n".join(tour.pages)
    for name in ("Victoria", "Walter"):
        assert name in shown, "the pages were shown to somebody who may see them"
    assert "The database does not answer" in shown, "the database was away"
    answers = "\n".join(tour.answers)
    assert "You are unsubscribed" in answers
    assert "database unreachable" in answers
    assert "The signature is missing or does not fit." in answers
    assert '"stored":1' in answers
    statuses = {seen.status for seen in telling.standin.requests}
    assert {202, 401} <= statuses
    assert "DEBUG" in tour.log
    assert tour.tokens


def test_no_page_and_no_live_message_shows_a_secret(tour: Tour) -> None:
    assert _found_in(tour.pages) == set()


def test_no_answer_and_no_header_shows_a_secret(tour: Tour) -> None:
    assert _found_in(tour.answers) == set()


def test_the_log_holds_no_secret(tour: Tour) -> None:
    assert _found_in([tour.log]) == set()


def test_the_log_holds_nobodys_address_and_no_name(tour: Tour) -> None:
    people = [f"{name}@customer.example" for name in PEOPLE]
    private = [*people, *map(quote, people), "Privateperson", str(ADMIN["email"])]
    assert [word for word in private if word in tour.log] == []


def test_the_log_holds_no_sign_in(tour: Tour) -> None:
    long_enough = [cookie.strip('"') for cookie in tour.cookies if len(cookie) > 40]
    assert long_enough, "there was a sign-in"
    assert [cookie[:10] for cookie in long_enough if cookie[:40] in tour.log] == []


def test_the_log_holds_no_text_of_an_email_and_no_unsubscribe_token(tour: Tour) -> None:
    lines = [line.strip() for text in tour.mail_texts for line in text.splitlines()]
    telling_lines = {line for line in lines if len(line) > 25}
    assert telling_lines
    assert [line for line in [*telling_lines, SAID, *tour.tokens] if line in tour.log] == []


def test_what_went_wrong_left_no_traceback_in_pages_and_answers(tour: Tour) -> None:
    traces = re.compile(
        r"Traceback \(most recent|File \"[^\"]+\.py\"|psycopg|SQLSTATE|/crm/\w+\.py"
    )
    assert {
        found for text in [*tour.pages, *tour.answers] for found in traces.findall(text)
    } == set()


def test_this_scan_would_find_a_secret_in_any_form() -> None:
    for name, secret in _secrets():
        assert _found_in([f"before{secret}after"]) >= {name}
