"""The public form that asks for a discovery call, for a website to link to. Works without scripts.

Anybody may post here, signed in or not, so there is nothing that a forged request of another site
could borrow from a visitor's browser, and no token against such requests: what keeps the form is a
limit for each caller, each address and all together, a field that only programs fill in, and a
signed moment that tells how long somebody took. Whatever became of a request, the visitor reads the
same: the answer tells nobody who is known here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm.discovery_answers import check_request
from crm.discovery_questions import CONSENT, FORM_PATH, PUBLIC
from crm.web import clock
from crm.web import discovery_views as views
from crm.web.bodies import BodyRefusedError, read_body
from crm.web.form_stamps import Freshness, judge, stamp
from crm.web.public_page import not_read, out_of_order, too_many_requests
from crm.web.rate_limits import RateLimit, client_address
from db_service import DatabaseError, DbService, connect

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 150_000
MAX_FIELDS = 40
readers = RateLimit(times=60, seconds=60)
callers = RateLimit(times=20, seconds=3600)
# Beyond it a request is dropped without a word: who writes others' addresses here learns nothing.
addresses = RateLimit(times=3, seconds=86_400)
everybody = RateLimit(times=200, seconds=3600)

Fields = Mapping[str, str]


async def show(request: Request) -> Response:
    """GET: the empty form, or that it is closed."""
    wait = readers.count(client_address(request))
    if wait is not None:
        return too_many_requests(wait)
    try:
        is_open = await run_in_threadpool(_is_open)
    except DatabaseError:
        return out_of_order()
    return views.form({}, {}, _stamp(clock.now())) if is_open else views.closed()


async def send(request: Request) -> Response:
    """POST: thanks, or the form again with what is wrong; 404 while it is closed."""
    wait = callers.count(client_address(request))
    if wait is not None:
        return too_many_requests(wait)
    try:
        body = await read_body(request, MAX_BODY_BYTES)
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=MAX_FIELDS))
    except BodyRefusedError as error:
        return not_read(error.status, error.words)
    except ValueError:
        return not_read(400, "The form has more fields than it should.")
    try:
        return await run_in_threadpool(_take, fields, clock.now())
    except DatabaseError as error:
        logger.warning("a discovery request was not kept: %s", type(error).__name__)
        return out_of_order("Go back in your browser: what you wrote is still there.")


async def only_form(_: Request) -> Response:
    """Every other method, by name: otherwise the app's own HTML would answer."""
    return views.only_form()


def _take(fields: Fields, now: datetime) -> Response:
    if not _is_open():
        return views.closed()
    if fields.get(views.TRAP):
        logger.info("a discovery request of a program was dropped")
        return views.thanks()
    checked = check_request(fields, PUBLIC)
    errors = dict(checked.errors)
    if fields.get(CONSENT) != "yes":
        errors[CONSENT] = "Please agree, so that we may answer."
    freshness = judge(_keys(), fields.get(views.STAMP, ""), now)
    if errors or freshness is not Freshness.GOOD:
        return views.form(fields, errors, _stamp(now), freshness)
    wait = everybody.count("")
    if wait is not None:
        return too_many_requests(wait)
    if addresses.count(checked.answers["email"]) is not None:
        logger.info("a discovery request was dropped: too many with one address")
        return views.thanks()
    answers = {**checked.answers, CONSENT: views.consent_sentence()}
    outcome = DbService.for_service().discovery.post(answers, now=now)
    logger.info("a discovery request came in: %s", outcome)
    return views.closed() if outcome == "closed" else views.thanks()


def _is_open() -> bool:
    return DbService.for_service().discovery.form_settings().is_open


def _stamp(now: datetime) -> str:
    return stamp(_keys(), now)


def _keys() -> tuple[str, ...]:
    return connect().settings.secret_keys()


routes = [
    Route(FORM_PATH, show, methods=["GET", "HEAD"]),
    Route(FORM_PATH, send, methods=["POST"]),
    Route(FORM_PATH, only_form, methods=["PUT", "PATCH", "DELETE", "OPTIONS"]),
]
