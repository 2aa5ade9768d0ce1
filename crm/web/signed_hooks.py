"""What the provider's webhooks share: only what it signed is taken in, and an answer says whose
fault a failure is. 4xx: not from the provider. 5xx: our own trouble, worth repeating."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import lru_cache

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from crm.mail.webhook_signatures import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    WebhookVerifier,
    might_be_genuine,
)
from crm.web import clock
from crm.web.bodies import BodyRefusedError, body_of
from db_service import ConflictError, DatabaseError, InvalidValueError, RuleBrokenError

logger = logging.getLogger(__name__)

BLAMES_THE_MESSAGE = (InvalidValueError, ConflictError, RuleBrokenError)
"""What can be wrong with a single message. Any other refusal (a missing function, a missing grant)
is our own fault, although it is permanent: the message must come again, not be put aside."""

_REQUEST_TIMEOUT = 408

TakeIn = Callable[[Request, bytes, datetime], Mapping[str, object]]
"""From a genuine request, its body and the time now to the answer's content. Runs in a thread."""


@lru_cache(maxsize=2)
def _verifier(public_key: str) -> WebhookVerifier:
    return WebhookVerifier(public_key)


def refusal(status: int, words: str) -> JSONResponse:
    return JSONResponse({"error": words}, status_code=status)


async def receive_signed(
    request: Request, public_key: str, at_most: int, take_in: TakeIn, what: str
) -> JSONResponse:
    """200 with what `take_in` says; 403 unsigned, 413 over `at_most` bytes, 500 and 503 our
    trouble. `what` is stored, in words for the answer and the log."""
    if not might_be_genuine(*_signature(request), now=clock.now()):
        # Before megabytes are read for somebody who cannot have signed them.
        return _not_signed()
    try:
        async with body_of(request, at_most) as body:
            return await run_in_threadpool(_answer, request, body, public_key, take_in, what)
    except BodyRefusedError as error:
        # The provider drops an e-mail at 4xx; at 5xx it repeats, and that helps here.
        status = 503 if error.status == _REQUEST_TIMEOUT else error.status
        return refusal(status, error.words)


def _signature(request: Request) -> tuple[str, str]:
    headers = request.headers
    return headers.get(SIGNATURE_HEADER, ""), headers.get(TIMESTAMP_HEADER, "")


def _not_signed() -> JSONResponse:
    return refusal(403, "The signature is missing or does not fit.")


def _answer(
    request: Request, body: bytes, public_key: str, take_in: TakeIn, what: str
) -> JSONResponse:
    now = clock.now()
    signature, timestamp = _signature(request)
    verifier = _verifier(public_key)
    if not verifier.is_genuine(body, signature=signature, timestamp=timestamp, now=now):
        return _not_signed()
    try:
        return JSONResponse(take_in(request, body, now))
    except DatabaseError as error:
        # The kind alone is logged: the words of an unexpected refusal may quote a row.
        logger.error("the %s could not be stored: %s", what, type(error).__name__)
        if error.permanent:
            return refusal(500, f"The {what} could not be stored.")
        return refusal(503, "The database does not answer; please repeat.")
    except Exception as error:  # noqa: BLE001 - the route's boundary: a traceback would quote mail
        logger.error("the %s met a fault: %s", what, type(error).__name__)
        return refusal(500, f"The {what} could not be stored.")


async def _refuse_method(_: Request) -> JSONResponse:
    return JSONResponse(
        {"error": "Only POST is answered here."}, status_code=405, headers={"Allow": "POST"}
    )


def routes_of(path: str, receive: Callable[[Request], Awaitable[JSONResponse]]) -> list[Route]:
    return [
        Route(path, receive, methods=["POST"]),
        # By name: a method nobody registered would be answered with the app's own HTML.
        Route(path, _refuse_method, methods=["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    ]
