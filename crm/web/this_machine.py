"""Without a sign-in whoever reaches the app is its admin: this machine's own browsers, nobody else.

The app listens on 127.0.0.1 then, but a reverse proxy here would pass strangers on. What such a
proxy adds to a request gives it away. Pure ASGI, for requests and WebSockets alike.
"""

from __future__ import annotations

import ipaddress

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

_OF_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_REFUSAL = "The app has no sign-in yet, so it answers the machine it runs on and nobody else."


class ThisMachineAlone:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or _is_from_here(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(_REFUSAL, status_code=403)(scope, receive, send)
        else:
            await WebSocketClose()(scope, receive, send)


def _is_from_here(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    if any(name in headers for name in _OF_PROXIES):
        return False
    host, _ = scope.get("client") or ("", 0)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
