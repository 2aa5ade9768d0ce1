"""What may be done about one enrollment: pause, resume, skip an e-mail, stop, restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from crm.records.enrollments import Action, Enrollment, SkipOutcome
from crm.ui import calm, session
from crm.ui.dialogs import open_dialog
from crm.ui.feedback import say
from crm.ui.markup import as_text
from db_service import DatabaseError

_DONE: Mapping[Action, str] = {"pause": "paused", "resume": "resumed", "stop": "stopped"}
_NOT_SKIPPED: Mapping[SkipOutcome, str] = {
    "not_next": "Nothing was skipped: the campaign went on meanwhile.",
    "over": "Nothing was skipped: the campaign has ended for this contact.",
    "under_way": "It is being sent right now. Look again in a few minutes.",
    "unconfirmed": "Nobody can tell whether it went out. An admin decides in the campaign manager; "
    "then it can be skipped.",
    "failed": "It could not be sent. “Resume” goes on with the e-mail behind it.",
}
_SKIPPED = "skipped_step"


@dataclass(frozen=True, slots=True)
class _Skipped:
    """The e-mail that was skipped last in this session, to put back."""

    enrollment: Enrollment
    step: int
    name: str


def buttons(enrollment: Enrollment, *, may_change: bool) -> None:
    with st.container(horizontal=True):
        if not may_change:
            _preview_button(enrollment)
            return
        if enrollment.status == "active":
            _act_button(enrollment, "pause", "Pause")
        if enrollment.waits_for_name:
            _start_now(enrollment, enrollment.waits_for_name)
        elif enrollment.status == "paused":
            _act_button(enrollment, "resume", "Resume")
        _preview_button(enrollment)
        if enrollment.status not in {"active", "paused"}:
            with st.popover("Restart", type="tertiary", key=f"again_{enrollment.id}"):
                _restart(enrollment)
            return
        # Another one for each e-mail, so that it closes after a skip.
        key = f"more_{enrollment.id}_{enrollment.next_step}"
        with st.popover("More", type="tertiary", key=key):
            _skip(enrollment)
            _restart(enrollment)
            _stop(enrollment)


def offer_to_put_back(contact_id: str) -> None:
    """After a skip, above the campaigns: it may have ended the one it was in."""
    last = st.session_state.get(_SKIPPED)
    if not isinstance(last, _Skipped) or last.enrollment.contact_id != contact_id:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="skipped"):
        st.markdown(f"Skipped “{as_text(last.name)}”.", width="stretch")
        st.button("Put it back", key="put_back", on_click=_put_back, args=(last,))
        st.button("Dismiss", key="skip_dismiss", type="tertiary", on_click=_forget_skip)


def _preview_button(enrollment: Enrollment) -> None:
    if enrollment.status in {"active", "paused"} and enrollment.next_template_id:
        st.button(
            "Preview next e-mail",
            key=f"preview_{enrollment.id}",
            on_click=open_dialog,
            args=("preview_email",),
            kwargs={"enrollment": enrollment},
        )


def _start_now(enrollment: Enrollment, other: str) -> None:
    with st.popover("Start now", key=f"start_now_{enrollment.id}"):
        ends, begins = as_text(other), as_text(enrollment.campaign_name)
        st.markdown(f"{ends} stops, and {begins} begins now.")
        st.button(
            f"Start {begins}",
            key=f"start_now_{enrollment.id}_sure",
            type="primary",
            width="stretch",
            on_click=_begin,
            args=(enrollment, other),
        )


def _skip(enrollment: Enrollment) -> None:
    if enrollment.next_step and enrollment.reason != "send_failed":
        st.caption(
            "The next e-mail is never sent in this run; the one behind it comes after its usual "
            "delay."
        )
        st.button(
            "Skip next e-mail",
            key=f"skip_{enrollment.id}",
            width="stretch",
            on_click=_do_skip,
            args=(enrollment,),
        )


def _restart(enrollment: Enrollment) -> None:
    st.caption("The sequence begins again with its first e-mail, also those received before.")
    st.button(
        "Restart it",
        key=f"restart_{enrollment.id}_sure",
        width="stretch",
        on_click=_do_restart,
        args=(enrollment,),
    )


def _stop(enrollment: Enrollment) -> None:
    st.caption(f"{as_text(enrollment.campaign_name)} writes to this contact no more.")
    _act_button(enrollment, "stop", "Stop it", width="stretch")


def _act_button(
    enrollment: Enrollment,
    action: Action,
    label: str,
    *,
    width: Literal["content", "stretch"] = "content",
) -> None:
    st.button(
        label,
        key=f"{action}_{enrollment.id}_sure",
        width=width,
        on_click=_act,
        args=(enrollment, action),
    )


def _act(enrollment: Enrollment, action: Action) -> None:
    _forget_skip()
    try:
        changed = session.current().db.enrollments.change(
            [enrollment.id], action, now=session.now()
        )
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    if changed:
        say(f"{enrollment.campaign_name} {_DONE[action]}.")
    elif action == "resume":
        say("It cannot go on: another type's campaign runs, or the contact may not be e-mailed.")
    else:
        say("Nothing changed: it had ended already, or the contact belongs to a colleague.")


def _begin(enrollment: Enrollment, other: str) -> None:
    _forget_skip()
    try:
        begun = session.current().db.type_switches.start_waiting([enrollment.id], now=session.now())
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    if begun:
        say(f"{other} stopped; {enrollment.campaign_name} begins.")
    else:
        say("Nothing changed: it waits no more, or the contact belongs to a colleague.")


def _do_skip(enrollment: Enrollment) -> None:
    _forget_skip()
    step = enrollment.next_step or 0
    try:
        outcome = session.current().db.enrollments.skip_step(enrollment.id, step, now=session.now())
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    if outcome != "skipped":
        say(_NOT_SKIPPED[outcome])
        return
    name = enrollment.next_template_name or "the next e-mail"
    say(f"“{name}” is skipped.")
    # What a paused enrollment skipped cannot be put back: it would begin to run.
    if enrollment.status == "active":
        st.session_state[_SKIPPED] = _Skipped(enrollment, step, name)


def _put_back(last: _Skipped) -> None:
    _forget_skip()
    try:
        done = session.current().db.enrollments.undo_skip(
            last.enrollment.id, last.step, now=session.now()
        )
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    say(
        f"“{last.name}” is next again."
        if done
        else f"“{last.name}” stays skipped: something was sent or changed since."
    )


def _forget_skip() -> None:
    st.session_state.pop(_SKIPPED, None)


def _do_restart(enrollment: Enrollment) -> None:
    _forget_skip()
    try:
        session.current().db.enrollments.restart(enrollment.id, now=session.now())
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    say(f"{enrollment.campaign_name} starts from its first e-mail.")
