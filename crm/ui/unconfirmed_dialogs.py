"""Deciding about unconfirmed e-mails: what follows, in plain words, then all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from crm.records.sends import Send, UnconfirmedGroup
from crm.ui import calm, contact_links, live, session, words
from crm.ui.dialogs import Dialogs, cancel_button, close_dialog, open_dialog
from crm.ui.feedback import say
from crm.ui.markup import as_text

_AT_ONCE = 200
"""Decided in one statement; so often does the progress bar move."""
_LISTED = 1000
_TITLES = {"sent": "Mark as sent?", "again": "Send again?"}


def decide_unconfirmed(
    decision: str,
    group: UnconfirmedGroup | None,
    count: int,
    whom: str = "",
    send_ids: Sequence[str] = (),
) -> None:
    """About `send_ids`, or else about all of a group, or (None) about every unconfirmed e-mail."""

    @st.dialog(_TITLES[decision], on_dismiss=close_dialog)
    @calm.section
    def ask() -> None:
        st.markdown(_what_follows(decision, count, whom))
        one, several = words.DECIDE[decision]
        label = one if count == 1 else several.format(words.number(count))
        with st.container(horizontal=True):
            sure = st.button(label, key="decide_sure", type="primary")
            cancel_button(key="decide_cancel")
        if sure:
            ids = send_ids or [s.id for s in session.current().db.sends.unconfirmed(group)]
            say(_summary(decision, _decide(decision, ids), len(ids)))
            close_dialog()
            st.rerun()

    ask()


def _what_follows(decision: str, count: int, whom: str) -> str:
    whom = as_text(whom) or "the contact"
    if decision == "sent":
        if count == 1:
            return f"It counts as sent and **{whom}** goes on to the next e-mail."
        return (
            f"All {words.number(count)} count as sent, and their contacts go on to the next e-mail."
        )
    if count == 1:
        return (
            f"It goes out with the next run. If it did arrive after all, **{whom}** gets it twice."
        )
    return (
        f"All {words.number(count)} go out with the next run. "
        "**Whoever did receive it after all gets it twice.**"
    )


def _decide(decision: str, send_ids: Sequence[str]) -> int:
    """Returns how many were decided. What was done stays if the rest fails."""
    sends = session.current().db.sends
    act: Callable[..., int] = sends.mark_as_sent if decision == "sent" else sends.send_again
    done = 0
    bar = st.progress(0.0, text="Working …")
    for start in range(0, len(send_ids), _AT_ONCE):
        done += act(send_ids[start : start + _AT_ONCE], now=session.now())
        worked = min(start + _AT_ONCE, len(send_ids))
        text = f"{words.number(worked)} of {words.counted(len(send_ids), 'e-mail')} …"
        bar.progress(worked / len(send_ids), text=text)
    return done


def _summary(decision: str, done: int, asked: int) -> str:
    rest = asked - done
    if decision == "sent":
        said = f"{words.counted(done, 'e-mail')} marked as sent; the contacts go on."
        left_over = "had been settled meanwhile."
    else:
        said = f"{words.counted(done, 'e-mail')} will be sent with the next run."
        left_over = "will not: settled meanwhile, or the contact may not be written to any more."
    return f"{said} {words.number(rest)} {left_over}" if rest else said


@st.dialog("Who they are", width="large", on_dismiss=close_dialog)
@calm.section
def unconfirmed_contacts(group: UnconfirmedGroup) -> None:
    live.give_way()
    sends = session.current().db.sends.unconfirmed(group, limit=_LISTED)
    left = session.current().moments.when(group.handed_over_at)
    st.caption(as_text(f"{group.template_name} · {group.campaign_name} · left {left}"))
    if not sends:
        st.info("They have been settled meanwhile.")
        return
    selected = _table(sends)
    if not session.current().is_admin:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="unconfirmed_bulk"):
        if not selected:
            st.caption("Select rows to decide about some of them alone.")
            return
        for decision, (one, several) in words.DECIDE.items():
            st.button(
                one if len(selected) == 1 else several.format(words.number(len(selected))),
                key=f"{decision}_selected",
                on_click=_ask_about,
                args=(decision, group, selected),
            )


def _ask_about(decision: str, group: UnconfirmedGroup, selected: Sequence[Send]) -> None:
    name = (selected[0].contact_name or selected[0].to_email) if len(selected) == 1 else ""
    open_dialog(
        "decide_unconfirmed",
        decision=decision,
        group=group,
        count=len(selected),
        whom=name,
        send_ids=tuple(send.id for send in selected),
    )
    live.want_whole_page()


def _table(sends: Sequence[Send]) -> list[Send]:
    event = st.dataframe(
        pd.DataFrame(
            [
                {
                    "Contact": send.contact_name or send.to_email,
                    "Address": send.to_email,
                    "Attempts": send.attempts,
                }
                for send in sends
            ]
        ),
        hide_index=True,
        key="unconfirmed_table",
        on_select="rerun",
        selection_mode="multi-row",
        height="content" if len(sends) <= 12 else 440,
        alt="Contacts whose e-mail is unconfirmed",
        column_config={
            "Contact": st.column_config.ButtonColumn(
                alignment="left",
                type="tertiary",
                key="unconfirmed_click",
                on_click=contact_links.row_clicked,
                args=(tuple(send.contact_id for send in sends), "unconfirmed_click"),
            )
        },
    )
    return [sends[row] for row in event["selection"]["rows"] if row < len(sends)]


DIALOGS: Dialogs = {
    "decide_unconfirmed": decide_unconfirmed,
    "unconfirmed_contacts": unconfirmed_contacts,
}
