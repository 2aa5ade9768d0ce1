"""The preference page behind every e-mail: fewer e-mails, none for a while, or none at all.

It takes the same signed token as the unsubscribe link. GET shows the choices and changes nothing;
POST with `choice` does at once what it says. Nothing here lets e-mails start again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs

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
from db_service import DatabaseError, DbService, EmailStatus

MAX_BODY_BYTES = 10_000
PAUSE_DAYS = 30
"""Whole days (UTC) after the day of the request, as choose_preference in the database counts."""

_STOPPED = {EmailStatus.UNSUBSCRIBED.value, EmailStatus.COMPLAINED.value}
_FORM = Markup("""<form method="post"><fieldset><legend>{legend}</legend>
{choices}
</fieldset><button type="submit">Save</button></form>""")
_CHOICE = Markup(
    '<label><input type="radio" name="choice" value="{value}" required>'
    "<span>{title}<small>{meaning}</small></span></label>"
)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Whose page it is: whether the contact was in the campaign whose e-mail led here, and whether
    we may write at all."""

    in_series: bool
    stopped: bool


def _reader(claim: UnsubscribeClaim) -> _Reader | None:
    service = DbService.for_service()
    contact_id = str(claim.contact_id)
    contact = service.contacts.get(contact_id)
    if contact is None:
        return None
    keys = {enrollment.campaign_key for enrollment in service.enrollments.of_contact(contact_id)}
    return _Reader(claim.campaign in keys, contact.email_status in _STOPPED)


def _prefer(claim: UnsubscribeClaim, choice: str, now: datetime) -> bool:
    return DbService.for_service().contacts.prefer(
        str(claim.contact_id), claim.campaign, choice, now=now
    )


def _pause_ends(now: datetime) -> str:
    """The first day with e-mails again, in words that every country reads the same:
    "22 December 2026"."""
    end = now + timedelta(days=PAUSE_DAYS + 1)
    return f"{end.day} {end:%B %Y}"


def _choices(reader: _Reader, now: datetime) -> dict[str, tuple[str, str]]:
    """value → what to do, and what it means."""
    offered = {
        "pause": (
            f"Pause everything for {PAUSE_DAYS} days",
            f"No e-mail before {_pause_ends(now)}. After that they go on.",
        ),
        "everything": ("Stop everything", f"No e-mail from {company()} ever again."),
    }
    if not reader.in_series:
        return offered
    # Without the campaign's name: it says what we take the reader for, and is meant for colleagues.
    this = ("Stop this series of e-mails", "Others may still reach you.")
    return {"this_campaign": this, **offered}


def _form(reader: _Reader, legend: str, *, status: int = 200) -> Response:
    choices = [
        _CHOICE.format(value=value, title=title, meaning=meaning)
        for value, (title, meaning) in _choices(reader, clock.now()).items()
    ]
    form = _FORM.format(legend=legend, choices=Markup("\n").join(choices))
    return page(f"E-mails from {company()}", form, status=status)


def _nothing_to_choose() -> Response:
    return page(
        f"E-mails from {company()}",
        "You are unsubscribed: we do not write to you, and that stays so.",
    )


def _confirmation(choice: str, now: datetime, token: str) -> Response:
    titles = {
        "this_campaign": "This series has stopped",
        "pause": "E-mails are paused",
        "everything": "You are unsubscribed",
    }
    texts = {
        "this_campaign": "From now on you get no more e-mails of this series, for good.",
        "pause": f"From now on you get no e-mail from us before {_pause_ends(now)}.",
        "everything": "From now on you get no e-mail from us, for good.",
    }
    if choice == "everything":
        return page(titles[choice], texts[choice])
    return page(titles[choice], texts[choice], link("Unsubscribe", f"../unsubscribe/{token}"))


async def show(request: Request) -> Response:
    """GET: the choices; changes nothing."""
    claim = read_link(request)
    if isinstance(claim, Response):
        return claim
    try:
        reader = await run_in_threadpool(_reader, claim)
    except DatabaseError:
        return out_of_order()
    if reader is None:
        return unknown_link()
    return _nothing_to_choose() if reader.stopped else _form(reader, "What would you like?")


async def choose(request: Request) -> Response:
    """POST: takes effect at once, and repeating it changes nothing more."""
    try:
        body = await read_body(request, MAX_BODY_BYTES)
    except BodyRefusedError as error:
        return not_read(error.status, error.words)
    claim = read_link(request)
    if isinstance(claim, Response):
        return claim
    try:
        return await run_in_threadpool(_act, claim, _choice_in(body), token_of(request))
    except DatabaseError:
        return out_of_order()


def _choice_in(body: bytes) -> str:
    return parse_qs(body.decode("utf-8", "replace")).get("choice", [""])[-1]


def _act(claim: UnsubscribeClaim, choice: str, token: str) -> Response:
    now = clock.now()
    reader = _reader(claim)
    if reader is None:
        return unknown_link()
    if reader.stopped and choice != "everything":
        return _nothing_to_choose()
    if choice not in _choices(reader, now):
        return _form(reader, "Please choose one of these.", status=400)
    if not _prefer(claim, choice, now):
        # Nothing was written down, so nothing may be promised.
        return unknown_link()
    return _confirmation(choice, now, token)


routes = [
    Route("/preferences/{token}", show, methods=["GET", "HEAD"]),
    Route("/preferences/{token}", choose, methods=["POST"]),
]
