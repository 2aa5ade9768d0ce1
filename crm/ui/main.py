"""The script behind every page: sets the stage, opens the session, and runs the chosen page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from crm.ui import calm, session

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
    chosen = st.navigation(
        {
            "People": [
                st.Page(
                    _PAGES / "02_Contacts.py", title="Contacts", url_path="contacts", default=True
                )
            ],
            "Campaigns": [
                st.Page(
                    _PAGES / "13_Campaign_Manager.py",
                    title="Campaign manager",
                    url_path="campaigns",
                )
            ],
        }
    )
    with calm.page():
        session.open_session()
        chosen.run()


main()
