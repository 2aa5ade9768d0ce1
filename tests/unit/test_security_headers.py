"""The headers of every answer, and the redirect after a sign-in that Streamlit did not take."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from crm.web.security_headers import SecurityHeaders, content_policy
from crm.web.sign_in_callback import RefusedSignIns
from tests import own_loop

SIGNED_IN = "_streamlit_user=2:1:0:a-signed-value; Path=/; HttpOnly; SameSite=lax"
TAKEN_BACK = '_streamlit_user=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/'


async def _plain(_: Request) -> Response:
    response = PlainTextResponse("Hello")
    response.headers.append("Set-Cookie", "_streamlit_xsrf=1; Path=/")
    response.headers.append("Set-Cookie", "mine=2; secure; Path=/")
    return response


async def _strict(_: Request) -> Response:
    return PlainTextResponse("", headers={"Content-Security-Policy": "default-src 'none'"})


async def _callback(request: Request) -> Response:
    """As Streamlit answers: back to the first page, whatever became of the sign-in."""
    response = RedirectResponse(request.query_params.get("to", "/"), status_code=302)
    for cookie in request.headers.get("X-Cookies", "").split("|"):
        if cookie:
            response.raw_headers.append((b"set-cookie", cookie.encode()))
    return response


def _get(path: str, public_url: str, headers: dict[str, str] | None = None) -> httpx.Response:
    app = Starlette(
        routes=[
            Route("/plain", _plain),
            Route("/strict", _strict),
            Route("/oauth2callback", _callback),
        ],
        middleware=[Middleware(SecurityHeaders, public_url=public_url), Middleware(RefusedSignIns)],
    )

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=public_url
        ) as client:
            return await client.get(path, headers=headers)

    return own_loop.run(get())


@pytest.mark.parametrize("path", ["/plain", "/unknown"])
def test_an_answer_is_guarded_whoever_made_it(path: str) -> None:
    headers = _get(path, "https://crm.example").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers["content-security-policy"] == content_policy("https://crm.example")


def test_a_stricter_policy_stays() -> None:
    headers = _get("/strict", "https://crm.example").headers
    assert headers.get_list("content-security-policy") == ["default-src 'none'"]
    assert headers["x-frame-options"] == "DENY"


def test_cookies_are_held_to_https_where_the_app_is_published_so() -> None:
    cookies = _get("/plain", "https://crm.example").headers.get_list("set-cookie")
    assert cookies == ["_streamlit_xsrf=1; Path=/; Secure", "mine=2; secure; Path=/"]


def test_an_app_without_https_promises_none() -> None:
    answer = _get("/plain", "http://127.0.0.1:8501")
    assert "strict-transport-security" not in answer.headers
    assert answer.headers.get_list("set-cookie")[0] == "_streamlit_xsrf=1; Path=/"


def test_a_websocket_passes_undisturbed() -> None:
    scope: Scope = {"type": "websocket", "path": "/oauth2callback", "query_string": b"code=1"}
    seen: list[tuple[Scope, Receive, Send]] = []

    async def inner(*given: object) -> None:
        seen.append(given)  # type: ignore[arg-type]

    async def receive() -> Message:
        raise AssertionError("nobody but the app itself listens")

    async def send(_: Message) -> None:
        raise AssertionError("nobody but the app itself speaks")

    guarded = SecurityHeaders(RefusedSignIns(inner), public_url="https://crm.example")
    own_loop.run(guarded(scope, receive, send))
    assert seen == [(scope, receive, send)]


def test_the_policy_lets_no_foreign_script_and_no_frame() -> None:
    policy = content_policy("https://crm.example:8443/crm")
    assert "connect-src 'self' wss://crm.example:8443;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy
    (scripts,) = [part for part in policy.split("; ") if part.startswith("script-src")]
    assert "unsafe" not in scripts
    assert "*" not in policy


@pytest.mark.parametrize(
    ("query", "cookies", "target"),
    [
        ("code=1&state=2", [SIGNED_IN], "/"),
        ("code=1&state=2", ["_streamlit_user_tokens=x; Path=/"], "/?sign_in=refused"),
        ("code=1&state=2", [TAKEN_BACK], "/?sign_in=refused"),
        ("code=1&state=2", [], "/?sign_in=refused"),
        ("error=access_denied&state=2", [], "/?sign_in=refused"),
        ("error=", [], "/?sign_in=refused"),
        ("code=1&to=/crm/", [], "/crm/?sign_in=refused"),
        ("code=1&to=/%3Fa=1", [], "/?a=1&sign_in=refused"),
        ("", [], "/"),
        ("state=2", [], "/"),
    ],
)
def test_a_failed_callback_leads_to_the_page_that_says_so(
    query: str, cookies: list[str], target: str
) -> None:
    told = {"X-Cookies": "|".join(cookies)}
    answer = _get(f"/oauth2callback?{query}", "http://127.0.0.1:8501", told)
    assert answer.headers["location"] == target
    assert answer.headers.get_list("set-cookie") == cookies
