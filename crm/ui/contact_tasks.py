"""What is still to do about a contact: done, reopened, moved to another day or colleague."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import streamlit as st

from crm.records.activities import Task, due_moment
from crm.ui import calm, session
from crm.ui.markup import as_text
from crm.ui.moments import DATE_INPUT, Moments
from db_service import DatabaseError

SHOWN = 50
DONE = 10
_REFUSED = "Nothing changed: somebody did it already, or it is a colleague's task."

Say = Callable[[str], None]


def show(tasks: Sequence[Task], done: Sequence[Task], *, say: Say) -> None:
    """Nothing at all where there never was a task."""
    if not tasks and not done:
        return
    st.subheader("Tasks", anchor=False)
    if not tasks:
        st.caption("Everything is done.")
    for task in tasks:
        _row(task, say)
    if done:
        with st.expander("Done lately", key="task_done_lately"):
            for task in done:
                _done_row(task, say)


def due_words(due_on: date | None, moments: Moments) -> str:
    """ "Due today", "Due tomorrow", "Due 24 November", "Overdue since 20 November"."""
    if due_on is None:
        return "No date"
    today = moments.now.astimezone(moments.zone).date()
    near = {0: "Due today", 1: "Due tomorrow", -1: "Overdue since yesterday"}
    moment = due_moment(due_on)
    assert moment is not None
    late = due_on < today
    return near.get((due_on - today).days) or (
        f"{'Overdue since' if late else 'Due'} {moments.day(moment)}"
    )


def due_field(*, key: str) -> None:
    st.date_input("Due", value=None, key=key, format=DATE_INPUT)


def assignee_field(*, key: str, chosen: str | None) -> None:
    """A colleague; `chosen` is offered first chosen, also one who has left since."""
    names = {p.id: p.full_name for p in session.current().db.people.active()}
    ids = list(names)
    st.selectbox(
        "Who does it",
        ids,
        index=ids.index(chosen) if chosen in names else 0,
        format_func=lambda person: names[person],
        key=key,
    )


def _row(task: Task, say: Say) -> None:
    here = session.current()
    moments = here.moments
    today = moments.now.astimezone(moments.zone).date()
    due = due_words(task.due_on, moments)
    tone = "orange" if task.is_overdue(today) else "gray"
    who = f" · {as_text(task.assigned_name)}" if task.assigned_name else ""
    with st.container(
        horizontal=True, vertical_alignment="center", border=True, key=f"task_row_{task.id}"
    ):
        st.markdown(f"{as_text(task.summary)}  \n:{tone}[{due}]:gray[{who}]", width="stretch")
        if here.is_admin or here.person.id in {task.actor_id, task.assigned_to}:
            with st.container(horizontal=True, width="content"):
                st.button("Done", key=f"task_done_{task.id}", on_click=_complete, args=(task, say))
                with st.popover("Change", key=f"task_change_{task.id}"):
                    _change_form(task, say)


def _change_form(task: Task, say: Say) -> None:
    due, who = f"task_due_{task.id}", f"task_who_{task.id}"
    with st.form(f"task_form_{task.id}", border=False):
        st.session_state.setdefault(due, task.due_on)
        due_field(key=due)
        assignee_field(key=who, chosen=task.assigned_to)
        st.form_submit_button(
            "Save", key=f"task_save_{task.id}", on_click=_move, args=(task, due, who, say)
        )


def _done_row(task: Task, say: Say) -> None:
    here = session.current()
    with st.container(horizontal=True, vertical_alignment="center"):
        when = here.moments.when(task.completed_at)
        st.markdown(f"{as_text(task.summary)}  \n:gray[Done {when}]", width="stretch")
        if here.is_admin or here.person.id in {task.actor_id, task.assigned_to}:
            st.button(
                "Reopen",
                key=f"task_reopen_{task.id}",
                type="tertiary",
                on_click=_reopen,
                args=(task, say),
            )


def _complete(task: Task, say: Say) -> None:
    activities = session.current().db.activities
    _do(lambda: activities.complete_task(task.id, now=session.now()), "Task done.", say)


def _reopen(task: Task, say: Say) -> None:
    activities = session.current().db.activities
    _do(lambda: activities.reopen_task(task.id), "Task reopened.", say)


def _move(task: Task, due: str, who: str, say: Say) -> None:
    day, person = st.session_state[due], st.session_state[who]
    activities = session.current().db.activities
    _do(
        lambda: activities.move_task(task.id, due_on=day, assigned_to=person),
        "Task changed.",
        say,
    )


def _do(change: Callable[[], bool], done: str, say: Say) -> None:
    try:
        say(done if change() else _REFUSED)
    except DatabaseError as error:
        say(calm.words_for(error))
