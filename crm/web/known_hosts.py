"""Refuses requests under a host name that is not ours, as Streamlit does for its WebSocket alone.

Against DNS rebinding: a foreign site whose name resolves to this machine would else be of the same
origin as the app, and could read its answers. Pure ASGI; WebSockets pass to Streamlit's own check.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# Load balancers ask these by the machine's address, and they name nobody.
FOR_MONITORS = frozenset({"/health", "/_stcore/health"})
_LOOPBACK = ("127.0.0.1", "localhost")


class KnownHosts:
    """`hosts` as in Streamlit's server.allowedHosts; without any, this machine's own names."""

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = tuple(host.strip().lower().rstrip(".") for host in hosts or _LOOPBACK)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # 421 Misdirected Request (RFC 9110, 15.5.20)
        refusal = PlainTextResponse("No such host here.", status_code=421)
        await (self._app if self._is_meant(scope) else refusal)(scope, receive, send)

    def _is_meant(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["path"] in FOR_MONITORS:
            return True
        given = Headers(scope=scope).get("host", "")
        try:
            name = (urlsplit(f"//{given}").hostname or "").rstrip(".")
        except ValueError:
            return False
        return any(
            name.endswith(known[1:]) if known.startswith("*.") else known in {name, "*"}
            for known in self._hosts
        )
