"""What a stranger may cost: requests that never end, break off, or promise too much."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from crm.web import bodies, clock, events, inbound, preferences, unsubscribe
from db_service import connect
from tests.cast import NOW
from tests.contract.event_site import EMITTER, STAMP
from tests.contract.public_site import serving
from tests.standins.sendgrid_events import PATH

ROUTES = [*events.routes, *inbound.routes, *unsubscribe.routes, *preferences.routes]
GENUINE = EMITTER.signed_headers(b"[]", STAMP)
SIGNATURE, TIMESTAMP = GENUINE


@pytest.fixture
def site(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    keyed = [
        ("sendgrid_webhook_public_key", EMITTER.public_key),
        ("sendgrid_inbound_public_key", EMITTER.public_key),
    ]
    with serving(ROUTES, address) as client:
        settings = connect().settings
        for name, key in keyed:
            monkeypatch.setitem(settings.__dict__, name, key)
        yield client


def _begin(site: httpx.Client, path: str, length: int, headers: dict[str, str]) -> socket.socket:
    """A request of which nothing but the head is sent."""
    connection = socket.create_connection((site.base_url.host, site.base_url.port), timeout=10)
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def _status(connection: socket.socket) -> int:
    with connection:
        return int(connection.recv(12).split()[1])


@pytest.mark.parametrize("path", [events.PATH, inbound.PATH])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SIGNATURE: GENUINE[SIGNATURE]},
        {TIMESTAMP: GENUINE[TIMESTAMP]},
        GENUINE | {SIGNATURE: "x"},
        GENUINE | {SIGNATURE: "AAAA" * 18},
        GENUINE | {SIGNATURE: "A" * 10_000},
        GENUINE | {TIMESTAMP: "soon"},
        GENUINE | {TIMESTAMP: str(STAMP - 8 * 86_400)},
    ],
)
def test_no_body_is_read_for_headers_that_the_provider_never_sends(
    site: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    assert _status(_begin(site, path, 1_000, headers)) == 403


@pytest.mark.parametrize("path", [PATH, inbound.PATH, "/unsubscribe/x", "/preferences/x"])
def test_a_body_that_promises_to_be_too_large_is_refused_unread(
    site: httpx.Client, path: str
) -> None:
    assert _status(_begin(site, path, 40_000_000, GENUINE)) == 413


@pytest.mark.parametrize(
    ("path", "status"),
    [(PATH, 503), (inbound.PATH, 503), ("/unsubscribe/x", 408), ("/preferences/x", 408)],
)
def test_a_body_that_never_comes_is_not_waited_for(
    site: httpx.Client, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    monkeypatch.setattr(bodies, "READ_SECONDS", 0.1)
    assert _status(_begin(site, path, 1_000, GENUINE)) == status


@pytest.mark.parametrize("path", [PATH, inbound.PATH, "/unsubscribe/x", "/preferences/x"])
def test_a_client_that_goes_away_leaves_no_traceback(
    site: httpx.Client, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    server_log = logging.getLogger("uvicorn.error")  # It propagates nothing.
    server_log.addHandler(caplog.handler)
    try:
        connection = _begin(site, path, 1_000, GENUINE)
        connection.sendall(b"abc")
        time.sleep(0.1)
        connection.close()
        time.sleep(0.2)
    finally:
        server_log.removeHandler(caplog.handler)
    assert [r for r in caplog.records if r.levelno >= logging.ERROR or r.exc_info] == []


def test_a_few_large_bodies_are_held_at_once_and_small_ones_pass(
    site: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "WAIT_SECONDS", 0.2)
    large = 2_000_000
    held = [_begin(site, PATH, large, GENUINE) for _ in range(bodies.LARGE_AT_ONCE)]
    time.sleep(0.2)
    assert _status(_begin(site, PATH, large, GENUINE)) == 503
    chunks = iter([b" " * large])
    assert site.post(PATH, content=chunks, headers=GENUINE).status_code == 503
    assert site.post(PATH, content=b"[]", headers=GENUINE).status_code == 200
    for connection in held:
        connection.close()
    time.sleep(0.2)
    body = b"[" + b" " * large + b"]"
    signed = EMITTER.signed_headers(body, STAMP)
    assert site.post(PATH, content=body, headers=signed).status_code == 200
