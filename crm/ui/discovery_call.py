"""What the form of one discovery call holds between two runs of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import streamlit as st

from crm.discovery_answers import next_step_day
from crm.discovery_questions import GROUPS, QUESTIONS
from crm.records.contacts import Contact
from crm.ui import session
from crm.ui.discovery_links import open_view, wanted

_KEY = "discovery_call"
_FROM_CONTACT = ("first_name", "last_name", "phone", "company_name", "job_title", "industry")
DUE_HOUR = 9
"""Of the day chosen for the next step, in the viewer's zone."""


@dataclass(slots=True)
class Call:
    """One form. `serial` tells its widgets from those of the call before, `opened` is what the
    address line asked for, `saved` the answers as the draft has them."""

    serial: int
    opened: tuple[str, str]
    draft_id: str | None
    contact_id: str | None
    saved: Mapping[str, str]
    saved_at: datetime | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    go_to: str = ""

    def key(self, name: str) -> str:
        return f"call{self.serial}_{name}"

    def entered(self) -> dict[str, str]:
        """The answers as the widgets hold them."""
        values = {key: st.session_state.get(self.key(key)) for key in QUESTIONS}
        return {key: _text(value) for key, value in values.items() if value}

    def save(self, answers: Mapping[str, str]) -> str:
        """As a draft, whose address the page takes on: a reload finds it again."""
        moment = session.now()
        draft_id = session.current().db.discovery.save_draft(
            self.draft_id, answers, contact_id=self.contact_id, now=moment
        )
        if draft_id != self.draft_id:
            self.draft_id, self.opened = draft_id, ("draft", draft_id)
            open_view("draft", draft_id)
        self.saved, self.saved_at = answers, moment
        return draft_id


def current() -> Call | None:
    """The call that the address line asks for; None if it asks for none, or for a draft that was
    submitted or discarded."""
    asked = _asked()
    if asked is None:
        return None
    call = st.session_state.get(_KEY)
    # Streamlit forgets what widgets hold once they were not drawn; then the draft tells.
    if isinstance(call, Call) and call.opened == asked and call.key("step") in st.session_state:
        return call
    return _opened(asked, serial=call.serial + 1 if isinstance(call, Call) else 1)


def forget() -> None:
    """The next call begins with an empty form."""
    call = st.session_state.get(_KEY)
    if isinstance(call, Call):
        call.opened = ("", "")


def due_at(answers: Mapping[str, str], zone: ZoneInfo) -> datetime | None:
    """When the next step is due, aware; None without one."""
    day = next_step_day(answers)
    return datetime.combine(day, time(DUE_HOUR), zone) if day else None


def _asked() -> tuple[str, str] | None:
    for parameter in ("draft", "contact"):
        if found := wanted(parameter):
            return parameter, found
    return ("call", "new") if "call" in st.query_params else None


def _opened(asked: tuple[str, str], *, serial: int) -> Call | None:
    kind, found = asked
    db = session.current().db
    call = Call(serial, asked, None, None, {})
    if kind == "draft":
        draft = db.discovery.draft(found)
        if draft is None:
            return None
        call.draft_id, call.contact_id = draft.id, draft.contact_id
        call.saved, call.saved_at = draft.answers, draft.updated_at
    elif kind == "contact" and (contact := db.contacts.get(found)):
        call.contact_id, call.saved = contact.id, _answers_of(contact)
    _fill(call)
    st.session_state[_KEY] = call
    return call


def _answers_of(contact: Contact) -> dict[str, str]:
    known = {name: getattr(contact, name) for name in _FROM_CONTACT} | {"email": contact.email}
    return {key: text for key, text in known.items() if text}


def _fill(call: Call) -> None:
    """The widgets begin with what is saved; later the session holds what they show."""
    for key, question in QUESTIONS.items():
        text = call.saved.get(key, "")
        value: str | date | None = text
        if question.kind == "date":
            value = next_step_day(call.saved)
        elif question.kind == "choice":
            value = text if text in question.options else None
        st.session_state[call.key(key)] = value
    st.session_state[call.key("step")] = GROUPS[0].title


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
