"""The public form: its address for the website, and for admins whether it is open."""

from __future__ import annotations

import streamlit as st

from crm.discovery_questions import FORM_PATH
from crm.records.discovery import FormSettings
from crm.ui import calm, session
from crm.ui.feedback import say
from crm.ui.markup import as_text
from db_service import DatabaseError, connect


def show() -> None:
    with st.popover("Public form", key="public_form"):
        _content()


@calm.section
def _content() -> None:
    here = session.current()
    form = here.db.discovery.form_settings()
    if form.is_open:
        st.markdown("Visitors of your website can ask for a call here. Link to this address:")
        st.code(f"{connect().settings.public_url}{FORM_PATH}", language=None, wrap_lines=True)
    else:
        st.markdown("The form is closed: whoever opens its address reads that, and nothing else.")
    if here.is_admin:
        _switches(form)
    else:
        st.caption("An admin opens and closes it.")


def _switches(form: FormSettings) -> None:
    with st.form("public_form_settings", border=False):
        is_open = st.toggle("Open to everybody", value=form.is_open, key="form_is_open")
        accept_first = st.toggle(
            "A colleague accepts first",
            value=form.accept_first,
            key="form_accept_first",
            help=(
                "Off: whoever asks for a call becomes a lead and gets the campaign's e-mails at "
                "once. On: nothing is sent before a colleague accepts the request."
            ),
        )
        saved = st.form_submit_button("Save", key="form_settings_save")
    if not saved:
        return
    try:
        session.current().db.discovery.change_form(
            FormSettings(is_open, accept_first), now=session.now()
        )
    except DatabaseError as error:
        st.error(as_text(calm.words_for(error)))
        return
    say("The public form is open." if is_open else "The public form is closed.")
    st.rerun()
