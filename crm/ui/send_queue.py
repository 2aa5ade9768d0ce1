"""What goes out next, and what waits for a person."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from crm.records.enrollments import Enrollment
from crm.records.sends import Send
from crm.ui import calm, contact_links, live, session, unconfirmed, words
from crm.ui.feedback import say
from crm.ui.markup import as_text
from crm.ui.moments import Moments
from db_service import DatabaseError

_SHOWN = 100
_SHOWN_HELD = 25


def show() -> None:
    _held()
    _upcoming()


def _held() -> None:
    groups = unconfirmed.groups()
    failed = session.current().db.sends.held(status="failed", limit=_SHOWN_HELD + 1)
    if not groups and not failed:
        return
    st.subheader("Waiting for you", anchor=False)
    unconfirmed.show(groups)
    if session.current().is_admin and len(failed) > 1:
        st.button(
            f"Try all {len(failed)} failed ones again",
            key="retry_all",
            on_click=_retry,
            args=([send.id for send in failed],),
        )
    for send in failed[:_SHOWN_HELD]:
        _failed_card(send)
    if len(failed) > _SHOWN_HELD:
        st.caption(f"The latest {_SHOWN_HELD} failed ones are shown.")


def _failed_card(send: Send) -> None:
    text, tone = words.SEND_STATUS[send.status]
    moments = session.current().moments
    with st.container(border=True, key=f"held_{send.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{as_text(send.contact_name or send.to_email)}**", width="content")
            st.badge(text, color=tone)
            since = moments.when(send.held_at)
            st.caption(
                as_text(f"{send.template_name} · {send.campaign_name} · {since}"), width="content"
            )
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


def _upcoming() -> None:
    st.subheader("Next e-mails", anchor=False)
    upcoming = session.current().db.enrollments.upcoming(limit=_SHOWN)
    if not upcoming:
        st.info("Nobody waits for an e-mail. Enroll contacts on the Contacts page.")
        return
    moments = session.current().moments
    st.dataframe(
        pd.DataFrame([_row(enrollment, moments) for enrollment in upcoming]),
        hide_index=True,
        key="upcoming",
        column_config={
            "Contact": st.column_config.ButtonColumn(
                alignment="left",
                type="tertiary",
                key="upcoming_click",
                on_click=contact_links.row_clicked,
                args=(tuple(e.contact_id for e in upcoming), "upcoming_click"),
            )
        },
        height="content" if len(upcoming) <= 12 else 480,
        alt="The next e-mails, the earliest first",
    )
    if len(upcoming) == _SHOWN:
        st.caption(f"The next {_SHOWN} are shown.")


def _row(enrollment: Enrollment, moments: Moments) -> dict[str, str]:
    return {
        "When": moments.due(enrollment.next_send_at),
        "Contact": enrollment.contact_name or enrollment.email or "",
        "Company": enrollment.company_name,
        "Campaign": enrollment.campaign_name
        + (" (paused)" if enrollment.campaign_status == "paused" else ""),
        "E-mail": f"{enrollment.next_position or '–'} of {enrollment.step_count}",
        "Name": enrollment.next_template_name or "",
        "Exact time": moments.exact(enrollment.next_send_at),
    }
