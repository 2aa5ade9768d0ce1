"""From anywhere to one contact's own page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from crm.ui import live
from crm.ui.dialogs import close_dialog

_WANTED = "contact_wanted"


def wanted() -> str | None:
    """The contact that a click asked for, once; main.py turns it into a page."""
    contact_id = st.session_state.pop(_WANTED, None)
    return str(contact_id) if contact_id else None


def go_to(contact_id: str) -> None:
    """A button's on_click on any page."""
    st.session_state[_WANTED] = contact_id
    close_dialog()  # it would be open again, over everything, when somebody comes back quickly
    live.want_whole_page()


def row_clicked(contact_ids: Sequence[str], click: str) -> None:
    """on_click of a table's button column whose key is `click`; one id a row."""
    go_to(contact_ids[st.session_state[click]["row"]])
