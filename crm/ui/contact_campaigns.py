"""One contact's campaigns: how far along, what comes next, and pausing, stopping, restarting."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from crm.records.contacts import Contact
from crm.records.enrollments import Action, Enrollment
from crm.ui import calm, email_view, outbox, session, words
from crm.ui.dialogs import Dialogs, close_dialog, open_dialog
from crm.ui.feedback import say
from crm.ui.markup import as_text
from db_service import DatabaseError

_SHOWN_SENT = 50
_DONE: dict[Action, str] = {"pause": "paused", "resume": "resumed", "stop": "stopped"}


def show(contact: Contact) -> None:
    enrollments = session.current().db.enrollments.of_contact(contact.id)
    live = [e for e in enrollments if e.status in {"active", "paused"}]
    st.subheader("Campaigns", anchor=False)
    if not live:
        _nothing_runs(contact)
    for enrollment in live:
        _card(contact, enrollment, quiet_until=contact.quiet_until)
    sent = session.current().db.sends.sent(contact_id=contact.id, limit=_SHOWN_SENT)
    if sent:
        with st.expander(f"E-mails sent ({len(sent)})"):
            outbox.table(sent, key="contact_sent")
    over = [e for e in enrollments if e not in live]
    if over:
        with st.expander(f"Earlier campaigns ({len(over)})"):
            for enrollment in over:
                _card(contact, enrollment)


def _nothing_runs(contact: Contact) -> None:
    if contact.archived_at:
        st.caption("No campaign runs: the contact is archived.")
    elif not contact.email:
        st.caption(
            "No campaign runs: without an e-mail address nobody can write. Add one with “Edit”."
        )
    elif contact.email_status != "ok":
        st.caption(f"No campaign runs: {words.EMAIL_STATUS[contact.email_status][0].lower()}.")
    else:
        may_enroll = session.current().may_change(contact)
        how = " “Enroll” starts the campaign of the type, or another one." if may_enroll else ""
        st.caption(f"No campaign runs.{how}")


def _card(contact: Contact, enrollment: Enrollment, *, quiet_until: datetime | None = None) -> None:
    text, tone = words.ENROLLMENT_STATUS[enrollment.status]
    with st.container(border=True, key=f"enrollment_{enrollment.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{enrollment.campaign_name}**", width="content")
            st.badge(text, color=tone)
            if enrollment.campaign_status == "paused" and enrollment.status == "active":
                st.badge("Campaign paused", color="orange")
        st.progress(_share(enrollment), text=_progress_words(enrollment))
        st.caption(_next_words(enrollment, quiet_until))
        if session.current().may_change(contact):
            _buttons(enrollment)
        else:
            _preview_button(enrollment)


def _share(enrollment: Enrollment) -> float:
    return min(1.0, enrollment.sent_count / enrollment.step_count) if enrollment.step_count else 0.0


def _progress_words(enrollment: Enrollment) -> str:
    if enrollment.status in {"active", "paused"} and enrollment.next_position:
        return f"E-mail {enrollment.next_position} of {enrollment.step_count} is next"
    return f"{enrollment.sent_count} of {words.counted(enrollment.step_count, 'e-mail')} sent"


def _next_words(enrollment: Enrollment, quiet_until: datetime | None) -> str:
    moments = session.current().moments
    if enrollment.status in {"stopped", "completed"}:
        reason = words.enrollment_reason(enrollment.reason)
        ended = moments.when(enrollment.ended_at)
        return f"{ended}: {reason}" if reason else f"Ended {ended}"
    if enrollment.next_template_name is None:
        return "Nothing is left to send."
    name = f"“{enrollment.next_template_name}”"
    if enrollment.status == "paused":
        return f"{name} waits: {words.enrollment_reason(enrollment.reason) or 'paused'}."
    if enrollment.next_send_at is None:
        return f"{name} is on its way."
    if quiet_until and quiet_until > max(moments.now, enrollment.next_send_at):
        return f"{name} waits until {moments.day(quiet_until)}."
    if enrollment.next_send_at <= moments.now:
        return f"{name} goes out with the next run, within sending hours."
    return f"{name} · {moments.when(enrollment.next_send_at)}"


def _buttons(enrollment: Enrollment) -> None:
    with st.container(horizontal=True):
        if enrollment.status == "active":
            _act_button(enrollment, "pause", "Pause")
        if enrollment.status == "paused":
            _act_button(enrollment, "resume", "Resume")
        if enrollment.status in {"active", "paused"}:
            with st.popover("Stop", key=f"stop_{enrollment.id}"):
                st.markdown(f"{enrollment.campaign_name} writes to this contact no more.")
                _act_button(enrollment, "stop", "Stop it")
            _preview_button(enrollment)
        with st.popover("Restart", key=f"restart_{enrollment.id}"):
            st.markdown(
                "The sequence begins again with its first e-mail, also those received before."
            )
            st.button(
                "Restart it",
                key=f"restart_{enrollment.id}_sure",
                type="primary",
                on_click=_restart,
                args=(enrollment,),
            )


def _preview_button(enrollment: Enrollment) -> None:
    if enrollment.status in {"active", "paused"} and enrollment.next_template_id:
        st.button(
            "Preview next e-mail",
            key=f"preview_{enrollment.id}",
            on_click=open_dialog,
            args=("preview_email",),
            kwargs={"enrollment": enrollment},
        )


def _act_button(enrollment: Enrollment, action: Action, label: str) -> None:
    st.button(
        label,
        key=f"{action}_{enrollment.id}_sure",
        type="primary" if action == "stop" else "secondary",
        on_click=_act,
        args=(enrollment, action),
    )


def _act(enrollment: Enrollment, action: Action) -> None:
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


def _restart(enrollment: Enrollment) -> None:
    try:
        session.current().db.enrollments.restart(enrollment.id, now=session.now())
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    say(f"{enrollment.campaign_name} starts from its first e-mail.")


@st.dialog("Next e-mail", width="large", on_dismiss=close_dialog)
@calm.section
def preview_email(enrollment: Enrollment) -> None:
    email = email_view.as_it_would_be_sent(enrollment.contact_id, enrollment.next_template_id or "")
    if isinstance(email, str):
        st.info(email)
        return
    st.markdown(f"**{as_text(email.subject)}**")
    st.caption(f"To {enrollment.contact_name or enrollment.email}, as it stands today")
    email_view.show(email, key="preview")


DIALOGS: Dialogs = {"preview_email": preview_email, **outbox.DIALOGS}
