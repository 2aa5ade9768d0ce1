"""One contact's timeline: what happened, the latest first, and a place for a note."""

from __future__ import annotations

import streamlit as st

from crm.ui import calm, session
from crm.ui.contact_history import history, told_completely
from crm.ui.feedback import say
from crm.ui.markup import timeline
from db_service import DatabaseError

_SHOWN = 200
_LONGEST_NOTE = 10_000


def show(contact_id: str) -> None:
    st.subheader("Timeline", anchor=False)
    with st.form("note", clear_on_submit=True, border=False, enter_to_submit=False):
        text = st.text_area(
            "Note",
            placeholder="Write a note about this contact",
            max_chars=_LONGEST_NOTE,
            height=80,
            label_visibility="collapsed",
            key="note_text",
        )
        if st.form_submit_button("Add note", key="add_note") and text.strip():
            _add_note(contact_id, text.strip())
    here = session.current()
    activities = here.db.activities.timeline(contact_id, limit=_SHOWN)
    events = here.db.events.of_contact(contact_id, limit=_SHOWN)
    is_cut = _SHOWN in (len(activities), len(events))
    activities, events = told_completely(activities, events, limit=_SHOWN)
    names = {person.id: person.full_name for person in here.db.people.active()}
    if entries := history(activities, events, names=names, moments=here.moments):
        timeline(entries)
    else:
        st.caption("Nothing has happened yet.")
    if is_cut:
        st.caption("The latest entries are shown.")


def _add_note(contact_id: str, text: str) -> None:
    here = session.current()
    try:
        here.db.activities.add_note(contact_id, text, actor_id=here.person.id, now=session.now())
    except DatabaseError as error:
        st.error(calm.words_for(error))
        return
    say("Note added.")
    st.rerun()
