"""Delivery at a glance: what is in place, the addresses SendGrid needs, what could not be used."""

from __future__ import annotations

import json

import streamlit as st

from crm.records.events import Quarantined
from crm.ui import session, words
from crm.ui.delivery_checks import Check, delivery_checks, event_address, inbound_address
from crm.ui.markup import as_text, paragraph
from crm.ui.words import Tone
from db_service import connect

_STANDING: dict[Tone, str] = {
    "green": "In order",
    "orange": "Needs attention",
    "red": "Not working",
}
_SHOWN = 50


def show() -> None:
    here, settings = session.current(), connect().settings
    health = here.db.events.health()
    last = here.db.sends.sent(limit=1)
    checks = delivery_checks(
        settings,
        health,
        last_sent_at=last[0].handed_over_at if last else None,
        halted_because=here.db.app_settings.sending_rules().halted_because,
        moments=here.moments,
    )
    with st.container(border=True, key="delivery_checks"):
        for check in checks:
            _line(check)
    st.subheader("Addresses for SendGrid", anchor=False)
    left, right = st.columns(2)
    with left:
        st.caption("Event webhook: Settings, Mail Settings, Event Webhook")
        st.code(event_address(settings), language=None, wrap_lines=True)
    with right:
        st.caption("Replies: Settings, Inbound Parse")
        st.code(inbound_address(settings), language=None, wrap_lines=True)
    if health.quarantined:
        _quarantine(health.quarantined)


def _line(check: Check) -> None:
    name, words_for_it = st.columns([2, 5], vertical_alignment="top")
    with name, st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{check.name}**", width="content")
        st.badge(_STANDING[check.tone], color=check.tone)
    with words_for_it:
        # Not Markdown: addresses in it would become links.
        paragraph(check.says, style="says")
        if check.fix:
            paragraph(check.fix, style="quiet")


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
