"""The top of a page: its title, one line of what it is for, and its buttons on the right."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from crm.ui.markup import as_text


def show(title: str, lead: str = "") -> DeltaGenerator:
    """Draws both (plain text), and returns the place for the buttons, the main one last.

    `with page_header.show("Users", "3 colleagues"): st.button("Invite", type="primary")`. Where the
    row is too narrow, as on a phone, the buttons go below.
    """
    row = st.container(
        horizontal=True, vertical_alignment="bottom", gap="medium", key="page_header"
    )
    with row, st.container(gap=None, width="stretch"):
        st.title(as_text(title), anchor=False)
        if lead:
            st.caption(as_text(lead))
    return row.container(
        horizontal=True, vertical_alignment="center", width="content", key="page_actions"
    )
