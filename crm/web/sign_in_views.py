"""The pages of the sign-in by e-mail."""

from __future__ import annotations

from markupsafe import Markup
from starlette.responses import HTMLResponse

from crm.email_sign_in import SIGN_IN_PATH, place
from crm.web.public_page import company, link, page
from db_service import connect

# The browser tells the form's own origin only where the page lets it (Fetch, "serializing a request
# origin"), and the form's own origin is what is_from_our_page asks for.
_HEADERS = {"Referrer-Policy": "same-origin"}
_FORM = Markup("""<form method="post" action="{action}/password">
<label class="field">E-mail<input name="email" type="email" autocomplete="username"
  maxlength="320" value="{email}" required autofocus></label>
<label class="field">Password<input name="password" type="password" maxlength="1000"
  autocomplete="current-password" required></label>
<div class="buttons"><button type="submit">Sign in</button>
<button type="submit" class="second" formaction="{action}/link" formnovalidate
  >E-mail me a link</button></div>
</form>""")
_CONFIRM = Markup("""<form method="post" action="{action}/confirm">
<input type="hidden" name="token_hash" value="{token_hash}">
<button type="submit">Sign in</button></form>""")
_REFUSAL = Markup('<p class="refusal" role="alert">{}</p>')


def _address() -> str:
    return place(connect().settings, SIGN_IN_PATH)


def form(*notes: str, refusal: str = "", email: str = "", status: int = 200) -> HTMLResponse:
    """The page with both ways; a password is never put back into it."""
    said = [_REFUSAL.format(refusal)] if refusal else []
    fields = _FORM.format(action=_address(), email=email)
    return page(f"Sign in to {company()}", *notes, *said, fields, status=status, headers=_HEADERS)


def look_into_your_mailbox() -> HTMLResponse:
    """The one answer, whether anybody has this address or not."""
    return page(
        "Look into your mailbox",
        "If this address belongs to somebody who may sign in, an e-mail with a link is on its way. "
        "The link works once, and for a short while.",
        "If nothing comes within a few minutes, look among the unwanted mail, or ask an admin.",
        link("Back to the sign-in", _address()),
        headers=_HEADERS,
    )


def confirm(token_hash: str) -> HTMLResponse:
    """A button, because mail scanners open every link, and this one works once."""
    return page(
        f"Sign in to {company()}",
        "Press the button to sign in at this browser.",
        _CONFIRM.format(action=_address(), token_hash=token_hash),
        headers=_HEADERS,
    )


def spent_link() -> HTMLResponse:
    """The one answer to every link that does not work, whatever is wrong with it."""
    return page(
        "This link does not work",
        "A link works once, and for a short while. Ask for a new one.",
        link("To the sign-in", _address()),
        status=403,
        headers=_HEADERS,
    )


def not_here() -> HTMLResponse:
    """Where people sign in another way."""
    return page("Nothing to see here", "Nobody signs in at this address.", status=404)


def from_elsewhere() -> HTMLResponse:
    return page(
        "Nothing was changed",
        "This request did not come from a page of this CRM.",
        link("To the sign-in", _address()),
        status=403,
        headers=_HEADERS,
    )


def only_post() -> HTMLResponse:
    return page(
        "Nothing was changed",
        "This address takes a form only.",
        link("To the sign-in", _address()),
        status=405,
        headers=_HEADERS | {"Allow": "POST"},
    )
