"""Is the audit log's chain whole? Checked when the page is first opened, and whenever one asks."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from crm.records.audit import ChainState
from crm.ui import calm, session, words
from crm.ui.markup import as_text
from db_service import DatabaseError

_CHECKED = "audit_chain_checked"
_PROBLEM = {
    "missing": "Entry {} is missing.",
    "changed": "Entry {} is not as it was written.",
    "added": "Entry {} does not follow from the one before it.",
}


def show() -> None:
    if _CHECKED not in st.session_state:
        with st.spinner("Checking every entry …"):
            _check()
    checked = st.session_state.get(_CHECKED)
    with st.container(border=True, key="audit_chain"):
        with st.container(horizontal=True, vertical_alignment="center", key="audit_chain_state"):
            if checked:
                _state(*checked)
            st.button("Check now", key="audit_check", on_click=_forget)
        if checked and not checked[0].is_whole:
            _what_to_do(checked[0])
        elif checked and checked[0].head:
            _head(checked[0].head)


def _forget() -> None:
    """A button's on_click: the page checks again where its result stands."""
    st.session_state.pop(_CHECKED, None)


def _check() -> None:
    try:
        state = session.current().db.audit.verify()
    except DatabaseError as error:
        st.error(calm.words_for(error))
        return
    st.session_state[_CHECKED] = (state, session.now())


def _state(state: ChainState, checked_at: datetime) -> None:
    if state.is_whole:
        st.badge("Complete", color="green")
        told = "The log is complete: nothing was changed or removed. "
    else:
        st.badge("Tampered with", color="red")
        told = ""
    entries = words.counted(state.entries, "entry", "entries")
    when = session.current().moments.ago(checked_at)
    st.caption(as_text(f"{told}{entries}, checked {when}."), width="stretch")


def _what_to_do(state: ChainState) -> None:
    what = _PROBLEM[state.problem].format(words.number(state.broken_at or 0))
    st.error(
        f"{what} Only somebody with the database’s own password can do that. Leave the log as it "
        "is, compare it with a backup, and find out who has that password."
    )


def _head(head: str) -> None:
    with st.expander("Fingerprint of the log, to note elsewhere"):
        st.code(head, language=None)
        st.caption(
            "The check above cannot notice when the newest entries are cut off; a fingerprint that "
            "was noted before can. Copy it somewhere safe from time to time; whoever runs the "
            "server compares it with the log by `python scripts/verify_audit.py --expect`."
        )
