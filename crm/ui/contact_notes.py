"""Writing something down about a contact: a note, a call or meeting that was, a task to come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import streamlit as st

from crm.records.activities import LoggedKind
from crm.ui import calm, session
from crm.ui.contact_tasks import assignee_field, due_field
from crm.ui.moments import DATE_INPUT
from db_service import DatabaseError

_LONGEST = 9_000  # of the 10,000 characters an entry holds; the outcome of a call stands before it
_LONGEST_TASK = 500
_PROBLEM = "log_problem"
_MINUTES = 5  # the steps of the time of a call

# What is chosen on the form: the kind it is stored as, and the first line of the entry.
_OUTCOMES: Mapping[str, tuple[LoggedKind, str]] = {
    "Call: reached": ("call", "Reached"),
    "Call: left a message": ("call", "Left a message"),
    "Call: no answer": ("call", "No answer"),
    "Call: wrong number": ("call", "Wrong number"),
    "Meeting: took place": ("meeting", "Took place"),
    "Meeting: they did not come": ("meeting", "They did not come"),
    "Meeting: called off": ("meeting", "Called off"),
}
_ADDED: Mapping[LoggedKind, str] = {
    "note": "Note added.",
    "call": "Call logged.",
    "meeting": "Meeting logged.",
}

Say = Callable[[str], None]


def show(contact_id: str, *, say: Say) -> None:
    # Every colleague may add to every timeline: what is known of a person helps all.
    note, talk, task = st.tabs(["Note", "Call or meeting", "Task"], key="log_tabs")
    with note:
        _note_form(contact_id, say)
    with talk:
        _talk_form(contact_id, say)
    with task:
        _task_form(contact_id, say)


@contextmanager
def _form(
    name: str, button: str, *, key: str, add: Callable[[str, Say], None], about: tuple[str, Say]
) -> Iterator[None]:
    """Its fields, then what was wrong with them, then the button; `about` is what `add` is told."""
    with st.form(name, border=False):
        yield
        _problem(name)
        st.form_submit_button(button, key=key, on_click=add, args=about)


def _note_form(contact_id: str, say: Say) -> None:
    with _form("note", "Add note", key="add_note", add=_add_note, about=(contact_id, say)):
        st.text_area(
            "Note",
            placeholder="Write a note about this contact",
            max_chars=_LONGEST,
            height=84,
            label_visibility="collapsed",
            key="note_text",
        )


def _add_note(contact_id: str, say: Say) -> None:
    text = str(st.session_state["note_text"]).strip()
    if not text:
        _remember("note", "Write the note first.")
    elif _log(contact_id, "note", text, session.now(), "note", say):
        st.session_state["note_text"] = ""


def _talk_form(contact_id: str, say: Say) -> None:
    moments = session.current().moments
    now = moments.now.astimezone(moments.zone).replace(second=0, microsecond=0, tzinfo=None)
    # Down to what the field can show: rounded up, it would lie ahead.
    now -= timedelta(minutes=now.minute % _MINUTES)
    # Not as the field's value: it would be another at every run, and take back what was chosen.
    st.session_state.setdefault("log_when", now)
    with _form("talk", "Log it", key="log_add", add=_add_talk, about=(contact_id, say)):
        with st.container(horizontal=True):
            st.selectbox("What it was", list(_OUTCOMES), key="log_outcome")
            st.datetime_input("When", key="log_when", format=DATE_INPUT, step=_MINUTES * 60)
        st.text_area("What came of it", max_chars=_LONGEST, height=84, key="log_text")


def _add_talk(contact_id: str, say: Say) -> None:
    kind, outcome = _OUTCOMES[st.session_state["log_outcome"]]
    moment = _on_the_viewers_clock(st.session_state["log_when"])
    if moment is None:
        _remember("talk", "Say when it was.")
    elif moment > session.now():
        _remember("talk", "That moment is still to come. Add a task for it instead.")
    else:
        text = "\n".join(filter(None, (outcome, str(st.session_state["log_text"]).strip())))
        if _log(contact_id, kind, text, moment, "talk", say):
            st.session_state["log_text"] = ""
            st.session_state.pop("log_when", None)


def _on_the_viewers_clock(local: datetime | None) -> datetime | None:
    zone = session.current().moments.zone
    return local.replace(tzinfo=zone).astimezone(UTC) if local else None


def _task_form(contact_id: str, say: Say) -> None:
    with _form("task", "Add task", key="task_add", add=_add_task, about=(contact_id, say)):
        st.text_input(
            "What is to be done",
            max_chars=_LONGEST_TASK,
            placeholder="Call back about the quote",
            key="task_text",
        )
        with st.container(horizontal=True):
            due_field(key="task_due")
            assignee_field(key="task_assignee", chosen=session.current().person.id)


def _add_task(contact_id: str, say: Say) -> None:
    text = str(st.session_state["task_text"]).strip()
    if not text:
        _remember("task", "Write what is to be done.")
        return
    here = session.current()
    try:
        here.db.activities.add_task(
            contact_id,
            text,
            due_on=st.session_state["task_due"],
            assigned_to=st.session_state["task_assignee"],
            actor_id=here.person.id,
            now=session.now(),
        )
    except DatabaseError as error:
        _remember("task", calm.words_for(error))
        return
    st.session_state["task_text"], st.session_state["task_due"] = "", None
    say("Task added.")


def _log(
    contact_id: str, kind: LoggedKind, text: str, moment: datetime, form: str, say: Say
) -> bool:
    """Where the database refuses, what was typed stays in its field."""
    here = session.current()
    try:
        here.db.activities.log(contact_id, kind, text, actor_id=here.person.id, happened_at=moment)
    except DatabaseError as error:
        _remember(form, calm.words_for(error))
        return False
    say(_ADDED[kind])
    return True


def _remember(form: str, problem: str) -> None:
    st.session_state[_PROBLEM] = (form, problem)


def _problem(form: str) -> None:
    """What was wrong with it, below its fields, until the next try."""
    found, problem = st.session_state.get(_PROBLEM, ("", ""))
    if found == form:
        del st.session_state[_PROBLEM]
        st.error(problem)
