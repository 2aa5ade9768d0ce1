"""What comes back from the OIDC provider, when Streamlit did not take it.

A refused token (wrong audience, wrong nonce, bad signature), a refusal by the provider, or a
replayed answer all end in Streamlit with a silent redirect to the first page. This middleware adds
to that redirect what the page needs to say so. It changes nothing else about the answer: cookies
that Streamlit takes back stay taken back.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CALLBACK_PATH = "/oauth2callback"
# After a sign-out the provider comes back here too, with neither of them.
_ANSWERS_A_SIGN_IN = ("code", "error")
_USER_COOKIE = "_streamlit_user"
_SAYS_REFUSED = "sign_in=refused"


class RefusedSignIns:
    """Pure ASGI: a failed callback leads to the page that says so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_answer_to_a_sign_in(scope):
            await self._app(scope, receive, send)
            return

        async def send_told(message: Message) -> None:
            if message["type"] == "http.response.start":
                _tell(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_told)


def _is_answer_to_a_sign_in(scope: Scope) -> bool:
    if scope["type"] != "http" or not scope["path"].endswith(CALLBACK_PATH):
        return False
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return any(name in query for name in _ANSWERS_A_SIGN_IN)


def _tell(headers: MutableHeaders) -> None:
    location = headers.get("location")
    if location is None or any(map(_signs_in, headers.getlist("set-cookie"))):
        return
    headers["location"] = f"{location}{'&' if urlsplit(location).query else '?'}{_SAYS_REFUSED}"


def _signs_in(set_cookie: str) -> bool:
    """Does it set the cookie of a signed-in person, rather than take it back?"""
    try:
        cookie = SimpleCookie(set_cookie).get(_USER_COOKIE)
    except CookieError:
        return False
    return cookie is not None and cookie.value != "" and cookie["max-age"] != "0"
