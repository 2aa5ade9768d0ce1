"""A contact's projects and the events they came to, for who wants to know what else there is."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from crm.records.activities import due_moment
from crm.records.contacts import Contact
from crm.records.networking import Attendee
from crm.records.projects import Project
from crm.ui import places, session, words
from crm.ui.dialogs import open_dialog
from crm.ui.markup import as_text, hover, paragraph
from crm.ui.project_words import STAGE

_SHOWN = 10


def show(contact: Contact) -> None:
    """Nothing of what there is none of, but for the button that begins the first project."""
    db = session.current().db
    _projects(contact, db.projects.of_contact(contact.id, limit=_SHOWN + 1))
    _events(db.networking.attended_by(contact.id, limit=_SHOWN + 1))


def _projects(contact: Contact, projects: Sequence[Project]) -> None:
    if projects:
        st.subheader("Projects", anchor=False)
        with st.container(key="contact_projects", gap="small"):
            for project in projects[:_SHOWN]:
                _project(project)
            if len(projects) > _SHOWN:
                st.caption(f"The latest {_SHOWN} are shown.")
    with st.container(key="contact_projects_ways", horizontal=True, vertical_alignment="center"):
        if not contact.archived_at and session.current().may_change(contact):
            st.button(
                "Start another project" if projects else "Start a project",
                key="start_project",
                type="tertiary",
                on_click=open_dialog,
                args=("add_project",),
                kwargs={"contact_id": contact.id},
            )
        if projects:
            st.page_link(places.PROJECTS, label="Open the board", width="content")


def _project(project: Project) -> None:
    here = session.current()
    stage, tone = STAGE[project.stage]
    with st.container(key=f"project_of_contact_{project.id}", gap=None):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if here.is_admin or project.owner_id == here.person.id:
                st.button(
                    as_text(project.name),
                    key=f"edit_project_{project.id}",
                    type="tertiary",
                    on_click=open_dialog,
                    args=("edit_project",),
                    kwargs={"project_id": project.id},
                )
            else:
                st.markdown(as_text(project.name), width="content")
            st.badge(stage, color=tone)
        moved = project.stage_changed_at
        worth = f" · {words.money(project.value_cents)}" if project.value_cents else ""
        since = hover(f"Moved {here.moments.ago(moved)}", here.moments.exact(moved))
        st.html(f'<div class="quiet">{since}{worth}</div>')


def _events(events: Sequence[Attendee]) -> None:
    if not events:
        return
    moments = session.current().moments
    st.subheader("Events", anchor=False)
    with st.container(key="contact_events", gap="small"):
        for event in events[:_SHOWN]:
            with st.container(gap=None, key=f"event_of_contact_{event.event_id}"):
                st.page_link(
                    places.NETWORKING,
                    label=as_text(event.event_name),
                    query_params={"event": event.event_id},
                )
                held = due_moment(event.held_on)
                assert held is not None
                notes = f" · {event.notes}" if event.notes else ""
                paragraph(f"{moments.day(held)}{notes}", style="quiet")
        if len(events) > _SHOWN:
            st.caption(f"The latest {_SHOWN} are shown.")
