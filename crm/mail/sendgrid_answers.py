"""What an HTTP response of SendGrid's Mail Send says about the request. No I/O.

The rule behind the table: only a 202 is accepted, only a clear no is a no, and anything that is
neither is unconfirmed.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from crm.mail.message import (
    Accepted,
    Answer,
    RateLimited,
    RecipientsRefused,
    Refused,
    TooLarge,
    Unauthorized,
    Unconfirmed,
)

DEFAULT_WAIT_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 3_600.0
MAX_REASON_CHARACTERS = 300

# 404 and 405 mean that the base URL is not SendGrid's: as with the key, no recipient is at fault.
_ACCOUNT_AT_FAULT = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
}

# The rest of such a path, where the address itself is what is wrong.
_ADDRESS = re.compile(r"\.(?:to|email)\b")
_INDEX = re.compile(r"personalizations(?:\.|\[)(\d{1,6})(?!\d)")


def answer_of(
    status: int, headers: Mapping[str, str], body: bytes, *, clock: Callable[[], float]
) -> Answer:
    """`headers` looks names up without regard to case; `clock` gives epoch seconds."""
    if status == HTTPStatus.ACCEPTED:
        return Accepted(headers.get("X-Message-Id", "").strip() or None)
    if status == HTTPStatus.BAD_REQUEST:
        return _bad_request(body)
    if status in _ACCOUNT_AT_FAULT:
        return Unauthorized(_reason(status, body))
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooLarge()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(_wait_seconds(headers, clock()))
    # 408 comes from something between us and the provider, about a request that had begun.
    if 400 <= status < 500 and status != HTTPStatus.REQUEST_TIMEOUT:
        return Refused(_reason(status, body))
    return Unconfirmed(f"the provider answered with status {status}")


def _bad_request(body: bytes) -> Answer:
    """Refusals that name a recipient win: without those recipients the rest may well pass."""
    reasons: dict[int, str] = {}
    addresses: set[int] = set()
    for field, message in _errors(body):
        if found := _INDEX.match(field):
            index = int(found.group(1))
            if _ADDRESS.search(field, found.end()):
                addresses.add(index)
            words = f"{reasons[index]}; {message}" if index in reasons else message
            reasons[index] = words[:MAX_REASON_CHARACTERS]
    if reasons:
        return RecipientsRefused(reasons, frozenset(reasons.keys() - addresses))
    return Refused(_reason(HTTPStatus.BAD_REQUEST, body))


def _reason(status: int, body: bytes) -> str:
    words = "; ".join(
        f"{message} ({field})" if field else message for field, message in _errors(body)
    )
    return f"{int(status)}: {words or 'no reason given'}"[:MAX_REASON_CHARACTERS]


def _errors(body: bytes) -> Iterator[tuple[str, str]]:
    """(field, message) of each error; nothing for a body that is not SendGrid's error JSON."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return
    errors = parsed.get("errors") if isinstance(parsed, dict) else None
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            yield str(error.get("field") or ""), str(error.get("message") or "refused")


def _wait_seconds(headers: Mapping[str, str], now: float) -> float:
    """X-RateLimit-Reset is SendGrid's (epoch seconds); Retry-After is RFC 9110, 10.2.3."""
    reset = _number(headers.get("X-RateLimit-Reset"))
    wait = reset - now if reset is not None else _retry_after(headers.get("Retry-After"), now)
    return min(max(wait, 1.0), LONGEST_WAIT_SECONDS)


def _retry_after(text: str | None, now: float) -> float:
    seconds = _number(text)
    if seconds is not None:
        return seconds
    try:
        return parsedate_to_datetime(text or "").timestamp() - now
    except (ValueError, OverflowError):
        return DEFAULT_WAIT_SECONDS


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
