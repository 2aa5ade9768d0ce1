"""E-mails nobody can be sure of: what settles them by itself, and deciding by hand."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from crm.records.sends import UnconfirmedGroup
from crm.ui import contact_links, live, session, unconfirmed_dialogs, words
from crm.ui.dialogs import open_dialog
from crm.ui.markup import as_text, hover, line
from db_service import connect

_COUNTED = 20_000
_SHOWN = 25

DIALOGS = unconfirmed_dialogs.DIALOGS


def groups() -> list[UnconfirmedGroup]:
    return session.current().db.sends.unconfirmed_groups(limit=_COUNTED)


def show(found: Sequence[UnconfirmedGroup]) -> None:
    if not found:
        return
    total = sum(group.count for group in found)
    with st.container(border=True, key="unconfirmed"):
        st.markdown(
            f"**Nobody knows whether {words.counted(total, 'e-mail')} arrived.** "
            "The connection broke, or the provider gave no clear answer, after they had left. "
            "They are not sent again by guessing, so that nobody gets an e-mail twice."
        )
        st.markdown(_what_it_waits_for())
        if not session.current().is_admin:
            st.caption("An admin can decide about them.")
        elif len(found) > 1:
            with st.container(horizontal=True):
                _decide_buttons(None, total, key="all")
    for group in found[:_SHOWN]:
        _card(group)
    if len(found) > _SHOWN:
        st.caption(f"The latest {_SHOWN} of {words.number(len(found))} groups are shown.")


def _what_it_waits_for() -> str:
    here = session.current()
    if not connect().settings.sendgrid_webhook_public_key:
        return (
            "**Without the event webhook it waits for you.** With it, the reports of SendGrid "
            "settle most of them; the Settings page says how to switch it on."
        )
    last = here.db.events.health().last_event_at
    heard = (
        f"It was last heard of {here.moments.ago(last)}."
        if last
        else "It was never heard of yet: check it on the Settings page."
    )
    return (
        "**It waits for evidence from the event webhook.** A report on one of them shows that it "
        "went out; silence, while later e-mails are reported on, shows that it did not, and it is "
        f"sent again. {heard}"
    )


def _card(group: UnconfirmedGroup) -> None:
    key = _key(group)
    with st.container(border=True, key=f"unconfirmed_{key}"):
        only = _only_one(group)
        with st.container(horizontal=True, vertical_alignment="center"):
            title = only[1] if only else words.counted(group.count, "e-mail")
            st.markdown(f"**{as_text(title)}**", width="content")
            text, tone = words.SEND_STATUS["unconfirmed"]
            st.badge(text, color=tone)
            moments, at = session.current().moments, group.handed_over_at
            left = hover(moments.when(at), moments.exact(at))
            line(escape(f"{group.template_name} · {group.campaign_name} · left "), left)
        with st.container(horizontal=True):
            if session.current().is_admin:
                _decide_buttons(group, group.count, key=key, name=only[1] if only else "")
            if only:
                st.button(
                    "Open contact",
                    key=f"open_{key}",
                    on_click=contact_links.go_to,
                    args=(only[0],),
                )
            else:
                st.button("Who they are", key=f"who_{key}", on_click=_open_list, args=(group,))


def _only_one(group: UnconfirmedGroup) -> tuple[str, str] | None:
    """The contact's id and name, where the group is one e-mail."""
    if group.count > 1:
        return None
    sends = session.current().db.sends.unconfirmed(group, limit=1)
    return (sends[0].contact_id, sends[0].contact_name or sends[0].to_email) if sends else None


def _decide_buttons(
    group: UnconfirmedGroup | None, count: int, *, key: str, name: str = ""
) -> None:
    for decision, label in words.DECIDE.items():
        one, several = label
        st.button(
            one if count == 1 else several.format(words.number(count)),
            key=f"{decision}_{key}",
            on_click=_open_decision,
            args=(decision, group, count, name),
        )


def _open_decision(decision: str, group: UnconfirmedGroup | None, count: int, name: str) -> None:
    open_dialog("decide_unconfirmed", decision=decision, group=group, count=count, whom=name)
    live.want_whole_page()


def _open_list(group: UnconfirmedGroup) -> None:
    open_dialog("unconfirmed_contacts", group=group)
    live.want_whole_page()


def _key(group: UnconfirmedGroup) -> str:
    left = group.handed_over_at.timestamp() if group.handed_over_at else 0
    return f"{group.campaign_id}_{group.step}_{left:.0f}"
