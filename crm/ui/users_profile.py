"""A colleague's name and phone number, as the e-mails that go out in their name show them."""

from __future__ import annotations

import streamlit as st

from crm.imports.places import phone_number
from crm.records.people import Colleague
from crm.ui import calm, session
from crm.ui.dialogs import Dialogs, close_dialog
from crm.ui.feedback import say
from crm.ui.users_rows import LONGEST_NAME, colleague_of
from db_service import DatabaseError

_LONGEST_PHONE = 60


@st.dialog("Edit colleague", on_dismiss=close_dialog)
@calm.section
def edit_colleague(person_id: str) -> None:
    colleague = colleague_of(person_id)
    if colleague is None:
        st.info("This colleague is no longer there.")
        return
    with st.form("colleague_form", border=False):
        full_name = st.text_input(
            "Name", colleague.full_name, key="colleague_name", max_chars=LONGEST_NAME
        )
        name_place = st.empty()
        phone = st.text_input(
            "Phone",
            colleague.phone,
            key="colleague_phone",
            max_chars=_LONGEST_PHONE,
            help="E-mails that show the owner's number show this one.",
        )
        with st.container(horizontal=True):
            save = st.form_submit_button("Save", key="colleague_save", type="primary")
            cancelled = st.form_submit_button("Cancel", key="colleague_cancel")
    if cancelled:
        close_dialog()
        st.rerun()
    if save and not full_name.strip():
        name_place.markdown(":red[Please enter a name.]")
    elif save:
        _save(colleague, " ".join(full_name.split()), phone_number(phone.strip(), ""))


def _save(colleague: Colleague, full_name: str, phone: str) -> None:
    try:
        session.current().db.people.set_contact_card(
            colleague.id, full_name=full_name, phone=phone, now=session.now()
        )
    except DatabaseError as error:
        st.error(calm.words_for(error))
        return
    # The page greets by what the session remembers.
    session.forget()
    say(f"{full_name} was saved.")
    close_dialog()
    st.rerun()


DIALOGS: Dialogs = {"edit_colleague": edit_colleague}
