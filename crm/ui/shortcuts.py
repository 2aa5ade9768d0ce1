"""In the sidebar of every page: find a contact, and add what there is to add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from crm.records.contact_search import ContactSearch
from crm.records.contacts import Contact
from crm.ui import calm, contact_links, live, places, session
from crm.ui.dialogs import close_dialog, open_dialog
from crm.ui.markup import as_text


@dataclass(frozen=True, slots=True)
class _Way:
    """The page where something is added, its address, and what adds it there: a dialog, or a form
    that the address line opens."""

    page: str
    address: str
    dialog: str = ""
    query: tuple[tuple[str, str], ...] = ()


_WAYS: Mapping[str, _Way] = {
    "Contact": _Way(places.CONTACTS, "contacts", dialog="add_contact"),
    "Discovery call": _Way(places.DISCOVERY, "discovery", query=(("call", "new"),)),
    "Project": _Way(places.PROJECTS, "projects", dialog="add_project"),
    "Event": _Way(places.NETWORKING, "networking", dialog="add_event"),
}
_FOUND_SHOWN, _SHORTEST = 8, 2
_TEXT, _NEW, _WANTED = "find_contact", "new_menu", "new_wanted"


def show() -> None:
    """Asks the database for nothing as long as nobody types."""
    with st.container(key="shortcuts", gap="xsmall"):
        st.menu_button("New", list(_WAYS), key=_NEW, on_click=_want, width="stretch")
        _find()


def _want() -> None:
    chosen = st.session_state[_NEW]
    st.session_state[_WANTED] = chosen
    close_dialog()
    if dialog := _WAYS[chosen].dialog:
        open_dialog(dialog)


def lead_on(address: str) -> None:
    """Before the page at this address is drawn: to where a click wants to add something. Where one
    is there already, the page stays as it is, filters and all."""
    chosen = st.session_state.pop(_WANTED, None)
    if chosen is None:
        return
    way = _WAYS[chosen]
    if way.query or way.address != address:
        st.switch_page(way.page, query_params=way.query)


@st.fragment
@calm.section
def _find() -> None:
    """Alone, so that typing here leaves the page as it is."""
    live.give_way()
    text = st.text_input(
        "Find a contact",
        key=_TEXT,
        type="search",
        placeholder="Find a contact",
        label_visibility="collapsed",
        live="300ms",
    )
    words = (text or "").strip()
    if len(words) < _SHORTEST:
        return
    page = session.current().db.contacts.page(ContactSearch(text=words), size=_FOUND_SHOWN)
    if not page.contacts:
        st.caption("Nobody was found.")
        return
    with st.container(key="found_contacts", gap=None):
        for contact in page.contacts:
            st.button(
                _described(contact),
                key=f"found_{contact.id}",
                type="tertiary",
                width="stretch",
                on_click=_open,
                args=(contact.id,),
            )
    if page.next_before:
        st.caption("There are more; type more letters.")


def _described(contact: Contact) -> str:
    """ "**Ada Byron** · Harbor Precision", short enough for the sidebar; Markdown."""
    name = as_text(contact.full_name or contact.email or "Nameless")
    rest = contact.company_name or (contact.email or "" if contact.full_name else "")
    return f"**{name}** · {as_text(rest)}" if rest else f"**{name}**"


def _open(contact_id: str) -> None:
    st.session_state[_TEXT] = ""
    contact_links.go_to(contact_id)
