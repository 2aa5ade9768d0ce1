"""From anywhere to the discovery page: a new call, a draft, one submission."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from crm.ui import places
from crm.ui.dialogs import close_dialog

PARAMETERS = ("call", "contact", "draft", "submission")
"""Those of the address line: a new call, one with this contact, a draft, a submission."""


def record_call_button(contact_id: str, *, key: str, label: str = "Record a call") -> None:
    """On any page: leads to a new discovery call with this contact."""
    if st.button(label, key=key):
        close_dialog()
        st.switch_page(places.DISCOVERY, query_params={"contact": contact_id})


def wanted(parameter: str) -> str | None:
    """An id out of the address line, where anything may stand."""
    try:
        return str(UUID(st.query_params.get(parameter, "")))
    except ValueError:
        return None


def open_view(parameter: str = "", value: str = "") -> None:
    """An on_click on the page itself; without a parameter the list."""
    for name in PARAMETERS:
        st.query_params.pop(name, None)
    if parameter:
        st.query_params[parameter] = value
    close_dialog()
