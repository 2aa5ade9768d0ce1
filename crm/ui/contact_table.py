"""The list of contacts, a page of 50 at a time, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from crm.records.contacts import Contact, ContactSearch
from crm.ui import contact_filters, contact_links, session, words
from crm.ui.dialogs import open_dialog
from crm.ui.moments import Moments

PAGE_SIZE = 50
_CURSORS, _SEARCHED = "contact_cursors", "contact_searched"
_OPEN_CLICK = "contact_open_click"


def show(search: ContactSearch, total: int) -> list[Contact]:
    """Draws the page and returns the contacts selected on it."""
    cursors = _cursors_of(search)
    page = session.current().db.contacts.page(search, before=cursors[-1], size=PAGE_SIZE)
    if not page.contacts:
        _nobody(search)
        return []
    selected = _table(page.contacts, key=f"contacts_{hash(search)}_{cursors[-1]}")
    _pager(len(cursors), shown=len(page.contacts), total=total, next_before=page.next_before)
    return selected


def _cursors_of(search: ContactSearch) -> list[str | None]:
    if st.session_state.get(_SEARCHED) != search:
        st.session_state[_SEARCHED] = search
        st.session_state[_CURSORS] = [None]
    cursors: list[str | None] = st.session_state[_CURSORS]
    return cursors


def _table(contacts: Sequence[Contact], *, key: str) -> list[Contact]:
    moments = session.current().moments
    event = st.dataframe(
        pd.DataFrame([_row(contact, moments) for contact in contacts]),
        key=key,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        height="content",
        column_config=_columns(contacts),
        alt="Contacts, newest first",
    )
    return [contacts[row] for row in event["selection"]["rows"] if row < len(contacts)]


def _row(contact: Contact, moments: Moments) -> dict[str, str]:
    campaign = contact.campaign_name or ""
    if contact.enrollment_status == "paused":
        campaign += " (paused)"
    runs = contact.enrollment_status == "active"
    return {
        "Name": contact.full_name or contact.email or "Nameless",
        "Company": contact.company_name,
        "Type": contact.type_label,
        "E-mail": contact.email or "",
        "E-mail status": words.email_standing(contact.email_status, contact.email)[0],
        "Campaign": campaign,
        "Next e-mail": moments.due(contact.next_send_at) if runs else "",
        "Owner": contact.owner_name or "",
    }


def _columns(contacts: Sequence[Contact]) -> dict[str, Any]:
    return {
        "Name": st.column_config.ButtonColumn(
            "Name",
            help="Click a name to open the contact",
            width=165,
            pinned=True,
            alignment="left",
            type="tertiary",
            key=_OPEN_CLICK,
            on_click=contact_links.row_clicked,
            args=(tuple(contact.id for contact in contacts), _OPEN_CLICK),
        ),
        "Company": st.column_config.TextColumn(width=150),
        "Type": st.column_config.TextColumn(width=90),
        "E-mail": st.column_config.TextColumn(width=195),
        "E-mail status": st.column_config.TextColumn(width=110),
        "Campaign": st.column_config.TextColumn(width=125),
        "Next e-mail": st.column_config.TextColumn(width=138, help="In your time zone"),
        "Owner": st.column_config.TextColumn(width=115),
    }


def _pager(page_number: int, *, shown: int, total: int, next_before: str | None) -> None:
    first = (page_number - 1) * PAGE_SIZE + 1
    with st.container(horizontal=True, vertical_alignment="center", key="pager"):
        st.caption(
            f"{words.number(first)}–{words.number(first + shown - 1)} of {words.number(total)}",
            width="content",
        )
        st.button(
            "Previous", key="page_back", on_click=_turn, args=(None,), disabled=page_number == 1
        )
        st.button(
            "Next", key="page_on", on_click=_turn, args=(next_before,), disabled=next_before is None
        )


def _turn(before: str | None) -> None:
    if before is None:
        st.session_state[_CURSORS].pop()
    else:
        st.session_state[_CURSORS].append(before)


def _nobody(search: ContactSearch) -> None:
    with st.container(border=True, key="no_contacts"):
        if contact_filters.is_narrowed(search):
            st.markdown("**Nobody fits these filters.** Search for less, or start over.")
            st.button("Clear all filters", key="clear_filters", on_click=contact_filters.clear)
        elif search.archived:
            st.markdown(
                "**The archive is empty.** Contacts you archive wait here and can come back."
            )
        else:
            st.markdown(
                "**No contacts yet.** Add the first one by hand, or import a file from HubSpot, "
                "LinkedIn, Google Contacts, Outlook or Salesforce."
            )
            with st.container(horizontal=True):
                st.button(
                    "Add contact",
                    key="add_first",
                    type="primary",
                    on_click=open_dialog,
                    args=("add_contact",),
                )
                st.button(
                    "Import contacts",
                    key="import_first",
                    on_click=open_dialog,
                    args=("import_contacts",),
                )
