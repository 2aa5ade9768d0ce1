"""What the routes and the pages share of the sign-in by e-mail: its cookie and its addresses."""

from __future__ import annotations

from urllib.parse import urlsplit

from crm.settings import Settings

SIGN_IN_PATH = "/sign-in"
SIGN_OUT_PATH = "/sign-out"
_COOKIE = "mpt_sign_in"


def is_https(settings: Settings) -> bool:
    """Is the app published under https, so that cookies may be held to it?"""
    return settings.public_url.startswith("https://")


def cookie_name(settings: Settings) -> str:
    """Over https browsers keep anybody else, other hosts of the domain too, from setting a cookie
    with this prefix (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{_COOKIE}" if is_https(settings) else _COOKIE


def place(settings: Settings, path: str) -> str:
    """An address of the app for a link or a form: PUBLIC_URL may have a path of its own."""
    return f"{urlsplit(settings.public_url).path}{path}"
