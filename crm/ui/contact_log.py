"""What people write on a contact's page and what happened: one part that refreshes by itself."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from crm.records.enrollments import Enrollment
from crm.ui import (
    calm,
    contact_header,
    contact_notes,
    contact_tasks,
    contact_timeline,
    live,
    session,
)

# Where the fields of this part live; a half-written note belongs to one contact alone.
_FIELDS = ("note_", "log_", "task_", "timeline_")
_CONTACT = "log_of_contact"
_SAID = "log_said"


@st.fragment
@calm.section
def show(
    contact_id: str,
    family: tuple[str, ...],
    enrollments: tuple[Enrollment, ...],
    what_comes_next: DeltaGenerator | None,
) -> None:
    """`family` is the contact and those merged into it; `what_comes_next` a place in the header,
    which follows what is written here."""
    live.give_way()
    _start_anew_with(contact_id)
    if text := st.session_state.pop(_SAID, None):
        st.toast(text)
    activities = session.current().db.activities
    tasks = activities.tasks_of(family, limit=contact_tasks.SHOWN)
    contact = session.current().db.contacts.get(contact_id)
    if what_comes_next and contact:
        with what_comes_next:
            contact_header.what_comes_next(contact, enrollments, tasks)
    # Each in its own place: where one appears above them, the others do not stand there twice
    # until the run has ended.
    with st.container(key="log_notes"):
        contact_notes.show(contact_id, say=_say)
    with st.container(key="log_tasks"):
        contact_tasks.show(tasks, activities.done_tasks(family, limit=contact_tasks.DONE), say=_say)
    with st.container(key="log_timeline"):
        contact_timeline.show(family)


def _say(text: str) -> None:
    """From a button's on_click: shown once the part is drawn anew."""
    st.session_state[_SAID] = text


def _start_anew_with(contact_id: str) -> None:
    if st.session_state.get(_CONTACT) == contact_id:
        return
    for key in [key for key in st.session_state if str(key).startswith(_FIELDS)]:
        del st.session_state[key]
    st.session_state[_CONTACT] = contact_id
