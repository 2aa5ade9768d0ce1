"""Before a contact is added: who has this address already, and who may be the same person."""

from __future__ import annotations

import streamlit as st

from crm.records.contacts import Contact, ContactDraft
from crm.ui import session
from crm.ui.markup import as_text

_SEEN = "form_doubles_seen"
_MOST = 3


def who_has(email: str | None) -> str:
    """A sentence with a link to the contact that has this address, as Markdown."""
    db = session.current().db
    owner = db.contacts.by_email(email) if email else None
    if owner is None:
        return "Another contact has this e-mail address already."
    kept = db.contact_changes.merged_into(owner.id)
    if kept:
        return f"{_link(kept.contact_id, kept.name)} has this address, from a merged contact."
    archived = " It is in the archive." if owner.archived_at else ""
    return f"{_link(owner.id, _name(owner))} has this e-mail address already.{archived}"


def look(draft: ContactDraft) -> bool:
    """Whether somebody may be the same person; they are kept, to be shown by `offer`."""
    forget()
    db = session.current().db
    if draft.email and db.contacts.by_email(draft.email):
        return False  # the database says so at the address itself
    changes = db.contact_changes
    similar = changes.similar(
        first_name=draft.first_name,
        last_name=draft.last_name,
        company_name=draft.company_name,
        phone=draft.phone,
        email=draft.email,
        limit=_MOST,
    )
    found = changes.read([s.contact_id for s in similar])
    st.session_state[_SEEN] = (draft, tuple(found))
    return bool(found)


def offer() -> ContactDraft | None:
    """Shows who was found, if anybody was; the draft, once it is to be added all the same."""
    draft, found = st.session_state.get(_SEEN, (None, ()))
    if not found:
        return None
    one = "This may be somebody who is here already" if len(found) == 1 else "These are similar"
    lines = "\n".join(f"- {_line(contact)}" for contact in found)
    st.warning(f"{one}:\n{lines}")
    pressed = st.button("Add anyway", key="form_add_anyway")
    return draft if pressed and isinstance(draft, ContactDraft) else None


def forget() -> None:
    st.session_state.pop(_SEEN, None)


def _line(contact: Contact) -> str:
    known = (contact.company_name, contact.email, contact.phone, contact.owner_name)
    return " · ".join([_link(contact.id, _name(contact)), *(as_text(k) for k in known if k)])


def _link(contact_id: str, name: str) -> str:
    """Opens beside the form, which keeps what was typed."""
    return f"[{as_text(name)}](/contacts?contact={contact_id})"


def _name(contact: Contact) -> str:
    return contact.full_name or contact.email or "Nameless"
