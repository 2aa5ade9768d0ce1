"""One contact: who it is, what may be written, campaigns, timeline and details."""

from __future__ import annotations

from html import escape
from uuid import UUID

import streamlit as st

from crm.records.contact_changes import MergedInto
from crm.records.contacts import Contact
from crm.ui import (
    contact_campaigns,
    contact_explanations,
    contact_header,
    contact_log,
    contact_sales,
    countries,
    session,
    words,
)
from crm.ui.markup import facts, hover, link


def show(contact_id: str) -> None:
    st.button("← Contacts", key="back", type="tertiary", on_click=_back)
    contact = _find(contact_id)
    if contact is None:
        st.info("This contact is not there any more. It may have been erased.")
        return
    db = session.current().db
    family = tuple(db.contact_changes.family(contact.id))
    enrollments = db.enrollments.of_contact(contact.id)
    explanations = contact_explanations.of(contact)
    what_comes_next = contact_header.show(contact, merged_into=_merged_into(contact))
    # In this order they stand below each other on a phone; what is only looked up comes last.
    left, right = st.columns([3, 2], gap="large")
    with left:
        contact_campaigns.show(contact, enrollments, explanations)
        contact_log.show(contact.id, family, tuple(enrollments), what_comes_next)
    with right:
        st.subheader("Details", anchor=False)
        facts(_details(contact))
        contact_sales.show(contact)
        contact_explanations.show(contact, explanations)
        contact_campaigns.show_past(contact, family, enrollments)


def _back() -> None:
    st.query_params.pop("contact", None)


def _find(contact_id: str) -> Contact | None:
    # The id comes out of the address line: anything may stand there.
    try:
        return session.current().db.contacts.get(str(UUID(contact_id)))
    except ValueError:
        return None


def _merged_into(contact: Contact) -> MergedInto | None:
    if not contact.archived_at:
        return None
    return session.current().db.contact_changes.merged_into(contact.id)


def _details(contact: Contact) -> list[tuple[str, str]]:
    moments = session.current().moments
    place = ", ".join(
        part for part in (contact.city, contact.state, countries.country(contact.country)) if part
    )
    zone = countries.zone_words(contact.time_zone) if contact.time_zone else "As usual"
    return [
        ("Company", escape(contact.company_name)),
        ("Job title", escape(contact.job_title)),
        ("Industry", escape(contact.industry)),
        ("Place", escape(place)),
        ("Time zone", escape(zone)),
        ("Website", link(contact.website, contact.website)),
        ("Profile", link(contact.profile_url, contact.profile_url)),
        ("Source", escape(words.source(contact.source))),
        ("Added", hover(moments.when(contact.created_at), moments.exact(contact.created_at))),
        ("Notes", escape(contact.notes).replace("\n", "<br>")),
    ]
