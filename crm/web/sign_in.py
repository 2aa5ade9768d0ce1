"""Signing in by e-mail, where Supabase is set and no OIDC provider: by password or by a link.

GET changes nothing. Every form is held to its own origin, its size, and to limits per caller and
per address, and nothing said here tells whether an address is known. Success sets a cookie with a
random key; the tokens themselves stay on the server.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crm.email_sign_in import SIGN_IN_PATH, SIGN_OUT_PATH, cookie_name, is_https, place
from crm.mail.addresses import AddressError, normalise_address
from crm.web import sign_in_views as views
from crm.web.bodies import BodyRefusedError, read_body
from crm.web.public_page import not_read, too_many_requests
from crm.web.rate_limits import RateLimit, client_address
from crm.web.sign_in_origin import is_from_our_page
from db_service import (
    DatabaseError,
    DbService,
    SignInRefusedError,
    SignIns,
    connect,
)

if TYPE_CHECKING:
    from db_service import SupabaseSession

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 10_000
callers = RateLimit(times=30, seconds=300)
# Of one address, asked for by one caller: a stranger uses up nobody else's tries. All callers
# together get no further than guessing would take years.
passwords = RateLimit(times=10, seconds=600)
passwords_of_all = RateLimit(times=200, seconds=3600)
links = RateLimit(times=3, seconds=600)
links_of_all = RateLimit(times=12, seconds=3600)

_TOKEN_HASH = re.compile(r"[A-Za-z0-9_-]{8,200}")
_AWAY = "Signing in does not work at the moment. Please try again shortly."

Fields = Mapping[str, str]
Act = Callable[[Request, Fields, SignIns], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def _sign_ins() -> SignIns | None:
    """None where people sign in another way."""
    connection = connect()
    return None if connection.settings.oidc_client_id else connection.sign_ins


async def show(request: Request) -> Response:
    """GET: both ways to sign in."""
    if _sign_ins() is None:
        return views.not_here()
    notes = ("You are signed out.",) if "signed_out" in request.query_params else ()
    return views.form(*notes)


async def show_confirm(request: Request) -> Response:
    """GET of the link in the e-mail: asks for a press of its button, and does not use it up."""
    if _sign_ins() is None:
        return views.not_here()
    token_hash = request.query_params.get("token_hash", "")
    return views.confirm(token_hash) if _TOKEN_HASH.fullmatch(token_hash) else views.spent_link()


async def _only_post(_: Request) -> Response:
    return views.only_post()


def _form_of(act: Act, *, limited: bool = True) -> Endpoint:
    """The endpoint of a form: guards first, then `act` in a thread."""

    async def endpoint(request: Request) -> Response:
        sign_ins = _sign_ins()
        if sign_ins is None:
            return views.not_here()
        if not is_from_our_page(request, connect().settings.public_url):
            return views.from_elsewhere()
        wait = callers.count(client_address(request)) if limited else None
        if wait is not None:
            return too_many_requests(wait)
        try:
            body = await read_body(request, MAX_BODY_BYTES)
        except BodyRefusedError as error:
            return not_read(error.status, error.words)
        fields = dict(parse_qsl(body.decode("utf-8", "replace")))
        return await run_in_threadpool(act, request, fields, sign_ins)

    return endpoint


def _with_password(request: Request, fields: Fields, sign_ins: SignIns) -> Response:
    email, password = _address_in(fields), fields.get("password", "")
    if not email or not password:
        refusal = "Write your e-mail address and your password."
        return views.form(refusal=refusal, email=email, status=400)
    wait = _count(passwords, passwords_of_all, request, email)
    if wait is not None:
        return too_many_requests(wait)
    try:
        return _let_in(request, sign_ins, sign_ins.auth.with_password(email, password))
    except SignInRefusedError as error:
        return views.form(refusal=str(error), email=email, status=403)
    except DatabaseError as error:
        logger.warning("a sign-in by password failed: %s", type(error).__name__)
        return views.form(refusal=_AWAY, email=email, status=503)


def _send_link(request: Request, fields: Fields, sign_ins: SignIns) -> Response:
    email = _address_in(fields)
    if not email:
        return views.form(refusal="Write your e-mail address to get a link.", status=400)
    wait = _count(links, links_of_all, request, email)
    if wait is not None:
        return too_many_requests(wait)
    response = views.look_into_your_mailbox()
    # After the answer: the time it takes would tell whether anybody has this address.
    response.background = BackgroundTask(_ask_for_link, sign_ins, email)
    return response


def _count(mine: RateLimit, of_all: RateLimit, request: Request, email: str) -> int | None:
    """Refused tries of one caller are not counted among those of all."""
    wait = mine.count(f"{client_address(request)} {email}")
    return of_all.count(email) if wait is None else wait


def _ask_for_link(sign_ins: SignIns, email: str) -> None:
    """Nobody but colleagues gets mail: else strangers could use up what Supabase sends an hour."""
    try:
        if not DbService.for_service().people.may_sign_in(email):
            return
        sign_ins.auth.send_link(email, redirect_to=f"{_public_url()}{SIGN_IN_PATH}/confirm")
    except DatabaseError as error:
        logger.warning("a sign-in link could not be sent: %s", type(error).__name__)


def _confirm(request: Request, fields: Fields, sign_ins: SignIns) -> Response:
    token_hash = fields.get("token_hash", "")
    if not _TOKEN_HASH.fullmatch(token_hash):
        return views.spent_link()
    try:
        return _let_in(request, sign_ins, sign_ins.auth.with_link(token_hash))
    except SignInRefusedError:
        return views.spent_link()
    except DatabaseError as error:
        logger.warning("a sign-in by link failed: %s", type(error).__name__)
        return views.form(refusal=_AWAY, status=503)


def _sign_out(request: Request, _: Fields, sign_ins: SignIns) -> Response:
    _end(request, sign_ins)
    settings = connect().settings
    response = _redirect(place(settings, f"{SIGN_IN_PATH}?signed_out"))
    response.delete_cookie(
        cookie_name(settings),
        path="/",
        secure=is_https(settings),
        httponly=True,
        samesite="lax",
    )
    return response


def _let_in(request: Request, sign_ins: SignIns, session: SupabaseSession) -> Response:
    """To the app's first page, with a key that nobody knew before; it ends with the browser."""
    _end(request, sign_ins)
    settings = connect().settings
    response = _redirect(place(settings, "/"))
    response.set_cookie(
        cookie_name(settings),
        sign_ins.start(session),
        path="/",
        secure=is_https(settings),
        httponly=True,
        samesite="lax",
    )
    return response


def _end(request: Request, sign_ins: SignIns) -> None:
    if key := request.cookies.get(cookie_name(connect().settings)):
        sign_ins.end(key)


def _redirect(target: str) -> Response:
    return RedirectResponse(target, status_code=303, headers={"Cache-Control": "no-store"})


def _address_in(fields: Fields) -> str:
    """In lower case, as Supabase Auth keeps addresses; empty for what is none."""
    try:
        return normalise_address(fields.get("email", ""))
    except AddressError:
        return ""


def _public_url() -> str:
    return connect().settings.public_url


_OTHERS = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]


def _post_only(path: str, endpoint: Endpoint) -> list[Route]:
    # By name: a method nobody registered would be answered with the app's own HTML.
    return [
        Route(path, endpoint, methods=["POST"]),
        Route(path, _only_post, methods=_OTHERS),
    ]


routes = [
    Route(SIGN_IN_PATH, show, methods=["GET", "HEAD"]),
    *_post_only(f"{SIGN_IN_PATH}/password", _form_of(_with_password)),
    *_post_only(f"{SIGN_IN_PATH}/link", _form_of(_send_link)),
    Route(f"{SIGN_IN_PATH}/confirm", show_confirm, methods=["GET", "HEAD"]),
    Route(f"{SIGN_IN_PATH}/confirm", _form_of(_confirm), methods=["POST"]),
    *_post_only(SIGN_OUT_PATH, _form_of(_sign_out, limited=False)),
]
