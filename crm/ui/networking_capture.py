"""Noting down who came: one by one, as a pasted list, or from a file."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, BinaryIO

import pandas as pd
import streamlit as st

from crm.contact_import import ContactImport, ImportChoices
from crm.imports.columns import recognise
from crm.imports.contact_rows import CleanContact, RejectedRow
from crm.imports.pasted import pasted_people, typed_person
from crm.imports.reader import ImportFileError, open_contact_file
from crm.imports.rejects import write_rejects
from crm.mail.addresses import normalise_address
from crm.records.networking import CapturedRow
from crm.ui import calm, live, session, words
from crm.ui.feedback import say
from crm.ui.markup import as_text
from crm.ui.networking_words import outcome, summary

Rows = Sequence[CleanContact | RejectedRow]
MOST_ROWS = 5_000
_BATCH = 500
_RESULT = "capture_result"
_ONE, _PASTE, _FILE = "One by one", "Paste a list", "From a file"


@dataclass(frozen=True, slots=True)
class _Result:
    """What is told after a list went in."""

    event_id: str
    text: str
    rejects: bytes


@st.fragment
@calm.section
def show(event_id: str) -> None:
    live.give_way()
    with st.container(border=True, key="capture"):
        st.subheader("Who was there?", anchor=False)
        how = st.segmented_control(
            "How",
            (_ONE, _PASTE, _FILE),
            default=_ONE,
            required=True,
            key="capture_how",
            label_visibility="collapsed",
        )
        if how == _ONE:
            _one_by_one(event_id)
        elif how == _PASTE:
            _pasted(event_id)
        else:
            _from_file(event_id)
        _told(event_id)


def _one_by_one(event_id: str) -> None:
    with st.form("capture_one", border=False, clear_on_submit=True):
        first, last = st.columns(2)
        first_name = first.text_input("First name", key="attendee_first", max_chars=200)
        last_name = last.text_input("Last name", key="attendee_last", max_chars=200)
        left, right = st.columns(2)
        email = left.text_input("E-mail", key="attendee_email")
        company = right.text_input("Company", key="attendee_company", max_chars=200)
        submitted = st.form_submit_button("Add attendee", key="attendee_add", type="primary")
    if not submitted:
        return
    row = typed_person(
        first_name=first_name,
        last_name=last_name,
        email=email,
        company_name=company,
        normalise=normalise_address,
    )
    if isinstance(row, RejectedRow):
        # The form is empty again: what was typed is not lost.
        typed = " ".join(filter(None, (first_name, last_name, email, company)))
        st.error(as_text(f"{row.reasons[0]} Nothing was added of “{typed}”."))
        return
    (captured,) = _capture(event_id, [row])
    said = outcome(captured.outcome)
    name = f"{row.first_name} {row.last_name}".strip() or row.email
    say(f"{name}: {said[:1].lower()}{said[1:]}.")
    live.want_whole_page()
    live.give_way()


def _pasted(event_id: str) -> None:
    text = st.text_area(
        "One person a line",
        key="attendee_lines",
        height=180,
        placeholder="Ada Byron <ada@harbor.example>\nBo Chen, Lakeside Clinic, bo@lakeside.example",
        help="Names, companies and addresses divided by commas or tabs, or recipients as a mail "
        "program copies them.",
    )
    rows = list(pasted_people(text or "", normalise=normalise_address))
    _preview(rows)
    _add_button(event_id, rows, headers=("Line",))


def _from_file(event_id: str) -> None:
    upload = st.file_uploader(
        "CSV file of the attendees, with a line of headings",
        type=["csv", "txt", "tsv"],
        key="attendee_file",
    )
    if upload is None:
        return
    try:
        rows, headers = _rows_of(upload)
    except ImportFileError as error:
        st.error(str(error))
        return
    _preview(rows)
    _add_button(event_id, rows, headers=headers)


def _rows_of(upload: BinaryIO) -> tuple[Rows, tuple[str, ...]]:
    file = open_contact_file(upload)
    db = session.current().db
    choices = ImportChoices(
        mapping=recognise(file.headers),
        # Whatever a column says, who is met at an event begins with networking.
        known_types=frozenset({"networking"}),
        default_type="networking",
        default_country=db.app_settings.sending_rules().default_country,
    )
    task = ContactImport(file, choices, db.contact_imports)
    return list(islice(task.rows(), MOST_ROWS)), file.headers


def _preview(rows: Rows) -> None:
    if not rows:
        return
    good = sum(isinstance(row, CleanContact) for row in rows)
    st.caption(
        f"{words.counted(good, 'person', 'people')} understood"
        + (f", {words.counted(len(rows) - good, 'line')} not" if good < len(rows) else "")
    )
    bad_first = sorted(rows, key=lambda row: isinstance(row, CleanContact))
    st.dataframe(
        pd.DataFrame([_shown(row) for row in bad_first[:100]]),
        hide_index=True,
        height="content" if len(rows) <= 6 else 250,
        alt="What was understood of each line",
    )


def _shown(row: CleanContact | RejectedRow) -> dict[str, str | int]:
    if isinstance(row, RejectedRow):
        told = {"Name": " ".join(row.raw.values()), "E-mail": "", "Company": ""}
        return {"Line": row.row_number, **told, "Problem": " ".join(row.reasons)}
    name = f"{row.first_name} {row.last_name}".strip()
    told = {"Name": name, "E-mail": row.email or "", "Company": row.company_name}
    return {"Line": row.row_number, **told, "Problem": ""}


def _add_button(event_id: str, rows: Rows, *, headers: Sequence[str]) -> None:
    good = [row for row in rows if isinstance(row, CleanContact)]
    label = f"Add {words.counted(len(good), 'person', 'people')}" if good else "Add them"
    if st.button(label, key="attendees_add", type="primary", disabled=not good):
        bar = st.progress(0.0, text="Adding …")
        codes = _in_batches(event_id, good, lambda share: bar.progress(share, text="Adding …"))
        rejected = [row for row in rows if isinstance(row, RejectedRow)]
        codes += ["rejected"] * len(rejected)
        st.session_state[_RESULT] = _Result(event_id, summary(codes), _rejects(headers, rejected))
        live.want_whole_page()
        live.give_way()


def _in_batches(
    event_id: str, rows: Sequence[CleanContact], progress: Callable[[float], object]
) -> list[str]:
    codes: list[str] = []
    for start in range(0, len(rows), _BATCH):
        codes += [row.outcome for row in _capture(event_id, rows[start : start + _BATCH])]
        progress(min(1.0, (start + _BATCH) / len(rows)))
    return codes


def _capture(event_id: str, rows: Sequence[CleanContact]) -> list[CapturedRow]:
    return session.current().db.networking.capture(
        event_id, [_as_row(row) for row in rows], now=session.now()
    )


def _as_row(contact: CleanContact) -> Mapping[str, Any]:
    # A list of guests asks for nobody's removal, and says nothing about who looks after whom.
    return asdict(replace(contact, contact_type="networking", opted_out=False, owner_name=""))


def _rejects(headers: Sequence[str], rejected: Sequence[RejectedRow]) -> bytes:
    out = io.StringIO(newline="")
    if rejected:
        write_rejects(out, headers, rejected)
    return out.getvalue().encode("utf-8-sig")


def _told(event_id: str) -> None:
    result = st.session_state.get(_RESULT)
    if not isinstance(result, _Result) or result.event_id != event_id:
        return
    st.success(result.text)
    if len(result.rejects) > 3:
        st.download_button(
            "Download the lines that could not be read",
            result.rejects,
            file_name="attendees_not_read.csv",
            mime="text/csv",
            on_click="ignore",
            key="attendee_rejects",
        )
