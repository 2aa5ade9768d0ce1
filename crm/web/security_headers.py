"""Headers that every answer of the app carries, Streamlit's own pages included.

Pure ASGI: it touches the head of HTTP answers and nothing else, so a WebSocket passes undisturbed.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# One year (RFC 6797). Not for the hosts beside this one: they may not be ours.
_HTTPS_ONLY = "max-age=31536000"
# The one inline script in the page that Streamlit 1.67 serves: it says whether a crawler may read.
_INLINE_SCRIPT = "'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='"
_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class SecurityHeaders:
    """An answer keeps what it says itself: the public pages have a stricter policy of their own."""

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self._app = app
        self._is_https = public_url.startswith("https://")
        self._defaults = _EVERYWHERE | {"Content-Security-Policy": content_policy(public_url)}
        if self._is_https:
            self._defaults["Strict-Transport-Security"] = _HTTPS_ONLY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._guard(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_guarded)

    def _guard(self, headers: MutableHeaders) -> None:
        for name, value in self._defaults.items():
            headers.setdefault(name, value)
        if self._is_https:
            _hold_cookies_to_https(headers)


def _hold_cookies_to_https(headers: MutableHeaders) -> None:
    """Streamlit sets its sign-in cookies without Secure."""
    cookies = headers.getlist("set-cookie")
    del headers["set-cookie"]
    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        headers.append("set-cookie", cookie if "secure" in attributes else f"{cookie}; Secure")


def content_policy(public_url: str) -> str:
    """What Streamlit's pages may load: their own files. Their styles are made in the browser,
    previews of e-mails show the pictures their readers will see, and some browsers do not count a
    WebSocket to the same host as 'self'."""
    parts = urlsplit(public_url)
    socket = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}"
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {_INLINE_SCRIPT}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob: https:",
            "font-src 'self' data:",
            f"connect-src 'self' {socket}",
            "worker-src 'self' blob:",
            "frame-src 'self' blob: data:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
