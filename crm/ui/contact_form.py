"""The dialogs that add and edit a contact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from crm.records.contacts import Contact, ContactDraft, ContactType
from crm.ui import calm, contact_doubles, contact_draft, contact_links, countries, session
from crm.ui.contact_filters import Choices, choices
from crm.ui.dialogs import Dialogs, close_dialog
from crm.ui.feedback import say
from db_service import ConflictError, DatabaseError


class _Fields:
    """The widgets of the form, and beneath each a place for its error."""

    def __init__(self) -> None:
        self.entered: dict[str, Any] = {}
        self._places: dict[str, DeltaGenerator] = {}

    def add(self, name: str, value: Any) -> None:
        self.entered[name] = value
        self._places[name] = st.empty()

    def show_error(self, name: str, message: str) -> None:
        place = self._places.get(name) or self._places["email"]
        place.markdown(f":red[{message}]")


def _closed() -> None:
    contact_doubles.forget()
    close_dialog()


@st.dialog("Add contact", width="medium", on_dismiss=_closed)
@calm.section
def add_contact() -> None:
    offered = choices()
    with st.form("add_contact", border=False):
        fields = _draw(None, offered)
        st.caption(_campaign_starts(offered.types))
        submitted = st.form_submit_button("Add contact", key="form_add", type="primary")
    if submitted:
        _save(fields, _add_if_new)
    if draft := contact_doubles.offer():
        _store(fields, draft, _add)


@st.dialog("Edit contact", width="medium", on_dismiss=close_dialog)
@calm.section
def edit_contact(contact_id: str) -> None:
    contact = session.current().db.contacts.get(contact_id)
    if contact is None:
        st.info("This contact is no longer there.")
        return
    with st.form("edit_contact", border=False):
        fields = _draw(contact, choices())
        submitted = st.form_submit_button("Save", key="form_save", type="primary")
    if submitted:
        _save(fields, lambda draft: _change(contact_id, draft))


def _campaign_starts(types: Sequence[ContactType]) -> str:
    mapped = [kind.label for kind in types if kind.campaign_id]
    return f"The campaign of the type starts by itself ({', '.join(mapped)})."


def _save(fields: _Fields, store: Callable[[ContactDraft], bool]) -> None:
    checked = contact_draft.check(fields.entered)
    if checked.draft is None:
        for name, message in checked.errors.items():
            fields.show_error(name, message)
        return
    _store(fields, checked.draft, store)


def _store(fields: _Fields, draft: ContactDraft, store: Callable[[ContactDraft], bool]) -> None:
    """`store` answers whether the dialog has done its work."""
    try:
        if not store(draft):
            return
    except ConflictError:
        fields.show_error("email", contact_doubles.who_has(draft.email))
        return
    except DatabaseError as error:
        st.error(calm.words_for(error))
        return
    _closed()
    st.rerun()


def _add_if_new(draft: ContactDraft) -> bool:
    """Not yet, where somebody may be the same person."""
    return not contact_doubles.look(draft) and _add(draft)


def _add(draft: ContactDraft) -> bool:
    here = session.current()
    contact_id = here.db.contacts.add(draft, created_by=here.person.id, now=session.now())
    added = here.db.contacts.get(contact_id)
    started = f" {added.campaign_name} starts." if added and added.campaign_name else ""
    say(f"{draft.first_name or draft.email or draft.last_name} was added.{started}")
    contact_links.go_to(contact_id)
    return True


def _change(contact_id: str, draft: ContactDraft) -> bool:
    if session.current().db.contacts.change(contact_id, draft, now=session.now()):
        say("Saved.")
    else:
        say("Nothing was saved: this contact belongs to a colleague.")
    return True


def _draw(contact: Contact | None, offered: Choices) -> _Fields:
    fields = _Fields()
    _text_row(fields, contact, ("first_name", "First name"), ("last_name", "Last name"))
    _text_row(fields, contact, ("email", "E-mail"), ("phone", "Phone"))
    _text_row(fields, contact, ("company_name", "Company"), ("job_title", "Job title"))
    left, right = st.columns(2)
    with left:
        _type(fields, contact, offered)
    with right:
        _owner(fields, contact, offered)
    left, right = st.columns(2)
    with left:
        _industry(fields, contact, offered)
    with right:
        _tags(fields, contact)
    with st.expander("Place, links and notes", expanded=contact is not None):
        _place(fields, contact)
        _text(fields, contact, "website", "Website")
        _text(fields, contact, "profile_url", "Profile link")
        fields.add(
            "notes", st.text_area("Notes", value=contact.notes if contact else "", key="form_notes")
        )
    return fields


def _text_row(fields: _Fields, contact: Contact | None, *cells: tuple[str, str]) -> None:
    """Side by side, and one below the other on a phone."""
    for column, (name, label) in zip(st.columns(len(cells)), cells, strict=True):
        with column:
            _text(fields, contact, name, label)


def _text(fields: _Fields, contact: Contact | None, name: str, label: str) -> None:
    value = getattr(contact, name) or "" if contact else ""
    fields.add(name, st.text_input(label, value=value, key=f"form_{name}"))


def _type(fields: _Fields, contact: Contact | None, offered: Choices) -> None:
    labels = {kind.key: kind.label for kind in offered.types}
    if contact:
        st.text_input(
            "Type",
            value=contact.type_label,
            disabled=True,
            key="form_type_shown",
            help="A type change moves the contact to another campaign: use “Change type”.",
        )
        fields.add("contact_type", contact.contact_type)
        return
    chosen = st.selectbox("Type", list(labels), format_func=labels.__getitem__, key="form_type")
    fields.add("contact_type", chosen)


def _owner(fields: _Fields, contact: Contact | None, offered: Choices) -> None:
    names = {person.id: person.full_name for person in offered.people}
    owner = contact.owner_id if contact else session.current().person.id
    ids = list(names)
    chosen = st.selectbox(
        "Owner",
        ids,
        index=ids.index(owner) if owner in names else None,
        format_func=names.__getitem__,
        placeholder="Nobody",
        key="form_owner",
    )
    fields.add("owner_id", chosen)


def _industry(fields: _Fields, contact: Contact | None, offered: Choices) -> None:
    known = sorted(
        {*offered.industries, *([contact.industry] if contact and contact.industry else [])}
    )
    chosen = st.selectbox(
        "Industry",
        known,
        index=known.index(contact.industry) if contact and contact.industry else None,
        accept_new_options=True,
        placeholder="Choose or type",
        key="form_industry",
    )
    fields.add("industry", chosen)


def _tags(fields: _Fields, contact: Contact | None) -> None:
    tags = list(contact.tags) if contact else []
    chosen = st.multiselect(
        "Tags",
        tags,
        default=tags,
        accept_new_options=True,
        placeholder="Type a tag",
        key="form_tags",
    )
    fields.add("tags", chosen)


def _place(fields: _Fields, contact: Contact | None) -> None:
    _text_row(fields, contact, ("city", "City"), ("state", "State or region"))
    left, right = st.columns(2)
    with left:
        _country(fields, contact)
    with right:
        _zone(fields, contact)


def _country(fields: _Fields, contact: Contact | None) -> None:
    codes = list(countries.country_names())
    known = contact and contact.country in codes
    chosen = st.selectbox(
        "Country",
        codes,
        index=codes.index(contact.country) if contact and known else None,
        format_func=countries.country,
        placeholder="Not known",
        key="form_country",
        help="Its public holidays are kept free of e-mails.",
    )
    fields.add("country", chosen)


def _zone(fields: _Fields, contact: Contact | None) -> None:
    own = contact.time_zone if contact else None
    zones = list(dict.fromkeys([*countries.time_zones(), *([own] if own else [])]))
    usual = session.current().db.app_settings.sending_rules().default_time_zone
    chosen = st.selectbox(
        "Time zone",
        zones,
        index=zones.index(own) if own else None,
        format_func=countries.zone_words,
        placeholder=f"As usual ({countries.zone_words(usual)})",
        key="form_zone",
        help="E-mails arrive within sending hours of this zone.",
    )
    fields.add("time_zone", chosen)


DIALOGS: Dialogs = {"add_contact": add_contact, "edit_contact": edit_contact}
