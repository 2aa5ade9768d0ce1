"""The table of contacts, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from crm.records.contacts import Contact
from crm.ui import contact_links, contact_periods, linked_names, session, words
from crm.ui.moments import Moments

_OPEN_CLICK = "contact_open_click"
_SHOWN, _NUMBER = "contacts_shown", "contacts_table_number"
_STANDINGS = (*words.EMAIL_STATUS.values(), words.NO_ADDRESS)


def show(contacts: Sequence[Contact]) -> list[Contact]:
    """Draws the contacts of a page and returns those selected on it."""
    moments = session.current().moments
    event = st.dataframe(
        linked_names.table([_row(contact, moments) for contact in contacts]),
        key=_key(tuple(contact.id for contact in contacts)),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        height="content",
        column_config=_columns(contacts),
        alt="Contacts",
    )
    return [contacts[row] for row in event["selection"]["rows"] if row < len(contacts)]


def _key(shown: tuple[str, ...]) -> str:
    """The same table for other contacts, which takes the browser half the time of a new one. What
    is selected are places in it: where something is, other contacts come in a new table."""
    number: int = st.session_state.get(_NUMBER, 0)
    key = f"contacts_table_{number}"
    if st.session_state.get(_SHOWN) != shown:
        st.session_state[_SHOWN] = shown
        if st.session_state.get(key, {}).get("selection", {}).get("rows"):
            st.session_state[_NUMBER] = number + 1
            return f"contacts_table_{number + 1}"
    return key


def _row(contact: Contact, moments: Moments) -> dict[str, object]:
    # What one decides by comes first: a phone shows no more than three columns.
    return {
        "Name": contact.full_name or contact.email or "Nameless",
        "Type": contact.type_label,
        "E-mail status": [words.email_standing(contact.email_status, contact.email)[0]],
        "Company": contact.company_name,
        "Campaign": _campaign(contact, moments),
        "Last activity": _day(contact.last_activity_at, moments) or "–",
        "E-mail": contact.email or "",
        "Owner": contact.owner_name or "",
        "Tags": ", ".join(contact.tags),
    }


def _campaign(contact: Contact, moments: Moments) -> str:
    """ "Lead, due now", "Lead, 23 Nov", "Lead, paused"."""
    if contact.campaign_name is None:
        return ""
    if contact.enrollment_status == "paused":
        return f"{contact.campaign_name}, paused"
    due = contact.next_send_at
    if due is None:
        return contact.campaign_name
    when = "due now" if due <= moments.now else _day(due, moments)
    return f"{contact.campaign_name}, {when[:1].lower()}{when[1:]}"


def _day(moment: datetime | None, moments: Moments) -> str:
    """ "Today", "11 Dec", "8 Oct 2025"."""
    day = moments.when(moment, never="").split(",")[0]
    return day.split(maxsplit=1)[-1] if day else ""


def _columns(contacts: Sequence[Contact]) -> dict[str, Any]:
    text = st.column_config.TextColumn
    return {
        "Name": linked_names.column(
            _OPEN_CLICK,
            contact_links.row_clicked,
            tuple(contact.id for contact in contacts),
            _OPEN_CLICK,
            width=145,
        ),
        "Type": text(width=88),
        "E-mail status": st.column_config.MultiselectColumn(
            width=118,
            options=[text for text, _ in _STANDINGS],
            color=[tone for _, tone in _STANDINGS],
        ),
        "Company": text(width=155),
        "Campaign": text(width=150, help="The campaign that runs, and when its next e-mail is due"),
        "Last activity": text(width=92, help=contact_periods.ACTIVITY_MEANS),
        "E-mail": text(width=250),
        "Owner": text(width=97),
        "Tags": text(width=100),
    }
