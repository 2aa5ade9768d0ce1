"""POST /hooks/sendgrid/inbound: the replies to our e-mails, from SendGrid's Inbound Parse.

Only requests SendGrid signed are believed (its Inbound Parse security policy; the key is the
setting SENDGRID_INBOUND_PUBLIC_KEY). SendGrid repeats a 5xx for three days, so that is the answer
where repeating helps; what cannot be used is put aside for a person and answered with 200.
Nothing here ever writes back, and nothing personal is logged.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from functools import lru_cache

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from crm.mail.inbound_form import read_form
from crm.mail.received_message import UnreadableMessageError, storable
from crm.mail.replies import Reply, ReplyKind, read_reply
from crm.mail.webhook_signatures import SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookVerifier
from crm.web import clock
from crm.web.bodies import read_body
from db_service import DatabaseError, DbService, IncomingReply, connect

logger = logging.getLogger(__name__)

PATH = "/hooks/sendgrid/inbound"
MAX_BODY_BYTES = 30 * 1024 * 1024
"""SendGrid takes in e-mails of at most 30 MB, attachments included."""

_KEPT_CHARACTERS = 1_000
_BY_A_PROGRAM = {ReplyKind.AUTOMATIC, ReplyKind.OUT_OF_OFFICE}


@lru_cache(maxsize=2)
def _verifier(public_key: str) -> WebhookVerifier:
    return WebhookVerifier(public_key)


def _take_in(body: bytes, content_type: str, signed_at: datetime, now: datetime) -> str:
    """What came of it, in a word.

    Raises:
        DatabaseError: if nothing could be stored, not even aside.
    """
    try:
        message = read_form(body, content_type)
    except UnreadableMessageError as error:
        start = storable(body[:_KEPT_CHARACTERS].decode("utf-8", "replace"))
        _put_aside(f"An e-mail we cannot read. {error}", {"start": start}, now)
        return "quarantined"
    reply = read_reply(message, body=body, signed_at=signed_at)
    if reply.sender:
        return _record(reply, now)
    if reply.kind in _BY_A_PROGRAM:
        return "ignored"
    _put_aside("A reply without a sender's address", _shown(reply), now)
    return "quarantined"


def _record(reply: Reply, now: datetime) -> str:
    try:
        outcome = DbService.for_service().events.record_reply(_incoming(reply), now=now)
    except DatabaseError as error:
        if not error.permanent:
            raise
        _put_aside(f"A reply the database refused: {error}", _shown(reply), now)
        return "quarantined"
    if outcome != "unknown_sender":
        return outcome
    if reply.kind in _BY_A_PROGRAM:
        return "ignored"
    _put_aside("A reply from an address we do not know", _shown(reply), now)
    return "quarantined"


def _incoming(reply: Reply) -> IncomingReply:
    return IncomingReply(
        message_id=reply.message_id,
        sender=reply.sender,
        kind=reply.kind.value,
        subject=reply.subject,
        text=reply.text,
        occurred_at=reply.occurred_at,
        quiet_until=reply.quiet_until,
    )


def _put_aside(problem: str, shown: dict[str, str], now: datetime) -> None:
    payload = json.dumps(shown, ensure_ascii=False)
    DbService.for_service().events.quarantine("inbound", [(problem[:1000], payload)], now=now)


def _shown(reply: Reply) -> dict[str, str]:
    return {
        "from": reply.sender,
        "subject": reply.subject,
        "text": reply.text[:_KEPT_CHARACTERS],
    }


def _answer(request: Request, body: bytes, public_key: str) -> JSONResponse:
    now = clock.now()
    timestamp = request.headers.get(TIMESTAMP_HEADER, "")
    signature = request.headers.get(SIGNATURE_HEADER, "")
    verifier = _verifier(public_key)
    if not verifier.is_genuine(body, signature=signature, timestamp=timestamp, now=now):
        return _refusal(403, "The signature is missing or does not fit.")
    signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    try:
        outcome = _take_in(body, request.headers.get("Content-Type", ""), signed_at, now)
    except DatabaseError as error:
        # The kind alone: the words of an unexpected refusal may quote a row.
        logger.error("a reply could not be stored: %s", type(error).__name__)
        return _refusal(503, "The reply could not be stored; please repeat.")
    except Exception as error:  # noqa: BLE001 - the route's boundary: a traceback would quote mail
        logger.error("a reply met a fault: %s", type(error).__name__)
        return _refusal(500, "The reply could not be stored.")
    logger.info("a reply came in: %s", outcome)
    return JSONResponse({"outcome": outcome})


def _refusal(status: int, words: str) -> JSONResponse:
    return JSONResponse({"error": words}, status_code=status)


async def receive(request: Request) -> JSONResponse:
    """POST. 200 with the outcome; 403 unsigned, 413 too large, 503 our trouble: repeat it."""
    public_key = connect().settings.sendgrid_inbound_public_key
    if not public_key:
        return _refusal(503, "SENDGRID_INBOUND_PUBLIC_KEY is not set: replies cannot be trusted.")
    if SIGNATURE_HEADER not in request.headers:
        # Before 30 MB are read for somebody who cannot have signed them.
        return _refusal(403, "The signature is missing or does not fit.")
    try:
        body = await read_body(request, MAX_BODY_BYTES)
    except ClientDisconnect:
        return _refusal(400, "The request broke off.")
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
