"""A look at the first rows of a contact file before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

import pandas as pd
import streamlit as st

from crm.contact_import import ContactImport
from crm.imports.contact_rows import CleanContact, RejectedRow
from crm.imports.reader import ContactFile
from crm.records.contact_imports import OnDuplicate
from crm.ui import session

_SHOWN_ROWS = 20
_SAMPLED_ROWS = 25
_SAMPLE_VALUES = 3
_SAMPLE_LENGTH = 28


def column_rows(
    file: ContactFile,
    mapping: Mapping[str, str | None],
    labels: Mapping[str, str],
    ignored: str,
) -> list[dict[str, str]]:
    """The mapping table: each column with examples from the first rows and the field it becomes."""
    sampled = [row.values for row in islice(file.rows(), _SAMPLED_ROWS)]
    return [
        {
            "Column in the file": header,
            "Examples": _examples([row.get(header, "") for row in sampled]),
            "Becomes": labels.get(mapping[header] or "", ignored),
        }
        for header in file.headers
    ]


def _examples(cells: list[str]) -> str:
    distinct = list(dict.fromkeys(cell.strip() for cell in cells if cell.strip()))
    return " · ".join(cell[:_SAMPLE_LENGTH] for cell in distinct[:_SAMPLE_VALUES])


def show(task: ContactImport, on_duplicate: OnDuplicate) -> None:
    """The first rows as they would be stored, with what would become of each."""
    rows = list(islice(task.rows(), _SHOWN_ROWS))
    if not rows:
        st.info("The file has a header and no rows.")
        return
    emails = [row.email for row in rows if isinstance(row, CleanContact) and row.email]
    known = session.current().db.contact_imports.known_addresses(emails)
    st.markdown(f"**The first {len(rows)} rows**")
    st.dataframe(
        pd.DataFrame([_preview_row(row, known, on_duplicate) for row in rows]),
        hide_index=True,
        height=250,
        alt="Preview of the first rows",
    )


def _preview_row(
    row: CleanContact | RejectedRow, known: set[str], on_duplicate: OnDuplicate
) -> dict[str, str | int]:
    if isinstance(row, RejectedRow):
        return {"Row": row.row_number, "What happens": f"Rejected: {' '.join(row.reasons)}"}
    return {
        "Row": row.row_number,
        "What happens": _fate(row, known, on_duplicate),
        "Name": f"{row.first_name} {row.last_name}".strip(),
        "E-mail": row.email or "",
        "Company": row.company_name,
        "Type": row.contact_type.capitalize(),
    }


def _fate(row: CleanContact, known: set[str], on_duplicate: OnDuplicate) -> str:
    if row.opted_out:
        return "Opted out: stored, never written to"
    if row.email in known:
        return (
            "Here already: updated" if on_duplicate == "update" else "Here already: left as it is"
        )
    return "New" if row.email else "New, without an address"
