"""The dialogs of projects: add, edit, complete, lose."""

from __future__ import annotations

import streamlit as st

from crm.records.contacts import Contact
from crm.records.projects import Project, ProjectDraft
from crm.ui import calm, contact_picker, project_board, session, words
from crm.ui.dialogs import Dialogs, cancel_button, close_dialog
from crm.ui.feedback import say
from crm.ui.markup import as_text
from crm.ui.project_words import NotMoneyError, cents, type_is_for, who

_LONGEST_NAME, _LONGEST_REASON = 200, 1000


@st.dialog("Add project", on_dismiss=close_dialog)
@calm.section
def add_project(contact_id: str = "") -> None:
    contact = session.current().db.contacts.get(contact_id) if contact_id else None
    if contact:
        st.markdown(f"For **{as_text(contact_picker.described(contact))}**")
    else:
        contact = contact_picker.pick("Contact", key="project_contact")
    draft = _form(None, "Add project", with_contact=contact is not None)
    if draft is None:
        return
    if contact is None:
        st.error("Choose the contact first: type a name above.")
        return
    session.current().db.projects.add(contact.id, draft, now=session.now())
    say(f"“{draft.name}” was added for {contact.full_name or contact.email}.")
    close_dialog()
    st.rerun()


@st.dialog("Edit project", on_dismiss=close_dialog)
@calm.section
def edit_project(project_id: str) -> None:
    project = _find(project_id)
    if project is None:
        return
    st.markdown(f"For **{as_text(who(project))}**")
    draft = _form(project, "Save", with_contact=True)
    if draft is None:
        return
    if session.current().db.projects.change(project.id, draft, now=session.now()):
        say("Saved.")
    else:
        say("Nothing was saved: this project belongs to a colleague.")
    close_dialog()
    st.rerun()


def _find(project_id: str) -> Project | None:
    project = session.current().db.projects.get(project_id)
    if project is None:
        st.info("This project is not there any more.")
    return project


def _form(project: Project | None, label: str, *, with_contact: bool) -> ProjectDraft | None:
    """What was submitted and is in order."""
    people = {person.id: person.full_name for person in session.current().db.people.active()}
    owner_id = project.owner_id if project else session.current().person.id
    with st.form("project", border=False):
        name = st.text_input(
            "Name of the project",
            value=project.name if project else "",
            max_chars=_LONGEST_NAME,
            key="project_name",
        )
        name_problem = st.empty()
        value = st.text_input(
            "Value in dollars",
            value=words.money(project.value_cents) if project and project.value_cents else "",
            placeholder="12,500",
            key="project_value",
        )
        value_problem = st.empty()
        owner = st.selectbox(
            "Owner",
            list(people),
            index=list(people).index(owner_id) if owner_id in people else None,
            format_func=lambda person_id: people[person_id],
            placeholder="Nobody",
            key="project_owner_id",
        )
        submitted = st.form_submit_button(
            label, key="project_save", type="primary", disabled=not with_contact
        )
    if not submitted:
        return None
    try:
        worth = cents(value or "")
    except NotMoneyError as error:
        value_problem.markdown(f":red[{error}]")
        return None
    if not (name or "").strip():
        name_problem.markdown(":red[Give the project a name.]")
        return None
    return ProjectDraft(name=name.strip(), value_cents=worth, owner_id=owner)


@st.dialog("Complete project", on_dismiss=close_dialog)
@calm.section
def complete_project(project_id: str) -> None:
    project = _find(project_id)
    if project is None:
        return
    contact = session.current().db.contacts.get(project.contact_id)
    st.markdown(f"**{as_text(project.name)}** is finished work.")
    if contact:
        st.markdown(what_follows(contact))
    with st.container(horizontal=True):
        sure = st.button("Complete it", key="complete_sure", type="primary")
        cancel_button(key="complete_not", label="Not yet")
    if sure:
        project_board.move(project, "completed")
        close_dialog()
        st.rerun()


def what_follows(contact: Contact) -> str:
    """For a completion: what becomes of the contact and its campaigns."""
    name = as_text(contact.full_name or contact.email or "The contact")
    types = {kind.key: kind for kind in session.current().db.contacts.types()}
    client, now = types["client"], types[contact.contact_type]
    if now.key == client.key:
        return f"{name} is a client already; nothing changes for the contact."
    if now.path_rank is None or client.path_rank is None or now.path_rank > client.path_rank:
        return f"{name} stays {now.label}: that type is not on the way to client."
    if not session.current().may_change(contact):
        whose = as_text(type_is_for(contact))
        return f"{name} stays {now.label}: {whose} can change the type to {client.label}."
    sentence = f"{name} becomes a client."
    if contact.campaign_name:
        sentence += f" {as_text(contact.campaign_name)} follows its rule for this change of type."
    if contact.archived_at or contact.email_status != "ok" or not contact.email:
        return f"{sentence} The Client campaign does not start: this contact is not written to."
    return f"{sentence} The Client campaign starts."


@st.dialog("Mark as lost", on_dismiss=close_dialog)
@calm.section
def lose_project(project_id: str) -> None:
    project = _find(project_id)
    if project is None:
        return
    with st.form("lose_project", border=False):
        st.markdown(f"**{as_text(project.name)}** does not come about. The contact stays as it is.")
        reason = st.text_input(
            "Why, for next time",
            max_chars=_LONGEST_REASON,
            placeholder="Chose another supplier",
            key="lost_reason",
        )
        submitted = st.form_submit_button("Mark as lost", key="lose_sure", type="primary")
    if submitted:
        project_board.move(project, "lost", reason=(reason or "").strip())
        close_dialog()
        st.rerun()


DIALOGS: Dialogs = {
    "add_project": add_project,
    "edit_project": edit_project,
    "complete_project": complete_project,
    "lose_project": lose_project,
}
