"""What just happened: a toast after a reload, and an offer to undo it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from crm.ui import bulk_job, session, words
from crm.ui.calm import words_for
from crm.ui.markup import as_text
from db_service import DatabaseError

_SAID = "feedback_said"
_UNDO = "feedback_undo"


@dataclass(frozen=True, slots=True)
class ArchiveUndo:
    """Contacts archived at that one moment; an undo also lets go on what ran for them then."""

    contact_ids: tuple[str, ...]
    archived_at: datetime


def say(text: str) -> None:
    """Shown as a toast at the end of the coming run."""
    st.session_state.setdefault(_SAID, []).append(text)


def offer_undo(undo: ArchiveUndo) -> None:
    st.session_state[_UNDO] = undo


def show() -> None:
    """Once a page run, at its top."""
    for text in st.session_state.pop(_SAID, []):
        # What a person typed, strangers at the public form too, stays the characters it is.
        st.toast(as_text(text), duration="long")
    undo = st.session_state.get(_UNDO)
    if isinstance(undo, ArchiveUndo):
        _undo_bar(undo)


def _undo_bar(undo: ArchiveUndo) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="undo_bar"):
        st.markdown(
            f"Archived {words.counted(len(undo.contact_ids), 'contact')}; their campaigns stopped."
        )
        st.button("Undo", key="undo_archive", type="primary", on_click=_undo_archive, args=(undo,))
        st.button("Dismiss", key="undo_dismiss", type="tertiary", on_click=_forget_undo)


def _forget_undo() -> None:
    st.session_state.pop(_UNDO, None)


def _undo_archive(undo: ArchiveUndo) -> None:
    _forget_undo()
    if len(undo.contact_ids) > bulk_job.PART:
        # Its own dialog, with a progress bar (crm/ui/bulk_dialog.py).
        bulk_job.ask_for("undo_archive", undo.contact_ids, moment=undo.archived_at)
        return
    try:
        outcomes = session.current().db.contact_changes.undo_archive(
            undo.contact_ids, archived_at=undo.archived_at, now=session.now()
        )
    except DatabaseError as error:
        offer_undo(undo)
        say(words_for(error))
        return
    restored = sum(outcome.outcome == "restored" for outcome in outcomes)
    say(f"{words.counted(restored, 'contact')} taken out of the archive.")
