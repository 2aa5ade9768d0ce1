"""The dialog that imports a contact file: choose it, check columns and rows, decide, import."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from crm.contact_import import ContactImport, ImportChoices, ImportSummary
from crm.imports.columns import CONTACT_FIELDS, recognise
from crm.imports.reader import ContactFile, ImportFileError, open_contact_file
from crm.imports.rejects import write_rejects
from crm.records.contact_imports import OnDuplicate
from crm.records.contacts import ContactType
from crm.ui import calm, import_preview, session, words
from crm.ui.dialogs import Dialogs, close_dialog
from crm.ui.markup import as_text, counts

_RESULT = "import_result"
_IGNORED = "– left out –"
_ORIGIN: Mapping[str, str] = {
    "hubspot": "a HubSpot export",
    "linkedin": "LinkedIn connections",
    "google": "Google Contacts",
    "outlook": "an Outlook export",
    "salesforce": "a Salesforce report",
    "mpt_crm": "our own export",
    "rejects": "a corrected rejects file",
    "unknown": "a contact list",
}


@dataclass(frozen=True, slots=True)
class _Result:
    file_name: str
    summary: ImportSummary
    rejects: bytes


def _finish() -> None:
    st.session_state.pop(_RESULT, None)
    close_dialog()


@st.dialog("Import contacts", width="large", on_dismiss=_finish)
@calm.section
def import_contacts() -> None:
    result = st.session_state.get(_RESULT)
    if isinstance(result, _Result):
        _show_result(result)
        return
    upload = st.file_uploader(
        "CSV file from HubSpot, LinkedIn, Google Contacts, Outlook, Salesforce or any spreadsheet",
        type=["csv", "txt", "tsv"],
        key="import_file",
    )
    if upload is None:
        return
    try:
        file = open_contact_file(upload)
        _prepare(file, upload.name)
    except ImportFileError as error:
        st.error(str(error))


def _prepare(file: ContactFile, name: str) -> None:
    types = session.current().db.contacts.types()
    rows = f"about {words.counted(file.row_count_estimate, 'row')}"
    st.success(f"This reads like {_ORIGIN[file.origin]}: {rows}, {len(file.headers)} columns.")
    mapping = _mapping(file)
    if "email" not in mapping.values():
        st.warning(
            "No column becomes the e-mail address: such contacts are stored, never written to."
        )
    left, right = st.columns(2)
    with left:
        kind = _default_type(types)
        enroll = st.checkbox("Enroll them in the campaign of their type", key="import_enroll")
    with right:
        on_duplicate = _on_duplicate()
    choices = ImportChoices(
        mapping=mapping,
        known_types=frozenset(kind.key for kind in types),
        default_type=kind,
        default_country=session.current().db.app_settings.sending_rules().default_country,
        on_duplicate=on_duplicate,
        enroll=enroll,
    )
    task = ContactImport(file, choices, session.current().db.contact_imports)
    import_preview.show(task, on_duplicate)
    if st.button("Import", type="primary", key="import_start"):
        _run(task, file, name)


def _default_type(types: Sequence[ContactType]) -> str | None:
    labels = {kind.key: kind.label for kind in types}
    return st.selectbox(
        "Type for rows that name none",
        list(labels),
        format_func=labels.__getitem__,
        key="import_type",
    )


def _on_duplicate() -> OnDuplicate:
    chosen = st.radio(
        "Contacts that are here already",
        ["Update them with what the file knows", "Leave them as they are"],
        key="import_duplicates",
    )
    return "update" if chosen == "Update them with what the file knows" else "skip"


def _mapping(file: ContactFile) -> dict[str, str | None]:
    """The table of columns; what a person changes in it wins over what was recognised."""
    recognised = recognise(file.headers)
    unknown = [header for header in file.headers if recognised[header] is None]
    title = f"Columns ({len(file.headers) - len(unknown)} recognised, {len(unknown)} left out)"
    with st.expander(title, expanded=not any(recognised.values())):
        labels = dict(CONTACT_FIELDS)
        edited = st.data_editor(
            pd.DataFrame(import_preview.column_rows(file, recognised, labels, _IGNORED)),
            key=f"import_mapping_{hash(file.headers)}",
            hide_index=True,
            disabled=["Column in the file", "Examples"],
            column_config={
                "Becomes": st.column_config.SelectboxColumn(
                    options=[_IGNORED, *labels.values()], required=True, width="medium"
                )
            },
        )
    fields = {label: field for field, label in labels.items()}
    chosen = zip(edited["Column in the file"], edited["Becomes"], strict=True)
    return {str(header): fields.get(str(label)) for header, label in chosen}


def _run(task: ContactImport, file: ContactFile, name: str) -> None:
    estimate = max(1, file.row_count_estimate)
    bar = st.progress(0.0, text="Importing …")
    for read in task.run(now=session.now()):
        bar.progress(min(1.0, read / estimate), text=f"{words.counted(read, 'row')} …")
    out = io.StringIO(newline="")
    if task.summary.rejected:
        bar.progress(1.0, text="Writing the rejects file …")
        write_rejects(out, file.headers, task.rejected())
    rejects = out.getvalue().encode("utf-8-sig")
    st.session_state[_RESULT] = _Result(name, task.summary, rejects)
    st.rerun(scope="fragment")


def _show_result(result: _Result) -> None:
    summary = result.summary
    st.success(f"{words.counted(summary.read, 'row')} of {as_text(result.file_name)} read.")
    parts = [
        ("Imported", summary.imported),
        ("Updated", summary.updated),
        ("Unchanged", summary.unchanged),
        ("Skipped, here already", summary.skipped),
        ("Opted out, never written to", summary.suppressed),
        ("Skipped, archived", summary.archived),
        ("Rejected", summary.rejected),
    ]
    counts(
        (label, words.number(count), label == "Rejected" and count > 0) for label, count in parts
    )
    if summary.rejected:
        st.markdown("Each rejected row has its reason. Correct the file and import it again.")
    with st.container(horizontal=True):
        _buttons(result)


def _buttons(result: _Result) -> None:
    if result.summary.rejected:
        st.download_button(
            "Download the rejects file",
            result.rejects,
            file_name="rejected_contacts.csv",
            mime="text/csv",
            on_click="ignore",
            key="download_rejects",
        )
    if st.button("Done", type="primary", key="import_done"):
        _finish()
        st.rerun()


DIALOGS: Dialogs = {"import_contacts": import_contacts}
