"""The signed link of an e-mail, read: whose it is, or the answer its caller gets instead.

Unknown tokens are limited per address and known ones per token. So nobody can try tokens out,
while a mailbox provider that posts thousands of one-click requests from one address is never
refused.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from crm.mail.unsubscribe_tokens import UnsubscribeClaim, UnsubscribeTokens
from crm.web.public_page import page, too_many_requests
from crm.web.rate_limits import RateLimit, client_address
from db_service import connect

unknown_tokens = RateLimit(times=30, seconds=60)
known_tokens = RateLimit(times=20, seconds=60)


def unknown_link() -> Response:
    """The one answer to every link that does not work, whatever is wrong with it."""
    return page(
        "This link does not work",
        "It may be incomplete. Reply to the e-mail with the word “unsubscribe” instead.",
        status=404,
    )


def token_of(request: Request) -> str:
    return str(request.path_params["token"])


def read_link(request: Request) -> UnsubscribeClaim | Response:
    """The claim of a genuine token, or what to answer instead: 404, or 429 after too many."""
    token = token_of(request)
    claim = UnsubscribeTokens(connect().settings.secret_keys()).read(token)
    if claim is None:
        wait = unknown_tokens.count(client_address(request))
    else:
        # Apart from each other: a scanner that keeps looking must not use up the person's POST.
        kind = "POST" if request.method == "POST" else "GET"
        wait = known_tokens.count(f"{kind} {request.scope['path']}")
    if wait is not None:
        return too_many_requests(wait)
    return claim or unknown_link()
