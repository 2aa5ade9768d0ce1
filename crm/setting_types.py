"""What a setting may be: addresses, mailboxes, keys. Each raises ValueError with words that follow
the variable's name; the value itself is never repeated."""

from __future__ import annotations

import base64
import re
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import AfterValidator

# What may stand in angle brackets in a List-Unsubscribe header (RFC 2369): a PUBLIC_URL outside it
# would make every single e-mail unsendable.
_WEB_ADDRESS = re.compile(r"https?://[!-;=?-~]+")
_MAIL_ADDRESS = re.compile(r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+\.[^@\s<>,;:\".]+")
# A password with a bare @, / or % would be taken apart in the wrong place, and the driver would
# tell the pieces in its errors. Several hosts, none, or a folder of sockets are fine.
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[\w.%-]*)(?::[0-9]*)?"
_POSTGRES_ADDRESS = re.compile(
    r"postgres(?:ql)?://"
    r"(?:(?:[^\s:/?#@%\[\]]|%[0-9A-Fa-f]{2})*(?::(?:[^\s/?#@%\[\]]|%[0-9A-Fa-f]{2})*)?@)?"
    rf"{_HOST}(?:,{_HOST})*"
    r"(?:/[^\s?#@%]*)?(?:\?(?:[^\s#%]|%[0-9A-Fa-f]{2})*)?"
)
KEY = re.compile(r"[!-~]*")


def _web_address(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    if not _WEB_ADDRESS.fullmatch(value) or not _host_of(value):
        raise ValueError("must be a web address in plain ASCII, such as https://crm.example.com")
    if urlsplit(value).username is not None:
        raise ValueError("must not contain a user name or password")
    return value.rstrip("/")


def _base_address(value: str) -> str:
    """Links are made by putting a path behind it, and stand unescaped in HTML and text alike."""
    if set("?#&\"'") & set(value):
        raise ValueError("must be a bare address without a query or quotes")
    return _web_address(value)


def _host_of(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        # Asking for the port is what finds a malformed one.
        return parts.hostname if parts.port != 0 else None
    except ValueError:
        return None


def postgres_address(value: str) -> str:
    if value and not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("must start with postgresql://")
    if value and not _POSTGRES_ADDRESS.fullmatch(value):
        raise ValueError(
            "must be like postgresql://user:password@host:5432/name, with every special character "
            "of the password percent-encoded, such as %40 for @"
        )
    waits = parse_qs(urlsplit(value).query).get("connect_timeout", [])
    if not all(re.fullmatch(r"[1-9]\d?", seconds, re.ASCII) for seconds in waits):
        raise ValueError("connect_timeout must be whole seconds, 1 to 99")
    return value


def _mail_address(value: str) -> str:
    if not _MAIL_ADDRESS.fullmatch(value):
        raise ValueError("must be one e-mail address, such as hello@example.com")
    return value


def _public_key(value: str) -> str:
    """What SendGrid signs its webhooks with: base64 of the DER form of a P-256 public key."""
    if not value:
        return value
    words = "must be the public key SendGrid shows: base64, without BEGIN and END lines"
    try:
        key = load_der_public_key(base64.b64decode(value, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(words) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError(words)
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
BaseAddress = Annotated[str, AfterValidator(_base_address)]
OptionalWebAddress = Annotated[str, AfterValidator(lambda v: _web_address(v) if v else v)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
PublicKey = Annotated[str, AfterValidator(_public_key)]
OptionalMailAddress = Annotated[str, AfterValidator(lambda v: _mail_address(v) if v else v)]
