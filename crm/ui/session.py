"""One browser session: who looks, through which DbService, in which time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st

from crm.records.contacts import Contact
from crm.records.people import Person
from crm.ui import sign_in
from crm.ui.moments import Moments, zone_or_utc
from db_service import (
    DatabaseError,
    DbService,
    Identity,
    NotAllowedError,
    SignedOutError,
    connect,
)

READ_AGAIN_AFTER = timedelta(seconds=60)
_KEY = "session"
_OWNER = "session_owner"
_ON_THE_LIST = ("known", "joined")


class NotOnStaffError(NotAllowedError):
    """Signed in, but not (or no longer) on the staff list; `outcome` is what join_staff said, and
    `address` what the person signed in with."""

    def __init__(self, outcome: str, address: str) -> None:
        super().__init__("You are not on the staff list of this CRM.")
        self.outcome = outcome
        self.address = address


@dataclass(frozen=True, slots=True)
class Session:
    """Kept in st.session_state, so that a DbService never serves two people."""

    db: DbService
    person: Person
    read_at: datetime

    @property
    def is_admin(self) -> bool:
        return self.person.role == "admin"

    def may_change(self, contact: Contact) -> bool:
        """As the database has it: admins, the contact's owner, and who brought it in."""
        return self.is_admin or self.person.id in {contact.owner_id, contact.created_by}

    @property
    def moments(self) -> Moments:
        return Moments(zone_or_utc(st.context.timezone or self.person.time_zone), now())


def now() -> datetime:
    """The moment of an interaction, aware UTC; records and engine take it as a parameter."""
    return datetime.now(UTC)


def open_session() -> Session:
    """The session of this browser tab, made at its first run. Once a run, before anything else.

    Raises:
        SignedOutError: if nobody is signed in, or no longer.
        NotOnStaffError: if the person has no profile and no invitation, or was removed.
        DatabaseError: if the database cannot be reached or is not set up.
    """
    try:
        return _opened(now())
    except (SignedOutError, NotOnStaffError):
        leave_nothing()
        raise
    except DatabaseError:
        forget()
        raise


def _opened(moment: datetime) -> Session:
    identity = sign_in.identity(now=moment)
    if st.session_state.get(_OWNER, identity.user_id) != identity.user_id:
        # Somebody else signed in at this browser: nothing of the one before stays in the tab.
        leave_nothing()
    st.session_state[_OWNER] = identity.user_id
    if _KEY not in st.session_state:
        connection = connect()
        connection.prepare_local_admin()
        db = DbService.for_user(identity, connection)
        st.session_state[_KEY] = Session(db, _person_behind(db, identity, moment), moment)
    return current()


def current() -> Session:
    """The session, with the person's role no older than READ_AGAIN_AFTER.

    Raises:
        SignedOutError: if the sign-in has ended since, in this tab or another.
        NotOnStaffError: if the person was removed since.
    """
    session = st.session_state.get(_KEY)
    if session is None:
        raise SignedOutError(sign_in.ENDED)
    assert isinstance(session, Session)
    fresh = _brought_up_to_date(session, now())
    if fresh is not session:
        st.session_state[_KEY] = fresh
    return fresh


def forget() -> None:
    """Start over at the next run, as after the database came back."""
    st.session_state.pop(_KEY, None)


def leave_nothing() -> None:
    """Empty this tab's memory, fields that were typed into included."""
    # Not .clear(): it stops without a word at the first widget it cannot read (Streamlit 1.67).
    for key in list(st.session_state):
        st.session_state.pop(key, None)


def _brought_up_to_date(session: Session, moment: datetime) -> Session:
    identity = sign_in.identity(now=moment)
    if identity.user_id != session.db.identity.user_id:
        raise SignedOutError(sign_in.ENDED)
    renewed = identity.access_token != session.db.identity.access_token
    db = DbService.for_user(identity) if renewed else session.db
    if moment - session.read_at < READ_AGAIN_AFTER:
        return Session(db, session.person, session.read_at) if renewed else session
    try:
        return Session(db, _person_behind(db, identity, moment), moment)
    except DatabaseError as error:
        if error.permanent:
            raise
        # The database is away, and says so itself wherever it is asked.
        return Session(db, session.person, moment)


def _person_behind(db: DbService, identity: Identity, moment: datetime) -> Person:
    """Their profile, which an invitation becomes at the first sign-in."""
    assert identity.user_id is not None
    address = str(identity.claims.get("email") or "")
    person = db.people.get(identity.user_id)
    if person is None:
        outcome = db.people.join(now=moment)
        person = db.people.get(identity.user_id) if outcome in _ON_THE_LIST else None
        if person is None:
            raise NotOnStaffError(outcome, address)
    if not person.active:
        raise NotOnStaffError("inactive", address)
    return person
