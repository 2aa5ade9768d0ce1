"""The top of a contact's page: who it is, how it stands, what comes next, what may be done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from crm.records.activities import Task
from crm.records.contact_changes import MergedInto
from crm.records.contacts import Contact
from crm.records.enrollments import Enrollment
from crm.ui import (
    contact_actions,
    contact_links,
    discovery_links,
    merge_contacts,
    session,
    suppression_lift,
    words,
)
from crm.ui.contact_tasks import due_words
from crm.ui.dialogs import open_dialog
from crm.ui.markup import as_text, link, paragraph, status

_SHORT = 40
_MORE = "contact_more"


def show(contact: Contact, *, merged_into: MergedInto | None) -> DeltaGenerator | None:
    """Returns where what comes next is to be written, by the part of the page that changes it;
    None for a contact with which nothing is done any more."""
    with st.container(gap="xsmall", key="contact_identity"):
        _identity(contact)
        _banners(contact)
    if merged_into:
        _merged_banner(merged_into)
        return None
    place = st.container(key="contact_next")
    _actions(contact)
    return place


def _identity(contact: Contact) -> None:
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
    _ways_to_reach(contact)
    if contact.tags:
        with st.container(horizontal=True, gap="small", key="contact_tags"):
            for tag in contact.tags:
                st.badge(as_text(tag), color="gray")


def _ways_to_reach(contact: Contact) -> None:
    ways = []
    if contact.email:
        ways.append(link(f"mailto:{contact.email}", contact.email))
    if contact.phone:
        ways.append(link(f"tel:{contact.phone.replace(' ', '')}", contact.phone))
    if ways:
        st.html(f'<div class="ways">{"".join(f"<span>{way}</span>" for way in ways)}</div>')


def _quiet(until: datetime, reason: str) -> str:
    """ "Quiet until 16 March: out of office"; it begins and ends at midnight UTC."""
    day = session.current().moments.day(until)
    return f"Quiet until {day}: {words.QUIET_REASON[reason]}".removesuffix(": ")


def _banners(contact: Contact) -> None:
    standing, _ = words.email_standing(contact.email_status, contact.email)
    if contact.email_status != "ok" and contact.email_status_reason:
        st.caption(as_text(f"{standing}: {contact.email_status_reason}"))


def _merged_banner(merged: MergedInto) -> None:
    """Nothing is done to it any more: it lives on in the other."""
    when = session.current().moments.when(merged.merged_at)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="merged"):
        st.markdown(
            f"Merged into **{as_text(merged.name)}** · {as_text(when)}  \nIts history stands there "
            "too, and new e-mails go there.",
            width="stretch",
        )
        st.button(
            "Open that contact",
            key="open_merged",
            on_click=contact_links.go_to,
            args=(merged.contact_id,),
        )


def what_comes_next(
    contact: Contact, enrollments: Sequence[Enrollment], tasks: Sequence[Task]
) -> None:
    moments = session.current().moments
    coming = sorted(
        (e for e in enrollments if e.status == "active" and e.next_send_at and e.next_step),
        key=lambda e: (e.next_send_at, e.id),
    )
    email, email_exact = "Nothing planned", ""
    if coming:
        [first, *_] = coming
        email, email_exact = moments.due(first.next_send_at), moments.exact(first.next_send_at)
    task, task_exact = "No open task", ""
    if tasks:
        summary = tasks[0].summary
        task = summary if len(summary) <= _SHORT else f"{summary[:_SHORT].rstrip()}…"
        task, task_exact = f"{task} · {due_words(tasks[0].due_on, moments)}", summary
    last = contact.last_activity_at
    status(
        [
            ("Owner", contact.owner_name or "Nobody", ""),
            ("Next e-mail", email, email_exact),
            ("Next task", task, task_exact),
            (
                "Last activity",
                _begun_large(moments.ago(last)) if last else "Nothing yet",
                moments.exact(last),
            ),
        ]
    )


def _begun_large(text: str) -> str:
    return text[:1].upper() + text[1:]


def _actions(contact: Contact) -> None:
    if not session.current().may_change(contact):
        owner = contact.owner_name or "Nobody"
        st.caption(
            as_text(
                f"{owner} looks after this contact. Ask them or an admin to change it; notes and "
                "tasks are for everybody to add."
            )
        )
        return
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
            kwargs={"contact_ids": (contact.id,)},
        )
        discovery_links.record_call_button(contact.id, key="record_call")
        st.menu_button(
            "More", list(_choices(contact)), key=_MORE, on_click=_choose, args=(contact,)
        )


def _choices(contact: Contact) -> dict[str, Callable[[], None]]:
    """What is done rarely; what takes the contact away comes last."""
    return {
        **suppression_lift.choices(contact),
        "Merge duplicate": partial(merge_contacts.open_for, contact.id),
        "Archive": partial(contact_actions.archive, (contact,)),
    }


def _choose(contact: Contact) -> None:
    _choices(contact)[st.session_state[_MORE]]()
