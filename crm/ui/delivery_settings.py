"""The addresses SendGrid needs, and messages of it that could not be used."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import streamlit as st

from crm.records.events import Quarantined
from crm.settings import Settings
from crm.ui import session, words
from crm.ui.delivery_checks import event_address, inbound_address
from crm.ui.markup import as_text

_SHOWN = 50
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def show(settings: Settings) -> None:
    st.subheader("Addresses for SendGrid", anchor=False)
    if urlsplit(settings.public_url).hostname in _THIS_MACHINE:
        st.caption(
            "SendGrid cannot reach this machine. Publish the app and set PUBLIC_URL to its "
            "address: then what to enter at SendGrid stands here."
        )
    else:
        _addresses(settings)
    if total := session.current().db.events.health().quarantined:
        _quarantine(total)


def _addresses(settings: Settings) -> None:
    left, right = st.columns(2)
    with left:
        st.caption("Event webhook: Settings, Mail Settings, Event Webhook")
        st.code(event_address(settings), language=None, wrap_lines=True)
    with right:
        st.caption("Replies: Settings, Inbound Parse")
        st.code(inbound_address(settings), language=None, wrap_lines=True)


def _quarantine(total: int) -> None:
    st.subheader("Messages that could not be used", anchor=False)
    for message in session.current().db.events.quarantined(limit=_SHOWN):
        _message(message)
    if total > _SHOWN:
        st.caption(f"The latest {_SHOWN} of {words.number(total)} are shown.")


def _message(message: Quarantined) -> None:
    received = session.current().moments.when(message.received_at)
    source = words.QUARANTINE_SOURCE[message.source]
    title = f"{source} · {received} · {_first_line(message.problem)}"
    with st.expander(as_text(title), key=f"quarantined_{message.id}"):
        st.markdown(as_text(message.problem))
        st.code(_readable(message.payload), language=None, wrap_lines=True, height=240)


def _first_line(problem: str) -> str:
    line = problem.partition("\n")[0]
    return line if len(line) <= 100 else f"{line[:100]} …"


def _readable(payload: str) -> str:
    """JSON with its structure in sight; anything else as it came."""
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return payload
