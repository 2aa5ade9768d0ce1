"""One browser session: who looks, through which DbService, in which time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import streamlit as st

from crm.records.people import Person
from crm.ui.moments import Moments, zone_or_utc
from db_service import LOCAL_ADMIN_ID, DbService, connect, signed_in

_KEY = "session"


class NoProfileError(Exception):
    """The signed-in person is not on the staff list."""


@dataclass(frozen=True, slots=True)
class Session:
    """Kept in st.session_state, so that a DbService never serves two people."""

    db: DbService
    person: Person

    @property
    def is_admin(self) -> bool:
        return self.person.role == "admin"

    @property
    def moments(self) -> Moments:
        return Moments(zone_or_utc(st.context.timezone or self.person.time_zone), now())


def now() -> datetime:
    """The moment of an interaction, aware UTC; records and engine take it as a parameter."""
    return datetime.now(UTC)


def open_session() -> Session:
    """The session of this browser tab, made at its first run.

    Raises:
        NoProfileError: if the person has no profile.
        DatabaseError: if the database cannot be reached or is not set up.
    """
    if _KEY not in st.session_state:
        # Without sign-in the app serves this machine alone, and whoever sits at it is the admin.
        connection = connect()
        connection.prepare_local_admin()
        db = DbService.for_user(signed_in(LOCAL_ADMIN_ID), connection)
        person = db.people.get(LOCAL_ADMIN_ID)
        if person is None:
            raise NoProfileError
        st.session_state[_KEY] = Session(db, person)
    return current()


def is_open() -> bool:
    """False after `open_session` could not open it."""
    return _KEY in st.session_state


def current() -> Session:
    session = st.session_state[_KEY]
    assert isinstance(session, Session)
    return session


def forget() -> None:
    """Start over at the next run, as after the database came back."""
    st.session_state.pop(_KEY, None)
