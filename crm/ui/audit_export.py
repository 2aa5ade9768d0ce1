"""The found entries as a file. Taking it is itself written down, before the file is offered."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from itertools import islice

import streamlit as st

from crm.imports.rejects import neutralise
from crm.records.audit import EVERYTHING, AuditEntry, AuditSearch
from crm.ui import audit_filters, audit_log, calm, session, words
from crm.ui.audit_fields import NOTHING, Reader
from crm.ui.audit_words import changes, kind, sentence, who
from crm.ui.dialogs import Dialogs, close_dialog

MOST_ROWS = 50_000
_FILE = "audit_export_file"
HEADERS = ("Entry", "Recorded (UTC)", "Who", "Area", "What", "Before", "After")


def _finish() -> None:
    st.session_state.pop(_FILE, None)
    close_dialog()


@st.dialog("Export the audit log", on_dismiss=_finish)
@calm.section
def export_audit(search: AuditSearch) -> None:
    if _FILE in st.session_state:
        _offer(*st.session_state[_FILE])
        return
    asked = audit_filters.in_words(search, session.current().moments.zone)
    found = "every entry" if search == EVERYTHING else f"the entries you filtered for ({asked})"
    st.markdown(f"A CSV file of {found}. The log will say that you took it.")
    with st.container(horizontal=True):
        sure = st.button("Write the file", key="audit_write", type="primary")
        st.button("Cancel", key="audit_cancel", on_click=_finish)
    if sure:
        with st.spinner("Writing the file …"):
            _write(search, asked)
        st.rerun()


def _write(search: AuditSearch, asked: str) -> None:
    here = session.current()
    entries = list(islice(here.db.audit.all(search), MOST_ROWS))
    here.db.audit.record_export("audit_log", len(entries), asked, now=session.now())
    st.session_state[_FILE] = (as_csv(entries, audit_log.reader()), len(entries))


def _offer(content: bytes, count: int) -> None:
    entries = words.counted(count, "entry", "entries")
    st.success(f"{entries} written.")
    if count == MOST_ROWS:
        st.caption("These are the newest; ask for an earlier time to have the others.")
    with st.container(horizontal=True):
        st.download_button(
            "Download",
            content,
            file_name="audit_log.csv",
            mime="text/csv",
            on_click="ignore",
            type="primary",
            key="audit_download",
        )
        if st.button("Done", key="audit_done"):
            _finish()
            st.rerun()


def as_csv(entries: Iterable[AuditEntry], reading: Reader) -> bytes:
    """For spreadsheets: UTF-8 with its mark, and no cell that runs as a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(HEADERS)
    for entry in entries:
        fields = changes(entry, reading)
        cells = (
            str(entry.number),
            entry.recorded_at.isoformat(timespec="seconds"),
            who(entry),
            kind(entry),
            sentence(entry, reading),
            _side((change.label, change.before) for change in fields),
            _side((change.label, change.after) for change in fields),
        )
        writer.writerow(map(neutralise, cells))
    return out.getvalue().encode("utf-8-sig")


def _side(values: Iterable[tuple[str, str]]) -> str:
    return "; ".join(f"{label}: {value}" for label, value in values if value != NOTHING)


DIALOGS: Dialogs = {"export_audit": export_audit}
