"""The script behind every page: sets the stage, opens the session, and runs the chosen page."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import streamlit as st

from crm.ui import calm, contact_links, live, session, shortcuts, sign_in_pages
from db_service import connect

_HERE = Path(__file__).resolve().parent
_PAGES = _HERE.parent.parent / "pages"
Visibility = Literal["visible", "hidden"]


def _page(
    file: str,
    title: str,
    address: str | None = None,
    visibility: Visibility = "visible",
    *,
    default: bool = False,
) -> st.Page:
    return st.Page(
        _PAGES / f"{file}.py",
        title=title,
        url_path=address,
        visibility=visibility,
        default=default,
    )


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
    contacts = _page("02_Contacts", "Contacts", "contacts")
    chosen = st.navigation(
        {
            "Work": [
                _page("01_Dashboard", "Dashboard", default=True),
                contacts,
                _page("03_Discovery", "Discovery calls", "discovery"),
                _page("04_Projects", "Projects", "projects"),
                _page("05_Networking", "Networking", "networking"),
            ],
            "Campaigns": [_page("13_Campaign_Manager", "Campaign manager", "campaigns")],
            "Administration": [
                _page("20_Settings", "Settings", "settings", for_admins),
                _page("21_Users", "Users", "users", for_admins),
                _page("22_Audit_Log", "Audit log", "audit-log", for_admins),
            ],
        },
        position="sidebar" if here else "hidden",
    )
    if here is None:
        return
    with calm.page():
        live.whole_page()
        if contact_id := contact_links.wanted():
            st.switch_page(contacts, query_params={"contact": contact_id})
        shortcuts.lead_on(chosen.url_path)
        with st.sidebar:
            shortcuts.show()
            if connect().settings.signs_in:
                sign_in_pages.who()
        chosen.run()


main()
