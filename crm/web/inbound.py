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

from starlette.requests import Request
from starlette.responses import JSONResponse

from crm.mail.inbound_form import read_form
from crm.mail.received_message import UnreadableMessageError, storable
from crm.mail.replies import Reply, ReplyKind, read_reply
from crm.mail.webhook_signatures import TIMESTAMP_HEADER
from crm.web.signed_hooks import BLAMES_THE_MESSAGE, receive_signed, refusal, routes_of
from db_service import DbService, IncomingReply, connect

logger = logging.getLogger(__name__)

PATH = "/hooks/sendgrid/inbound"
MAX_BODY_BYTES = 30 * 1024 * 1024
"""SendGrid takes in e-mails of at most 30 MB, attachments included."""

_KEPT_CHARACTERS = 1_000
_BY_A_PROGRAM = {ReplyKind.AUTOMATIC, ReplyKind.OUT_OF_OFFICE}


def _take_in(request: Request, body: bytes, now: datetime) -> dict[str, object]:
    signed_at = datetime.fromtimestamp(int(request.headers[TIMESTAMP_HEADER]), UTC)
    outcome = _outcome(body, request.headers.get("Content-Type", ""), signed_at, now)
    logger.info("a reply came in: %s", outcome)
    return {"outcome": outcome}


def _outcome(body: bytes, content_type: str, signed_at: datetime, now: datetime) -> str:
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
    except BLAMES_THE_MESSAGE as error:
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


async def receive(request: Request) -> JSONResponse:
    """POST. 200 with the outcome; 403 unsigned, 413 too large, 500 and 503 our trouble: repeat."""
    public_key = connect().settings.sendgrid_inbound_public_key
    if not public_key:
        return refusal(503, "SENDGRID_INBOUND_PUBLIC_KEY is not set: replies cannot be trusted.")
    return await receive_signed(request, public_key, MAX_BODY_BYTES, _take_in, "reply")


routes = routes_of(PATH, receive)
