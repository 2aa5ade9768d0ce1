"""The unsubscribe link of every e-mail: GET shows a page and changes nothing, POST unsubscribes.

Link scanners follow links with GET, so only a POST counts: the page's button, or the one-click
request of a mail program (RFC 8058: a form-encoded or multipart body, no cookies, no redirect).
Repeating it is harmless, and an unknown token gets one uniform answer whatever is wrong with it.
"""

from __future__ import annotations

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm.mail.unsubscribe_tokens import UnsubscribeClaim
from crm.web import clock
from crm.web.bodies import BodyRefusedError, read_body
from crm.web.consent_links import read_link, token_of, unknown_link
from crm.web.public_page import company, link, not_read, out_of_order, page
from db_service import DatabaseError, DbService

MAX_BODY_BYTES = 10_000
_BUTTON = Markup('<form method="post"><button type="submit">Unsubscribe</button></form>')


def _unsubscribe(claim: UnsubscribeClaim) -> bool:
    contact_id = str(claim.contact_id)
    return DbService.for_service().contacts.unsubscribe(contact_id, now=clock.now())


def _to_preferences(request: Request, words: str) -> Markup:
    # Relative, because PUBLIC_URL may have a path of its own.
    return link(words, f"../preferences/{token_of(request)}")


async def show(request: Request) -> Response:
    """GET: asks for confirmation; changes nothing."""
    claim = read_link(request)
    if isinstance(claim, Response):
        return claim
    return page(
        "Unsubscribe",
        f"Press Unsubscribe to get no more e-mails from {company()}.",
        _BUTTON,
        _to_preferences(request, "Or choose fewer e-mails"),
    )


async def unsubscribe(request: Request) -> Response:
    """POST: takes effect at once; 503 when the database is away: mail programs then repeat it."""
    # The body says nothing we need (List-Unsubscribe=One-Click); it is read only to be bounded.
    try:
        await read_body(request, MAX_BODY_BYTES)
    except BodyRefusedError as error:
        return not_read(error.status, error.words)
    claim = read_link(request)
    if isinstance(claim, Response):
        return claim
    try:
        found = await run_in_threadpool(_unsubscribe, claim)
    except DatabaseError:
        return out_of_order(_BUTTON)
    if not found:
        # Nothing was written down, so nothing may be promised.
        return unknown_link()
    return page(
        "You are unsubscribed",
        "We will not write to you again.",
        _to_preferences(request, "Your e-mail preferences"),
    )


async def show_hidden(request: Request) -> Response:
    """GET of the link that no person sees: who follows it is a link scanner. Changes nothing;
    the provider's click event is what tells."""
    claim = read_link(request)
    if isinstance(claim, Response):
        return claim
    return page(
        "Nothing to see here",
        "This address is not meant for people.",
        link("To the unsubscribe page", f"../{token_of(request)}"),
    )


# Methods stand here by name: any other would answer with the app's own HTML.
routes = [
    Route("/unsubscribe/{token}", show, methods=["GET", "HEAD"]),
    Route("/unsubscribe/{token}", unsubscribe, methods=["POST"]),
    Route("/unsubscribe/{token}/hidden", show_hidden, methods=["GET", "HEAD"]),
]
