"""The unsubscribe link of every e-mail: GET shows a page and changes nothing, POST unsubscribes.

Link scanners follow links with GET, so only a POST counts: the page's button, or the one-click
request of a mail program (RFC 8058: form-encoded body, no cookies, no redirect). Repeating it is
harmless, and an unknown token gets one uniform answer whatever is wrong with it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from crm.mail.unsubscribe_tokens import UnsubscribeClaim, UnsubscribeTokens
from db_service import DatabaseError, DbService, connect

MAX_BODY_BYTES = 10_000
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>{title}</title><style>
body {{ font: 17px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 15vh auto;
  padding: 0 1.5rem; }}
button {{ font: inherit; padding: .6rem 1.2rem; border-radius: .5rem; border: 0; cursor: pointer;
  background: #1f5f8b; color: #fff; }}
</style></head><body><h1>{title}</h1><p>{text}</p>{button}</body></html>"""
_BUTTON = '<form method="post"><button type="submit">Unsubscribe</button></form>'


def _page(title: str, text: str, *, button: str = "", status: int = 200) -> HTMLResponse:
    content = _PAGE.format(title=title, text=text, button=button)
    return HTMLResponse(content, status_code=status, headers=_HEADERS)


def _unknown() -> HTMLResponse:
    return _page(
        "This link does not work",
        "It may be incomplete. Reply to the e-mail with the word “unsubscribe” instead.",
        status=404,
    )


def _claim(request: Request) -> UnsubscribeClaim | None:
    tokens = UnsubscribeTokens(connect().settings.secret_keys())
    return tokens.read(str(request.path_params["token"]))


def _unsubscribe(claim: UnsubscribeClaim) -> bool:
    contact_id = str(claim.contact_id)
    return DbService.for_service().contacts.unsubscribe(contact_id, now=datetime.now(UTC))


async def _is_too_large(request: Request) -> bool:
    # The body says nothing we need (List-Unsubscribe=One-Click); it is read only to be bounded.
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return True
    return False


async def show(request: Request) -> Response:
    """GET: asks for confirmation; changes nothing."""
    if _claim(request) is None:
        return _unknown()
    return _page("Unsubscribe", "You will get no more e-mails from us.", button=_BUTTON)


async def unsubscribe(request: Request) -> Response:
    """POST: takes effect at once; 503 when the database is away: mail programs then repeat it."""
    if await _is_too_large(request):
        return _page("Too large", "This request is too large.", status=413)
    claim = _claim(request)
    if claim is None:
        return _unknown()
    try:
        found = await run_in_threadpool(_unsubscribe, claim)
    except DatabaseError:
        text = "Something is wrong on our side. Please try again in a few minutes."
        return _page("Not yet", text, button=_BUTTON, status=503)
    if not found:
        # Nothing was written down, so nothing may be promised.
        return _unknown()
    return _page("You are unsubscribed", "We will not write to you again.")


routes = [
    Route("/unsubscribe/{token}", show, methods=["GET", "HEAD"]),
    Route("/unsubscribe/{token}", unsubscribe, methods=["POST"]),
]
