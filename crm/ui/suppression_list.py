"""Our own suppression list: look an address up, see why it is stopped, and allow mail again."""

from __future__ import annotations

import streamlit as st

from crm.records.suppressions import Suppression
from crm.ui import session, suppression_lift, words
from crm.ui.markup import paragraph
from crm.ui.users_rows import when

_SHOWN = 20


def show() -> None:
    st.subheader("Stopped addresses", anchor=False)
    text = st.text_input(
        "Find an address",
        placeholder="Part of an address",
        max_chars=254,
        key="suppression_search",
    )
    found = session.current().db.suppressions.find(text.strip(), limit=_SHOWN + 1)
    if not found:
        st.caption("No address like this is stopped." if text.strip() else "No address is stopped.")
        return
    with st.container(border=True, key="suppressed"):
        for suppression in found[:_SHOWN]:
            _row(suppression)
    if len(found) > _SHOWN:
        st.caption(f"The newest {_SHOWN} are shown; look for an address to see others.")


def _row(suppression: Suppression) -> None:
    why = words.SUPPRESSION_REASON[suppression.reason]
    with st.container(
        horizontal=True, vertical_alignment="center", key=f"suppressed_{suppression.id}"
    ):
        with st.container(gap=None):
            paragraph(suppression.email, style="says")
            paragraph(f"{why.capitalize()}, {when(suppression.created_at)}", style="quiet")
        suppression_lift.lift_button(suppression.email, key=f"lift_{suppression.id}")
