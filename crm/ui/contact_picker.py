"""Choosing one contact among a million: the server searches while one types."""

from __future__ import annotations

import streamlit as st

from crm.records.contacts import Contact, ContactSearch
from crm.ui import session

_SHOWN = 6
_SHORTEST = 2


def pick(label: str, *, key: str) -> Contact | None:
    """A search box and the contacts it finds; outside of forms, which do not tell what is typed."""
    text = st.text_input(
        label,
        key=f"{key}_search",
        type="search",
        placeholder="Name, company or e-mail",
        live="300ms",
    )
    words = (text or "").strip()
    if len(words) < _SHORTEST:
        st.caption(f"Type at least {_SHORTEST} letters.")
        return None
    page = session.current().db.contacts.page(ContactSearch(text=words), size=_SHOWN)
    if not page.contacts:
        st.caption("Nobody was found. Add the contact on the Contacts page first.")
        return None
    found = {contact.id: contact for contact in page.contacts}
    chosen = st.radio(
        "Found",
        list(found),
        format_func=lambda contact_id: described(found[contact_id]),
        key=f"{key}_found_{hash(tuple(found))}",
        label_visibility="collapsed",
    )
    if page.next_before:
        st.caption("There are more; type more letters to narrow it down.")
    return found.get(chosen or "")


def described(contact: Contact) -> str:
    """ "Ada Byron · Harbor Precision · ada@harbor.example"."""
    name = contact.full_name or contact.email or "Nameless"
    parts = [name, contact.company_name, (contact.email or "") if contact.full_name else ""]
    return " · ".join(part for part in parts if part)
