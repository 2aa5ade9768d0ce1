"""Search and filters of the contact list. Their values live in the URL, so a view can be shared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import streamlit as st

from crm.records.contacts import ContactSearch, ContactType
from crm.records.people import Person
from crm.ui import session, words

_INDUSTRIES = "industries_in_use"
_INDUSTRIES_FRESH = timedelta(minutes=5)
_LIVING, _ARCHIVED = "In use", "Archived"
_KEYS = ("q", "type", "status", "owner", "industry", "show")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters offer, read once a run."""

    types: tuple[ContactType, ...]
    people: tuple[Person, ...]
    industries: tuple[str, ...]


def choices() -> Choices:
    db = session.current().db
    return Choices(tuple(db.contacts.types()), tuple(db.people.active()), _industries())


def _industries() -> tuple[str, ...]:
    # Grouping a million contacts takes a moment, and a new industry may wait a few minutes.
    remembered = st.session_state.get(_INDUSTRIES)
    if remembered is None or session.now() - remembered[0] > _INDUSTRIES_FRESH:
        remembered = (session.now(), tuple(session.current().db.contacts.industries()))
        st.session_state[_INDUSTRIES] = remembered
    return remembered[1]


def show(offered: Choices) -> ContactSearch:
    """Draws the filters and returns the search they ask for."""
    text = st.text_input(
        "Search contacts",
        key="q",
        type="search",
        placeholder="Search by name, company, e-mail or phone",
        label_visibility="collapsed",
        live="300ms",
        bind="query-params",
    )
    labels = {kind.key: kind.label for kind in offered.types}
    names = {person.id: person.full_name for person in offered.people}
    columns = st.container(key="filters").columns([3, 3, 2, 2, 2])
    with columns[0]:
        types = st.multiselect(
            "Type",
            list(labels),
            format_func=labels.__getitem__,
            key="type",
            placeholder="Every type",
            bind="query-params",
        )
    with columns[1]:
        statuses = st.multiselect(
            "E-mail status",
            list(words.EMAIL_STATUS),
            key="status",
            format_func=lambda code: words.EMAIL_STATUS[code][0],
            placeholder="Every status",
            bind="query-params",
        )
    with columns[2]:
        owner = st.selectbox(
            "Owner",
            list(names),
            index=None,
            format_func=names.__getitem__,
            key="owner",
            placeholder="Everybody",
            bind="query-params",
        )
    with columns[3]:
        industry = st.selectbox(
            "Industry",
            offered.industries,
            index=None,
            key="industry",
            placeholder="Every industry",
            bind="query-params",
        )
    with columns[4]:
        shown = st.selectbox("Show", (_LIVING, _ARCHIVED), key="show", bind="query-params")
    return ContactSearch(
        text=text or "",
        contact_types=tuple(types),
        email_statuses=tuple(statuses),
        owner_id=owner,
        industry=industry or "",
        archived=shown == _ARCHIVED,
    )


def is_narrowed(search: ContactSearch) -> bool:
    return search != ContactSearch(archived=search.archived)


def clear() -> None:
    """For a button's on_click: every filter back to its start."""
    for key in _KEYS:
        st.session_state[key] = {"q": "", "type": [], "status": [], "show": _LIVING}.get(key)
