"""Sections that refresh by themselves, and how a click inside one reaches the whole page."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from crm.ui import calm

REFRESH_SECONDS = 10.0
_WANTED = "whole_page_wanted"


def want_whole_page() -> None:
    """For an on_click inside a live section: a dialog or a message stands outside of it."""
    st.session_state[_WANTED] = True


def whole_page() -> None:
    """At the top of a run of the whole page: what a click wanted is happening."""
    st.session_state.pop(_WANTED, None)


def give_way() -> None:
    """At the top of what runs alone, a section or a dialog: the whole page, if a click wants it."""
    if st.session_state.pop(_WANTED, False):
        st.rerun()


def section(draw: Callable[[], None], *, every: float = REFRESH_SECONDS) -> None:
    """Draws now and every few seconds, without the rest of the page."""

    @st.fragment(run_every=every)
    @calm.section
    def refreshed() -> None:
        give_way()
        draw()

    refreshed()
