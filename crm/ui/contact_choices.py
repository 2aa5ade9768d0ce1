"""What the filters and forms of contacts offer, read once in a while and not with every click."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import streamlit as st

from crm.records.campaigns import Campaign
from crm.records.contacts import ContactType
from crm.records.people import Person
from crm.ui import session

# Gathering the tags of a million contacts takes a moment, and a new one may wait a few minutes.
_FRESH = timedelta(minutes=5)
_KEPT = "contact_choices"


@dataclass(frozen=True, slots=True)
class Choices:
    """Types and campaigns in their order; people, industries and tags by name."""

    types: tuple[ContactType, ...]
    people: tuple[Person, ...]
    industries: tuple[str, ...]
    tags: tuple[str, ...]
    campaigns: tuple[Campaign, ...]


def choices() -> Choices:
    """No older than a few minutes, and kept for this session alone."""
    kept = st.session_state.get(_KEPT)
    if kept is None or session.now() - kept[0] > _FRESH:
        kept = (session.now(), _read())
        st.session_state[_KEPT] = kept
    offered: Choices = kept[1]
    return offered


def forget() -> None:
    """After something was saved that may have brought a new tag or industry."""
    st.session_state.pop(_KEPT, None)


def _read() -> Choices:
    db = session.current().db
    return Choices(
        tuple(db.contacts.types()),
        tuple(db.people.active()),
        tuple(db.contacts.industries()),
        tuple(db.contacts.tags()),
        tuple(db.campaigns.overview()),
    )
