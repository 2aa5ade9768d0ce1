"""Where nothing is to be shown yet: what is missing, and the next step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from crm.ui.markup import as_text


def nothing(
    title: str,
    next_step: str,
    *,
    key: str,
    button: str = "",
    on_click: Callable[..., None] | None = None,
    args: tuple[Any, ...] = (),
) -> None:
    """A box with a bold sentence, what to do next, and a button that does it, if there is one."""
    with st.container(border=True, key=f"nothing_{key}"):
        st.markdown(f"**{as_text(title)}**  \n{as_text(next_step)}")
        if button:
            st.button(button, key=key, on_click=on_click, args=args)
