"""The body of an event webhook as events of our own, each element judged by itself. No I/O.

Names and meanings are those of SendGrid's Event Webhook Reference. What cannot be used becomes a
problem in words, with its payload, and never costs a good neighbour its place.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from crm.mail.provider_json import TooDeepError, elements_of, storable, storable_text, text_of

KINDS = frozenset(
    {
        "processed",
        "delivered",
        "deferred",
        "bounce",
        "blocked",
        "dropped",
        "open",
        "click",
        "spamreport",
        "unsubscribe",
        "group_unsubscribe",
        "group_resubscribe",
    }
)
"""Every kind of event that is stored. `blocked` is a bounce of type "blocked": the mail was turned
away, the address may be fine."""

MAX_PAYLOAD_CHARACTERS = 20_000
"""Of JSON; more than that is no event of the provider's."""

MAX_SHOWN_CHARACTERS = 10_000
"""How much of an unusable payload is kept."""

MAX_PROBLEMS = 1_000
"""In one body; beyond them only their number is kept."""

# Message id, address and url stand together in one index row, of 2,704 bytes at most.
_MAX_ID_BYTES = 200
_MAX_EMAIL_BYTES = 320
_MAX_URL_BYTES = 1_500
_MAX_ATTEMPT_BYTES = 20
_MAX_REASON_CHARACTERS = 1_000
_MAX_AGENT_CHARACTERS = 500
_MAX_IP_CHARACTERS = 100

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_LATEST = datetime(2101, 1, 1, tzinfo=UTC).timestamp()
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEvent:
    """One event. `occurred_at` is the provider's time to the second, aware UTC; an empty string
    stands for what the provider did not say."""

    event: str
    occurred_at: datetime
    email: str
    send_id: str
    request_id: str
    message_id: str
    provider_event_id: str
    url: str
    attempt: str
    reason: str
    user_agent: str
    ip: str
    says_machine: bool
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ParsedBatch:
    """`problems` are pairs of what is wrong, in words, and the payload it is about."""

    events: tuple[ProviderEvent, ...]
    problems: tuple[tuple[str, str], ...]


class _UnusableError(ValueError):
    """The words name the field."""


def parse_batch(body: bytes) -> ParsedBatch:
    """The events of a body, and whatever is none. Never raises for what the body says."""
    text = text_of(body)
    try:
        elements = elements_of(text)
    except ValueError:
        shown = storable_text(text[:MAX_SHOWN_CHARACTERS])
        return ParsedBatch((), (("The body is not a JSON array of events", shown),))
    events: list[ProviderEvent] = []
    problems: list[tuple[str, str]] = []
    unusable = 0
    for element in elements:
        try:
            events.append(_event(element))
        except (_UnusableError, TooDeepError) as error:
            unusable += 1
            if unusable <= MAX_PROBLEMS:
                problems.append((str(error), _shown(element)))
    if unusable > MAX_PROBLEMS:
        more = unusable - MAX_PROBLEMS
        problems.append((f"{more} more elements of this body could not be used", ""))
    return ParsedBatch(tuple(events), tuple(problems))


def _event(element: Any) -> ProviderEvent:
    if isinstance(element, TooDeepError):
        raise element
    if not isinstance(element, dict):
        raise _UnusableError("an event must be a JSON object")
    payload = storable(element)
    _check_size(payload)
    return ProviderEvent(
        event=_kind(payload),
        occurred_at=_occurred_at(payload),
        email=_email(payload),
        send_id=_uuid(payload.get("send_id")),
        request_id=_uuid(payload.get("request_id")),
        message_id=_within(_text(payload.get("sg_message_id")).partition(".")[0], _MAX_ID_BYTES),
        provider_event_id=_within(_text(payload.get("sg_event_id")), _MAX_ID_BYTES),
        url=_within(_text(payload.get("url")), _MAX_URL_BYTES),
        attempt=_within(_text(payload.get("attempt")), _MAX_ATTEMPT_BYTES),
        reason=_reason(payload),
        user_agent=_text(payload.get("useragent"))[:_MAX_AGENT_CHARACTERS],
        ip=_text(payload.get("ip"))[:_MAX_IP_CHARACTERS],
        says_machine=_text(payload.get("sg_machine_open")).lower() in {"true", "1"},
        payload=payload,
    )


def _check_size(payload: dict[str, Any]) -> None:
    if len(json.dumps(payload, ensure_ascii=False)) > MAX_PAYLOAD_CHARACTERS:
        raise _UnusableError(f"the event has more than {MAX_PAYLOAD_CHARACTERS:,} characters")


def _kind(payload: dict[str, Any]) -> str:
    kind = payload.get("event")
    if not isinstance(kind, str) or not kind:
        raise _UnusableError("event: missing, or not a text")
    if kind == "bounce" and payload.get("type") == "blocked":
        return "blocked"
    if kind not in KINDS:
        raise _UnusableError("unknown event kind")
    return kind


def _occurred_at(payload: dict[str, Any]) -> datetime:
    given = payload.get("timestamp")
    if isinstance(given, str) and _SECONDS.fullmatch(given.strip()):
        given = float(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise _UnusableError("timestamp: missing, or not a number of seconds")
    if not _EARLIEST <= given < _LATEST:
        raise _UnusableError("timestamp: before 2000 or after 2100")
    return datetime.fromtimestamp(math.floor(given), tz=UTC)


def _email(payload: dict[str, Any]) -> str:
    given = payload.get("email")
    email = given.strip().lower() if isinstance(given, str) else ""
    if not email:
        raise _UnusableError("email: missing, or not a text")
    if len(email.encode()) > _MAX_EMAIL_BYTES:
        raise _UnusableError(f"email: longer than {_MAX_EMAIL_BYTES} bytes")
    return email


def _reason(payload: dict[str, Any]) -> str:
    reason = _text(payload.get("reason")) or _text(payload.get("response"))
    return reason[:_MAX_REASON_CHARACTERS]


def _uuid(given: Any) -> str:
    """Other senders of the account may use the same name for something else."""
    return given.lower() if isinstance(given, str) and _UUID.fullmatch(given) else ""


def _text(given: Any) -> str:
    if isinstance(given, bool):
        return "true" if given else ""
    return str(given) if isinstance(given, str | int | float) else ""


def _within(text: str, at_most: int) -> str:
    """Cut to so many bytes of UTF-8; what is cut ends in a digest, so that it stays distinct."""
    whole = text.encode()
    if len(whole) <= at_most:
        return text
    digest = hashlib.sha256(whole).hexdigest()[:32]
    return whole[: at_most - len(digest) - 1].decode("utf-8", "ignore") + "#" + digest


def _shown(element: Any) -> str:
    try:
        shown = json.dumps(element, ensure_ascii=False, default=str)
    except RecursionError:
        shown = "(nested too deeply to be shown)"
    return storable_text(shown[:MAX_SHOWN_CHARACTERS])
