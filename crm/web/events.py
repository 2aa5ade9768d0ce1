"""POST /hooks/sendgrid/events: what became of the e-mails, as the provider tells it.

The provider repeats a delivery for 24 hours until it is answered with 2xx, so an answer says whose
fault it is: 4xx is not from the provider, 5xx is our own trouble and worth repeating, 200 means
that every event is stored, or kept for a person to look at. Storing one again changes nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from functools import lru_cache

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from crm.mail.provider_events import MAX_SHOWN_CHARACTERS, ProviderEvent, parse_batch
from crm.mail.webhook_signatures import SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookVerifier
from crm.web import clock
from crm.web.bodies import read_body
from db_service import (
    ConflictError,
    DatabaseError,
    DbService,
    IncomingEvent,
    InvalidValueError,
    RuleBrokenError,
    connect,
)

logger = logging.getLogger(__name__)

PATH = "/hooks/sendgrid/events"
MAX_BODY_BYTES = 10_000_000
"""SendGrid posts batches of about 1 MB."""

MAX_CHUNK = 5_000
"""Events stored in one statement."""

# What can be wrong with a single event. Any other refusal (a missing function, a missing grant) is
# our own fault, although it is permanent: those events must come again, not be put aside.
_BLAMES_AN_EVENT = (InvalidValueError, ConflictError, RuleBrokenError)
_FIELDS = tuple(field.name for field in fields(ProviderEvent))

Problem = tuple[str, str]


class _Batch:
    """One request's events on their way into the database."""

    def __init__(self, service: DbService, now: datetime) -> None:
        self._service = service
        self._now = now
        self.stored = self.repeated = self.foreign = 0
        self.refused: list[Problem] = []

    def store(self, events: Sequence[IncomingEvent]) -> None:
        """All of them; one the database refuses is put aside, and its neighbours are stored.

        Raises:
            DatabaseError: for any fault that is not an event's.
        """
        for start in range(0, len(events), MAX_CHUNK):
            self._store_chunk(events[start : start + MAX_CHUNK])

    def _store_chunk(self, events: Sequence[IncomingEvent]) -> None:
        try:
            recorded = self._service.events.record(events, now=self._now)
        except _BLAMES_AN_EVENT as error:
            if len(events) == 1:
                self.refused.append((f"The database refused it: {error}"[:1000], _shown(events[0])))
                return
            half = len(events) // 2
            self._store_chunk(events[:half])
            self._store_chunk(events[half:])
        else:
            self.stored += recorded.stored
            self.repeated += recorded.repeated
            self.foreign += recorded.foreign


def _shown(event: IncomingEvent) -> str:
    return json.dumps(event.payload, ensure_ascii=False)[:MAX_SHOWN_CHARACTERS]


def _take_in(body: bytes, now: datetime) -> dict[str, int]:
    """Store what can be stored, then put the rest aside: trouble in between repeats nothing."""
    service = DbService.for_service()
    parsed = parse_batch(body)
    batch = _Batch(service, now)
    batch.store([_incoming(event) for event in parsed.events])
    problems = [*parsed.problems, *batch.refused]
    for start in range(0, len(problems), MAX_CHUNK):
        service.events.quarantine("events", problems[start : start + MAX_CHUNK], now=now)
    return {
        "stored": batch.stored,
        "repeated": batch.repeated,
        "foreign": batch.foreign,
        "quarantined": len(problems),
    }


def _incoming(event: ProviderEvent) -> IncomingEvent:
    return IncomingEvent(**{name: getattr(event, name) for name in _FIELDS})


@lru_cache(maxsize=2)
def _verifier(public_key: str) -> WebhookVerifier:
    return WebhookVerifier(public_key)


def _is_genuine(request: Request, body: bytes, public_key: str, now: datetime) -> bool:
    return _verifier(public_key).is_genuine(
        body,
        signature=request.headers.get(SIGNATURE_HEADER, ""),
        timestamp=request.headers.get(TIMESTAMP_HEADER, ""),
        now=now,
    )


def _answer(request: Request, body: bytes, public_key: str) -> JSONResponse:
    now = clock.now()
    if not _is_genuine(request, body, public_key, now):
        return _refusal(403, "The signature is missing or does not fit.")
    try:
        return JSONResponse(_take_in(body, now))
    except DatabaseError as error:
        # The kind alone is logged: the words of an unexpected refusal may quote a row.
        logger.error("provider events could not be stored: %s", type(error).__name__)
        if error.permanent:
            return _refusal(500, "The events could not be stored.")
        return _refusal(503, "The database does not answer; please repeat.")
    except Exception as error:  # noqa: BLE001 - the route's boundary: anything else is ours
        logger.error("provider events met a fault: %s", type(error).__name__)
        return _refusal(500, "The events could not be stored.")


def _refusal(status: int, words: str) -> JSONResponse:
    return JSONResponse({"error": words}, status_code=status)


async def receive(request: Request) -> JSONResponse:
    """POST. 200 with counts; 403 unsigned, 413 too large, 500 and 503 our trouble: repeat it."""
    public_key = connect().settings.sendgrid_webhook_public_key
    if not public_key:
        return _refusal(503, "SENDGRID_WEBHOOK_PUBLIC_KEY is not set: events cannot be trusted.")
    body = await read_body(request, MAX_BODY_BYTES)
    if body is None:
        return _refusal(413, f"More than {MAX_BODY_BYTES:,} bytes.")
    return await run_in_threadpool(_answer, request, body, public_key)


async def refuse_method(_: Request) -> JSONResponse:
    return JSONResponse(
        {"error": "Only POST is answered here."}, status_code=405, headers={"Allow": "POST"}
    )


routes = [
    Route(PATH, receive, methods=["POST"]),
    # By name: a method nobody registered would be answered with the app's own HTML.
    Route(PATH, refuse_method, methods=["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]),
]
