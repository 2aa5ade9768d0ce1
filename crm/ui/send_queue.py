"""The queue: what goes out next, what was put off, and what waits for a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

import streamlit as st

from crm.records.queue import QueueCounts
from crm.records.sends import Send
from crm.ui import calm, contact_links, empty_states, live, queue_lists, session, unconfirmed, words
from crm.ui.exports import download_menu
from crm.ui.feedback import say
from crm.ui.markup import as_text, hover, line
from db_service import DatabaseError

_COUNTED = 1001
_SHOWN_FAILED = 25
_RETRIED_AT_ONCE = 500
_PART, _VIEW = "queue_part", "view"
_NAMES = {
    "due": "Coming up",
    "put_off": "Put off",
    "unconfirmed": "Unconfirmed",
    "failed": "Failed",
}


@st.fragment
@calm.section
def show() -> None:
    live.give_way()
    counts = _counts()
    part = _choose(counts)
    with st.container(horizontal=True, horizontal_alignment="right", key="queue_export_row"):
        download_menu(
            f"Queue, {_NAMES[part].lower()}",
            queue_lists.ROWS[part],
            key=f"queue_{part}_export",
            relation="email_sends" if part in {"unconfirmed", "failed"} else "contacts",
        )
    live.section(_DRAWN[part])


def attention() -> None:
    """One line above everything else, where e-mails wait for a person."""
    counts = _counts()
    waiting = [
        f"{words.counted(count, 'e-mail')} {what}"
        for count, what in ((counts.unconfirmed, "unconfirmed"), (counts.failed, "failed"))
        if count
    ]
    if not waiting:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="attention"):
        st.markdown(f"**Waiting for you:** {' and '.join(waiting)}.", width="content")
        first = "unconfirmed" if counts.unconfirmed else "failed"
        st.button("Open the queue", key="open_queue", on_click=_open, args=(first,))


def _open(part: str) -> None:
    st.session_state[_VIEW] = "Queue"
    st.session_state[_PART] = part
    live.want_whole_page()


def _counts() -> QueueCounts:
    return session.current().db.queue.counts(now=session.now(), most=_COUNTED)


def _choose(counts: QueueCounts) -> str:
    parts = list(_NAMES)
    return st.segmented_control(
        "Part of the queue",
        parts,
        default=parts[0],
        required=True,
        format_func=lambda part: _name(part, counts),
        key=_PART,
        persist_state="session",  # whoever comes back from a contact goes on where they were
        label_visibility="collapsed",
    )


def _name(part: str, counts: QueueCounts) -> str:
    # The table of what comes up goes beyond what is due, which is what is counted.
    return _NAMES[part] if part == "due" else f"{_NAMES[part]} ({_number(getattr(counts, part))})"


def _number(count: int) -> str:
    return f"{words.number(_COUNTED - 1)}+" if count >= _COUNTED else words.number(count)


def _due() -> None:
    queue_lists.held_back()
    queue_lists.upcoming()


def _unconfirmed() -> None:
    groups = unconfirmed.groups()
    unconfirmed.show(groups)
    if not groups:
        empty_states.nothing(
            "Every e-mail is accounted for.",
            "Should the connection break while one leaves, it waits here for evidence or for you.",
            key="none_unconfirmed",
        )


def _failed() -> None:
    failed = session.current().db.sends.held(status="failed", limit=_RETRIED_AT_ONCE)
    if not failed:
        empty_states.nothing(
            "No e-mail failed.",
            "One that the provider refuses for good waits here with the reason.",
            key="none_failed",
        )
        return
    if not session.current().is_admin:
        st.caption("An admin can have them tried again.")
    elif len(failed) > 1:
        st.button(
            f"Try all {words.number(len(failed))} failed ones again",
            key="retry_all",
            on_click=_retry,
            args=([send.id for send in failed],),
        )
    for send in failed[:_SHOWN_FAILED]:
        _failed_card(send)
    if len(failed) > _SHOWN_FAILED:
        st.caption(f"The latest {_SHOWN_FAILED} are shown; the export has the others.")


def _failed_card(send: Send) -> None:
    text, tone = words.SEND_STATUS[send.status]
    moments = session.current().moments
    with st.container(border=True, key=f"held_{send.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{as_text(send.contact_name or send.to_email)}**", width="content")
            st.badge(text, color=tone)
            since = hover(moments.when(send.held_at), moments.exact(send.held_at))
            line(escape(f"{send.template_name} · {send.campaign_name} · "), since)
        st.markdown(as_text(send.reason or "The provider gave no reason."))
        with st.container(horizontal=True):
            if session.current().is_admin:
                st.button("Try again", key=f"retry_{send.id}", on_click=_retry, args=([send.id],))
            st.button(
                "Open contact",
                key=f"open_{send.id}",
                on_click=contact_links.go_to,
                args=(send.contact_id,),
            )


def _retry(send_ids: list[str]) -> None:
    try:
        freed = session.current().db.sends.retry_failed(send_ids, now=session.now())
    except DatabaseError as error:
        say(calm.words_for(error))
    else:
        say(
            f"{words.counted(freed, 'e-mail')} will be tried with the next run."
            if freed
            else "It cannot be tried again: the contact may not be written to any more."
        )
    live.want_whole_page()


_DRAWN: Mapping[str, Callable[[], None]] = {
    "due": _due,
    "put_off": queue_lists.put_off,
    "unconfirmed": _unconfirmed,
    "failed": _failed,
}
