"""The script behind every page: sets the stage, opens the session, and runs the chosen page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from crm.ui import calm, contact_links, session

_HERE = Path(__file__).resolve().parent
_PAGES = _HERE.parent.parent / "pages"


def main() -> None:
    st.set_page_config(
        page_title="MPT-CRM",
        page_icon=str(_HERE / "icon.svg"),
        layout="wide",
        initial_sidebar_state=230,
    )
    st.html(_HERE / "style.css")
    st.logo(str(_HERE / "logo.svg"), size="large")
    with calm.page():
        session.open_session()
    contacts = st.Page(_PAGES / "02_Contacts.py", title="Contacts", default=True)
    campaigns = st.Page(
        _PAGES / "13_Campaign_Manager.py", title="Campaign manager", url_path="campaigns"
    )
    settings = st.Page(
        _PAGES / "20_Settings.py",
        title="Settings",
        url_path="settings",
        visibility="visible" if session.is_open() and session.current().is_admin else "hidden",
    )
    chosen = st.navigation(
        {"People": [contacts], "Campaigns": [campaigns], "Administration": [settings]}
    )
    if not session.is_open():
        return
    with calm.page():
        if contact_id := contact_links.wanted():
            st.switch_page(contacts, query_params={"contact": contact_id})
        chosen.run()


main()
