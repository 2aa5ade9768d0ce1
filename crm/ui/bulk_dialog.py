"""The dialog of one action on many contacts: what will happen, its progress, what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from crm.records.contact_search import ContactSearch
from crm.records.contacts import Contact
from crm.ui import (
    bulk_actions,
    bulk_choices,
    bulk_export,
    bulk_job,
    bulk_words,
    calm,
    session,
    words,
)
from crm.ui.bulk_actions import ACTIONS
from crm.ui.bulk_job import Job
from crm.ui.dialogs import Dialogs, cancel_button, close_dialog
from crm.ui.feedback import ArchiveUndo, offer_undo, say

_READ = "bulk_read"


def bulk(
    action: str,
    ids: Sequence[str] = (),
    search: ContactSearch | None = None,
    moment: datetime | None = None,
) -> None:
    """`ids`, or everybody whom `search` finds. `moment`: of the archiving that is taken back."""

    @st.dialog(ACTIONS[action].title, width="medium", on_dismiss=_dismissed)
    @calm.section
    def dialog() -> None:
        place = st.empty()
        job = bulk_job.current()
        if job is None:
            with place.container():
                job = _ask(action, ids, search, moment)
        if job and not job.is_over:
            # Emptied first: a shorter part would leave the end of a longer one in sight.
            place.empty()
            with place.container():
                _run(job)
        if job:
            place.empty()
            with place.container():
                _summary(job)

    dialog()


def _ask(
    action: str, ids: Sequence[str], search: ContactSearch | None, moment: datetime | None
) -> Job | None:
    """The job, once it is asked for."""
    whom = _whom(ids, search)
    read: list[Contact] = []
    part = (
        bulk_actions.reading(read) if action == "export" else bulk_choices.ask(action, ids, moment)
    )
    if means := ACTIONS[action].means:
        st.markdown(means.format(whom=whom))
    with st.container(horizontal=True):
        go = st.button(
            ACTIONS[action].button.format(whom=whom),
            type="primary",
            key="bulk_go",
            disabled=part is None,
        )
        cancel_button(key="bulk_cancel")
    if not go or part is None:
        return None
    st.session_state[_READ] = read
    return bulk_job.begin(Job(action, part, session.now(), list(ids), search))


def _whom(ids: Sequence[str], search: ContactSearch | None) -> str:
    if search is None:
        return words.counted(len(ids), "contact")
    found = session.current().db.contacts.count_up_to(bulk_job.MOST_CONTACTS, search)
    if found.total >= bulk_job.MOST_CONTACTS:
        return f"the newest {words.number(bulk_job.MOST_CONTACTS)} contacts found"
    return words.counted(found.total, "contact")


def _run(job: Job) -> None:
    bar = st.progress(0.0, text="Looking up who is meant …")
    st.button("Stop here", key="bulk_stop_here", on_click=bulk_job.stop, args=(job,))
    for found in bulk_job.find(job):
        bar.progress(0.0, text=f"{words.number(found)} found so far …")
    for share in bulk_job.go_on(job, succeeded=ACTIONS[job.action].succeeded):
        bar.progress(
            share,
            text=f"{words.number(job.position)} of {words.counted(len(job.ids), 'contact')} …",
        )


def _summary(job: Job) -> None:
    action = ACTIONS[job.action]
    st.markdown(f"**{bulk_words.in_short(job, action.done)}**")
    lines = bulk_words.left_alone(
        job.action, (o.outcome for o in job.left_alone if o.outcome != "trouble")
    )
    if lines:
        st.markdown("Left alone:\n" + "\n".join(f"- {line}" for line in lines))
    for trouble in bulk_words.not_reached(job):
        st.warning(trouble)
    if job.done and action.revert:
        st.caption(action.revert)
    if job.action == "export" and job.done:
        bulk_export.offer(st.session_state[_READ])
    with st.container(horizontal=True):
        if st.button("Done", type="primary", key="bulk_done"):
            _finish(job)
            st.rerun()
        if job.action == "archive" and job.done and st.button("Undo", key="bulk_undo"):
            _take_back(job)
        if job.left_alone:
            bulk_export.offer_left_alone(job)


def _take_back(job: Job) -> None:
    bulk_job.ask_for("undo_archive", tuple(job.done), moment=job.moment)
    st.rerun()


def _finish(job: Job) -> None:
    bulk_job.forget()
    st.session_state.pop(_READ, None)
    close_dialog()
    if job.action == "archive" and job.done:
        offer_undo(ArchiveUndo(tuple(job.done), job.moment))


def _dismissed() -> None:
    """Closed by its cross, or with Escape, whatever it was doing."""
    job = bulk_job.current()
    close_dialog()
    if job is None:
        return
    if not job.is_over:
        say(
            f"Stopped halfway: {bulk_words.in_short(job, ACTIONS[job.action].done)} "
            f"{words.counted(job.untouched, 'contact')} stayed as before."
        )
    _finish(job)


DIALOGS: Dialogs = {"bulk": bulk}
