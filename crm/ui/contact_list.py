"""The list view of the contacts page: views, filters, table, and what to do with the selected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from crm.records.contact_search import NOBODY, ContactCount, ContactSearch, Order
from crm.records.contacts import ContactPage
from crm.ui import (
    bulk_bar,
    calm,
    contact_filters,
    contact_table,
    live,
    merge_contacts,
    page_header,
    saved_views,
    session,
    words,
)
from crm.ui.dialogs import open_dialog
from crm.ui.empty_states import nothing

PAGE_SIZE = 25
# Beyond it a search says "more than": counting on would take longer than finding.
COUNTED_UP_TO = 10_000
_COUNT_FRESH = timedelta(minutes=1)
_CURSORS, _LISTED, _COUNTED = "contact_cursors", "contact_listed", "contact_counted"


@dataclass(frozen=True, slots=True)
class _Counted:
    search: ContactSearch
    count: ContactCount
    at: datetime


def show() -> None:
    # A run of the whole page may follow a change: read and counted again.
    saved_views.read()
    st.session_state.pop(_COUNTED, None)
    _heading()
    _list()


def _heading() -> None:
    with page_header.show("Contacts", "Everybody you know, and the campaign each of them is in."):
        merge_contacts.heading_button()
        st.button("Import", key="import_contacts", on_click=open_dialog, args=("import_contacts",))
        st.button(
            "Add contact",
            key="add_contact",
            type="primary",
            on_click=open_dialog,
            args=("add_contact",),
        )


@st.fragment
@calm.section
def _list() -> None:
    """Search, filters and page turns run this alone: the page around it stays as it is."""
    live.give_way()
    views = st.container(key="views", horizontal=True, vertical_alignment="center")
    search = contact_filters.show()
    with views:
        saved_views.show()
    bar = st.container(key="bulk")
    with st.container(horizontal=True, vertical_alignment="center", key="list_facts"):
        above = st.container(width="stretch")
        order = contact_filters.order()
    cursors = _cursors_of(search, order)
    page = session.current().db.contacts.page(
        search, order=order, before=cursors[-1], size=PAGE_SIZE
    )
    if not page.contacts and len(cursors) == 1:
        with above:
            st.caption(_how_many(NOBODY, search))
        _nobody(search)
        return
    selected = contact_table.show(page.contacts)
    below = _pager(len(cursors), next_before=page.next_before)
    # Last, so that nobody waits for it: the contacts are in sight by now.
    count = _counted(search, page, page_number=len(cursors))
    with above:
        st.caption(_how_many(count, search))
    with below:
        st.caption(_where(len(cursors), len(page.contacts), count), width="content")
    with bar:
        bulk_bar.show(selected, search, count.total)


def _cursors_of(search: ContactSearch, order: Order) -> list[str | None]:
    """Where each page so far begins; another search or order begins at the first."""
    if st.session_state.get(_LISTED) != (search, order):
        st.session_state[_LISTED] = (search, order)
        st.session_state[_CURSORS] = [None]
    cursors: list[str | None] = st.session_state[_CURSORS]
    return cursors


def _counted(search: ContactSearch, page: ContactPage, *, page_number: int) -> ContactCount:
    if page.next_before is None:
        before = (page_number - 1) * PAGE_SIZE
        return ContactCount(before + len(page.contacts), "exactly")
    kept = st.session_state.get(_COUNTED)
    now = session.now()
    if not isinstance(kept, _Counted) or kept.search != search or now - kept.at > _COUNT_FRESH:
        count = session.current().db.contacts.count_up_to(COUNTED_UP_TO, search)
        kept = _Counted(search, count, now)
        st.session_state[_COUNTED] = kept
    return kept.count


def _how_many(count: ContactCount, search: ContactSearch) -> str:
    text = words.counted(_rounded(count), "archived contact" if search.archived else "contact")
    found = " found" if contact_filters.is_narrowed(search) else ""
    return f"{_VAGUELY[count.kind].capitalize()}{text}{found}"


def _where(page_number: int, shown: int, count: ContactCount) -> str:
    first = (page_number - 1) * PAGE_SIZE + 1
    return (
        f"{words.number(first)}–{words.number(first + shown - 1)}"
        f" of {_VAGUELY[count.kind]}{words.number(_rounded(count))}"
    )


def _rounded(count: ContactCount) -> int:
    """To thousands, where it is an estimate."""
    return round(count.total, -3) if count.kind == "about" else count.total


_VAGUELY = {"exactly": "", "about": "about ", "more": "more than "}


def _pager(page_number: int, *, next_before: str | None) -> Any:
    """Draws the buttons, and returns the place for the words before them."""
    with st.container(horizontal=True, vertical_alignment="center", key="pager"):
        place = st.container(width="content")
        st.button(
            "Previous", key="page_back", on_click=_turn, args=(None,), disabled=page_number == 1
        )
        st.button(
            "Next", key="page_on", on_click=_turn, args=(next_before,), disabled=next_before is None
        )
    return place


def _turn(before: str | None) -> None:
    if before is None:
        st.session_state[_CURSORS].pop()
    else:
        st.session_state[_CURSORS].append(before)


def _on_the_page(act: Callable[..., None]) -> Callable[..., None]:
    """For an on_click here: what it says or opens stands outside of the list."""

    def clicked(*args: Any, **kwargs: Any) -> None:
        live.want_whole_page()
        act(*args, **kwargs)

    return clicked


def _nobody(search: ContactSearch) -> None:
    if contact_filters.is_narrowed(search):
        nothing(
            "Nobody fits these filters.",
            "Search for less, or start over.",
            key="clear_filters",
            button="Clear all filters",
            on_click=contact_filters.clear,
        )
    elif search.archived:
        nothing(
            "The archive is empty.",
            "Contacts you archive wait here and can come back.",
            key="empty_archive",
        )
    else:
        _first_contacts()


def _first_contacts() -> None:
    with st.container(border=True, key="no_contacts"):
        st.markdown(
            "**No contacts yet.** Add the first one by hand, or import a file from HubSpot, "
            "LinkedIn, Google Contacts, Outlook or Salesforce."
        )
        with st.container(horizontal=True):
            st.button(
                "Add contact",
                key="add_first",
                type="primary",
                on_click=_on_the_page(open_dialog),
                args=("add_contact",),
            )
            st.button(
                "Import contacts",
                key="import_first",
                on_click=_on_the_page(open_dialog),
                args=("import_contacts",),
            )
