"""The script behind every page: sets the stage, opens the session, and runs the chosen page."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import streamlit as st

from crm.ui import calm, contact_links, session, sign_in_pages
from db_service import connect

_HERE = Path(__file__).resolve().parent
_PAGES = _HERE.parent.parent / "pages"
Visibility = Literal["visible", "hidden"]


def main() -> None:
    st.set_page_config(
        page_title="MPT-CRM",
        page_icon=str(_HERE / "icon.svg"),
        layout="wide",
        initial_sidebar_state=230,
    )
    st.html(_HERE / "style.css")
    st.logo(str(_HERE / "logo.svg"), size="large")
    here: session.Session | None = None
    with calm.page():
        here = session.open_session()
    for_admins: Visibility = "visible" if here and here.is_admin else "hidden"
    contacts = st.Page(_PAGES / "02_Contacts.py", title="Contacts", default=True)
    campaigns = st.Page(
        _PAGES / "13_Campaign_Manager.py", title="Campaign manager", url_path="campaigns"
    )
    settings = st.Page(
        _PAGES / "20_Settings.py", title="Settings", url_path="settings", visibility=for_admins
    )
    users = st.Page(_PAGES / "21_Users.py", title="Users", url_path="users", visibility=for_admins)
    audit_log = st.Page(
        _PAGES / "22_Audit_Log.py", title="Audit log", url_path="audit-log", visibility=for_admins
    )
    administration = [settings, users, audit_log]
    chosen = st.navigation(
        {"People": [contacts], "Campaigns": [campaigns], "Administration": administration},
        position="sidebar" if here else "hidden",
    )
    if here is None:
        return
    with calm.page():
        if connect().settings.signs_in:
            with st.sidebar:
                sign_in_pages.who()
        if contact_id := contact_links.wanted():
            st.switch_page(contacts, query_params={"contact": contact_id})
        chosen.run()


main()
