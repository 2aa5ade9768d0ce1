"""Requests under a foreign host name stay outside, whatever spelling they come in."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from crm.web.known_hosts import KnownHosts
from tests import own_loop


def _answered(host: str, *hosts: str, path: str = "/") -> int:
    async def answer(_: Request) -> PlainTextResponse:
        return PlainTextResponse("ours")

    app = Starlette(
        routes=[Route("/{path:path}", answer)],
        middleware=[Middleware(KnownHosts, hosts=hosts)],
    )

    async def ask() -> int:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return (await client.get(path, headers={"Host": host})).status_code

    return own_loop.run(ask())


@pytest.mark.parametrize(
    "host", ["crm.mpt.example", "crm.mpt.example:8501", "CRM.mpt.example", "crm.mpt.example."]
)
def test_our_own_name_is_answered_in_any_spelling(host: str) -> None:
    assert _answered(host, "127.0.0.1", "crm.mpt.example") == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "crm.mpt.example.evil.example",
        "evilcrm.mpt.example",
        "crm.mpt.example@evil.example",
        "evil.example:8501",
        "",
        "[::1",
    ],
)
def test_any_other_name_is_refused(host: str) -> None:
    assert _answered(host, "127.0.0.1", "crm.mpt.example") == 421


def test_a_wildcard_means_names_below_it_alone() -> None:
    assert _answered("a.mpt.example", "*.mpt.example") == 200
    assert _answered("mpt.example", "*.mpt.example") == 421
    assert _answered("ampt.example", "*.mpt.example") == 421


def test_without_any_host_this_machine_alone_is_meant() -> None:
    assert _answered("localhost:8501") == 200
    assert _answered("evil.example") == 421


@pytest.mark.parametrize("path", ["/health", "/_stcore/health"])
def test_monitors_may_ask_by_any_name(path: str) -> None:
    assert _answered("10.1.2.3:8501", "crm.mpt.example", path=path) == 200
