"""One contact's timeline: what happened, the latest first, by kind, and further back on request."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from crm.ui import session
from crm.ui.contact_history import GROUPS, history
from crm.ui.markup import timeline

_FIRST = 25
_MORE = 100
_LENGTH = "timeline_length"


def show(family: Sequence[str]) -> None:
    """Of the contact and those merged into it; inside a part that refreshes by itself."""
    st.subheader("Timeline", anchor=False)
    chosen = st.pills(
        "Show only",
        list(GROUPS),
        selection_mode="multi",
        key="timeline_kinds",
        label_visibility="collapsed",
        on_change=_from_the_top,
    )
    here = session.current()
    length = int(st.session_state.get(_LENGTH, _FIRST))
    kinds = [kind for group in chosen for kind in GROUPS[group]]
    found = here.db.activities.history(family, kinds=kinds, limit=length + 1)
    if not found:
        st.caption("Nothing of this kind has happened." if kinds else "Nothing has happened yet.")
        return
    timeline(history(found[:length], here.moments))
    if len(found) > length:
        st.button("Show earlier entries", key="timeline_more", on_click=_further, args=(length,))


def _from_the_top() -> None:
    st.session_state[_LENGTH] = _FIRST


def _further(length: int) -> None:
    st.session_state[_LENGTH] = length + _MORE
