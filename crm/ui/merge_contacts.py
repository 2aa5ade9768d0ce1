"""Finding contacts that are one person: for one contact, or through the whole list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from crm.records.contact_search import ContactSearch
from crm.records.contacts import Contact
from crm.ui import calm, live, merge_compare, session
from crm.ui.dialogs import Dialogs, close_dialog, open_dialog
from crm.ui.markup import as_text

_GROUPS_SHOWN = 30
_FOUND_SHOWN = 6
_GROUPS = "duplicate_groups"
_SIGN: Mapping[str, str] = {
    "phone": "Same phone number",
    "name": "Same name",
    "address": "Similar name and address",
}


def open_for(contact_id: str) -> None:
    """A button's on_click: who may be the same person as this contact."""
    open_dialog("duplicates_of", contact_id=contact_id)
    live.want_whole_page()


def open_all() -> None:
    """A button's on_click: duplicates in the whole list."""
    st.session_state.pop(_GROUPS, None)
    open_dialog("find_duplicates")
    live.want_whole_page()


def heading_button() -> None:
    """For the heading of the contact list."""
    st.button("Duplicates", key="find_duplicates", on_click=open_all)


@st.dialog("Find duplicates", width="large", on_dismiss=close_dialog)
@calm.section
def find_duplicates() -> None:
    groups = _groups()
    if not groups:
        st.info(
            "No two contacts share a phone number, or name and company. To merge two others, "
            "open one of them and choose “Merge duplicate”."
        )
        return
    for sign, (first, *others) in groups:
        with st.container(border=True, gap="small"):
            st.caption(_SIGN[sign])
            st.markdown(_line(first))
            for other in others:
                _offer(other, first.id, back="find_duplicates", key=f"{first.id}_{other.id}")
    if len(groups) == _GROUPS_SHOWN:
        st.caption(f"The {_GROUPS_SHOWN} newest are shown; merge some to see more.")


def _groups() -> list[tuple[str, list[Contact]]]:
    """Each with its sign. Looked for once an opening, for it takes seconds in a large database;
    who was merged or archived since is left out."""
    changes = session.current().db.contact_changes
    if _GROUPS not in st.session_state:
        with st.spinner("Looking for contacts that share a phone number, or name and company …"):
            st.session_state[_GROUPS] = changes.duplicate_groups(limit=_GROUPS_SHOWN)
    groups = st.session_state[_GROUPS]
    contacts = changes.read([contact_id for group in groups for contact_id in group.contact_ids])
    in_use = {contact.id: contact for contact in contacts if contact.archived_at is None}
    found = [(g.sign, [in_use[i] for i in g.contact_ids if i in in_use]) for g in groups]
    return [(sign, members) for sign, members in found if len(members) > 1]


@st.dialog("Who is the same person?", width="large", on_dismiss=close_dialog)
@calm.section
def duplicates_of(contact_id: str) -> None:
    contact = session.current().db.contacts.get(contact_id)
    if contact is None:
        st.info("This contact is no longer there.")
        return
    text = st.text_input(
        "Search for another contact",
        type="search",
        placeholder="Name, company, e-mail or phone",
        live="300ms",
        key="merge_search",
    )
    found = _searched(contact, text) if text else _similar(contact)
    if not found and not text:
        st.markdown(
            f"Nobody looks like **{as_text(contact.full_name or contact.email or 'this contact')}**"
            ". Search for the other record."
        )
    elif not found:
        st.markdown("Nobody fits. Search for less.")
    for other, sign in found:
        with st.container(border=True, gap="small"):
            if sign:
                st.caption(_SIGN[sign])
            _offer(other, contact.id, back="", key=other.id)


def _similar(contact: Contact) -> list[tuple[Contact, str]]:
    changes = session.current().db.contact_changes
    signs = {
        similar.contact_id: similar.sign
        for similar in changes.similar(
            first_name=contact.first_name,
            last_name=contact.last_name,
            company_name=contact.company_name,
            phone=contact.phone,
            email=contact.email,
            besides=contact.id,
            limit=_FOUND_SHOWN,
        )
    }
    return [(other, signs[other.id]) for other in changes.read(list(signs))]


def _searched(contact: Contact, text: str) -> list[tuple[Contact, str]]:
    page = session.current().db.contacts.page(ContactSearch(text=text), size=_FOUND_SHOWN)
    return [(other, "") for other in page.contacts if other.id != contact.id]


def _offer(other: Contact, contact_id: str, *, back: str, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_line(other), width="stretch")
        if st.button("Compare", key=f"compare_{key}"):
            open_dialog("merge", contact_ids=(contact_id, other.id), back=back)
            st.rerun()


def _line(contact: Contact) -> str:
    parts: Sequence[str | None] = (
        contact.company_name,
        contact.email,
        contact.phone,
        contact.type_label,
        contact.owner_name,
    )
    known = " · ".join(as_text(part) for part in parts if part)
    return f"**{as_text(contact.full_name or contact.email or 'Nameless')}**  \n{known}"


DIALOGS: Dialogs = {
    "find_duplicates": find_duplicates,
    "duplicates_of": duplicates_of,
    **merge_compare.DIALOGS,
}
