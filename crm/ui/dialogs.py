"""Which dialog is open. It is kept in the session, so that a save inside it is never lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

Dialogs = Mapping[str, Callable[..., None]]
_KEY = "open_dialog"


def open_dialog(name: str, **arguments: Any) -> None:
    st.session_state[_KEY] = (name, arguments)


def close_dialog() -> None:
    st.session_state.pop(_KEY, None)


def cancel_button(*, key: str, label: str = "Cancel") -> None:
    """Inside a dialog. A callback alone would not do: it runs the dialog again, not the page, and
    the browser keeps it open."""
    if st.button(label, key=key):
        close_dialog()
        st.rerun()


def confirmed(question: str, button: str, *, key: str, cancel: str = "Cancel") -> bool:
    """Inside a dialog that asks first: the question (Markdown), and whether one is sure."""
    st.markdown(question)
    with st.container(horizontal=True):
        sure = st.button(button, key=f"{key}_sure", type="primary")
        cancel_button(key=f"{key}_cancel", label=cancel)
    return sure


def show_open(known: Dialogs) -> None:
    """Once a page run, at its end; a dialog of another page is forgotten."""
    if _KEY not in st.session_state:
        return
    name, arguments = st.session_state[_KEY]
    if name in known:
        known[name](**arguments)
    else:
        close_dialog()
