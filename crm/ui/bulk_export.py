"""Contacts as a file: all that were asked for, or those an action left alone, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from crm.records.contacts import Contact
from crm.records.states import EmailStatus
from crm.ui import bulk_words, exports, session, words
from crm.ui.bulk_job import Job
from db_service import DbService

_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NAME = "Contacts"


def offer(contacts: Sequence[Contact]) -> None:
    """A button for each kind of file."""
    here, zone = session.current(), session.current().moments.zone
    day = here.moments.now.astimezone(zone).date()

    def noted_rows(kind: str) -> exports.Rows:
        _note(here.db, len(contacts), f"{_NAME}, {kind}")
        return [_row(contact) for contact in contacts]

    with st.container(horizontal=True):
        _download(
            "CSV",
            lambda: exports.as_csv(noted_rows("CSV"), zone),
            f"contacts_{day}.csv",
            "text/csv",
        )
        _download(
            "Excel",
            lambda: exports.as_excel(noted_rows("Excel"), _NAME, zone),
            f"contacts_{day}.xlsx",
            _EXCEL,
        )


def offer_left_alone(job: Job) -> None:
    """One button; the file names each with the reason."""
    db = session.current().db
    reasons = {o.contact_id: o.outcome for o in job.left_alone}

    def content() -> bytes:
        found = db.contact_changes.read(list(reasons))
        _note(db, len(found), f"{_NAME} that an action left alone, CSV")
        return exports.as_csv(
            [
                {
                    "First name": contact.first_name,
                    "Last name": contact.last_name,
                    "Company": contact.company_name,
                    "Email": contact.email,
                    "Owner": contact.owner_name,
                    "Why it was left alone": bulk_words.reason(job.action, reasons[contact.id]),
                }
                for contact in found
            ]
        )

    st.download_button(
        "Download who was left alone",
        content,
        file_name="left_alone.csv",
        mime="text/csv",
        on_click="ignore",
        key="bulk_left_alone",
    )


def _note(db: DbService, count: int, description: str) -> None:
    """In the audit log, before the file exists. It is written when a button is pressed, which runs
    outside of the page: nothing here may ask for the session."""
    db.audit.record_export("contacts", count, description, now=session.now())


def _download(kind: str, content: Callable[[], bytes], file_name: str, mime: str) -> None:
    st.download_button(
        f"Download {kind}",
        content,
        file_name=file_name,
        mime=mime,
        on_click="ignore",
        key=f"bulk_download_{kind.lower()}",
    )


def _row(contact: Contact) -> Mapping[str, object]:
    """Headings that our own import reads back; who may not be written to stays so."""
    return {
        "First name": contact.first_name,
        "Last name": contact.last_name,
        "Email": contact.email,
        "Phone": contact.phone,
        "Company": contact.company_name,
        "Job title": contact.job_title,
        "Industry": contact.industry,
        "Contact type": contact.type_label,
        "Owner": contact.owner_name,
        "Opted out of e-mail": "no" if contact.email_status == EmailStatus.OK else "yes",
        "E-mail standing": words.email_standing(contact.email_status, contact.email)[0],
        "Campaign": contact.campaign_name,
        "Next e-mail": contact.next_send_at,
        "Tags": contact.tags,
        "City": contact.city,
        "State": contact.state,
        "Country": contact.country,
        "Time zone": contact.time_zone,
        "Website": contact.website,
        "Profile link": contact.profile_url,
        "Notes": contact.notes,
        "Added": contact.created_at,
    }
