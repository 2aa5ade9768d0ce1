"""From a campaign's name to its own page, and back. The URL says which campaign is open."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from crm.records.campaigns import Campaign
from crm.ui import live, session

_NAMED = "campaign"


def chosen() -> Campaign | None:
    """The campaign that the URL names, if there is one of that name."""
    key = st.query_params.get(_NAMED)
    if not key:
        return None
    campaigns = session.current().db.campaigns.overview()
    return next((campaign for campaign in campaigns if campaign.key == key), None)


def go_to(key: str) -> None:
    """A button's on_click."""
    st.query_params[_NAMED] = key
    live.want_whole_page()


def row_clicked(keys: Sequence[str], click: str) -> None:
    """on_click of a table's button column whose key is `click`; one campaign's key a row."""
    go_to(keys[st.session_state[click]["row"]])


def back_button() -> None:
    st.button("← All campaigns", key="back_to_campaigns", type="tertiary", on_click=_leave)


def _leave() -> None:
    st.query_params.pop(_NAMED, None)
