"""One contact: who it is, what may be written, campaigns, timeline and details."""

from __future__ import annotations

from datetime import datetime
from html import escape
from uuid import UUID

import streamlit as st

from crm.records.contacts import Contact
from crm.ui import (
    contact_actions,
    contact_campaigns,
    contact_explanations,
    contact_timeline,
    countries,
    session,
    suppression_lift,
    words,
)
from crm.ui.dialogs import open_dialog
from crm.ui.markup import as_text, facts, hover, link, paragraph


def show(contact_id: str) -> None:
    st.button("← Contacts", key="back", type="tertiary", on_click=_back)
    contact = _find(contact_id)
    if contact is None:
        st.info("This contact is not there any more. It may have been erased.")
        return
    _heading(contact)
    _actions(contact)
    left, right = st.columns([3, 2], gap="large")
    with left:
        contact_campaigns.show(contact)
        contact_explanations.show(contact)
        contact_timeline.show(contact.id)
    with right:
        st.subheader("Details", anchor=False)
        facts(_details(contact))


def _back() -> None:
    st.query_params.pop("contact", None)


def _find(contact_id: str) -> Contact | None:
    # The id comes out of the address line: anything may stand there.
    try:
        return session.current().db.contacts.get(str(UUID(contact_id)))
    except ValueError:
        return None


def _heading(contact: Contact) -> None:
    standing, tone = words.email_standing(contact.email_status, contact.email)
    with st.container(horizontal=True, vertical_alignment="center", key="contact_heading"):
        st.title(
            as_text(contact.full_name or contact.email or "Nameless"), anchor=False, width="content"
        )
        st.badge(contact.type_label, color="blue")
        st.badge(standing, color=tone)
        if contact.archived_at:
            st.badge("Archived", color="gray")
        if contact.quiet_until and contact.quiet_until > session.now():
            st.badge(_quiet(contact.quiet_until, contact.quiet_reason), color="orange")
    role = " at ".join(part for part in (contact.job_title, contact.company_name) if part)
    if role:
        paragraph(role, style="lead")
    if contact.email_status != "ok" and contact.email_status_reason:
        st.caption(as_text(f"{standing}: {contact.email_status_reason}"))


def _quiet(until: datetime, reason: str) -> str:
    """ "Quiet until 16 March: out of office"; it begins and ends at midnight UTC."""
    day = session.current().moments.day(until)
    return f"Quiet until {day}: {words.QUIET_REASON[reason]}".removesuffix(": ")


def _actions(contact: Contact) -> None:
    if not session.current().may_change(contact):
        owner = contact.owner_name or "Nobody"
        st.caption(as_text(f"{owner} looks after this contact. Ask them or an admin to change it."))
        return
    ids = (contact.id,)
    with st.container(horizontal=True, key="contact_actions"):
        st.button(
            "Edit",
            key="edit",
            on_click=open_dialog,
            args=("edit_contact",),
            kwargs={"contact_id": contact.id},
        )
        if contact.archived_at:
            st.button(
                "Take out of the archive",
                key="unarchive",
                on_click=contact_actions.unarchive,
                args=((contact,),),
            )
            return
        st.button(
            "Change type",
            key="change_type",
            on_click=open_dialog,
            args=("change_type",),
            kwargs={"contact_ids": ids},
        )
        contact_actions.enroll_menu(ids, key="enroll")
        contact_actions.stop_menu(ids, key="stop_all")
        suppression_lift.contact_buttons(contact)
        st.button("Archive", key="archive", on_click=contact_actions.archive, args=((contact,),))


def _details(contact: Contact) -> list[tuple[str, str]]:
    moments = session.current().moments
    place = ", ".join(
        part for part in (contact.city, contact.state, countries.country(contact.country)) if part
    )
    zone = countries.zone_words(contact.time_zone) if contact.time_zone else "As usual"
    return [
        ("E-mail", link(f"mailto:{contact.email}", contact.email) if contact.email else ""),
        (
            "Phone",
            link(f"tel:{contact.phone.replace(' ', '')}", contact.phone) if contact.phone else "",
        ),
        ("Company", escape(contact.company_name)),
        ("Job title", escape(contact.job_title)),
        ("Industry", escape(contact.industry)),
        ("Owner", escape(contact.owner_name or "Nobody")),
        ("Place", escape(place)),
        ("Time zone", escape(zone)),
        ("Website", link(contact.website, contact.website)),
        ("Profile", link(contact.profile_url, contact.profile_url)),
        ("Tags", escape(", ".join(contact.tags))),
        ("Source", escape(words.source(contact.source))),
        ("Added", hover(moments.when(contact.created_at), moments.exact(contact.created_at))),
        ("Notes", escape(contact.notes).replace("\n", "<br>")),
    ]
