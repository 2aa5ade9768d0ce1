"""POST /hooks/sendgrid/events: what became of the e-mails, as the provider tells it.

The provider repeats a delivery for 24 hours until it is answered with 2xx, so an answer says whose
fault it is: 4xx is not from the provider, 5xx is our own trouble and worth repeating, 200 means
that every event is stored, or kept for a person to look at. Storing one again changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse

from crm.mail.provider_events import MAX_SHOWN_CHARACTERS, ProviderEvent, parse_batch
from crm.web.signed_hooks import BLAMES_THE_MESSAGE, receive_signed, refusal, routes_of
from db_service import DbService, IncomingEvent, connect

PATH = "/hooks/sendgrid/events"
MAX_BODY_BYTES = 10_000_000
"""SendGrid posts batches of about 1 MB."""

MAX_CHUNK = 5_000
"""Events stored in one statement."""

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
        except BLAMES_THE_MESSAGE as error:
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


def _take_in(_: Request, body: bytes, now: datetime) -> dict[str, int]:
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


async def receive(request: Request) -> JSONResponse:
    """POST. 200 with counts; 403 unsigned, 413 too large, 500 and 503 our trouble: repeat it."""
    public_key = connect().settings.sendgrid_webhook_public_key
    if not public_key:
        return refusal(503, "SENDGRID_WEBHOOK_PUBLIC_KEY is not set: events cannot be trusted.")
    return await receive_signed(request, public_key, MAX_BODY_BYTES, _take_in, "events")


routes = routes_of(PATH, receive)
