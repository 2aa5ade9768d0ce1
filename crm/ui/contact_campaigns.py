"""One contact's campaigns: how far along, what comes next, and what may be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

import streamlit as st

from crm.records.contacts import Contact
from crm.records.enrollments import Enrollment
from crm.records.explanations import Explanation
from crm.ui import (
    calm,
    contact_actions,
    contact_enrollment_actions,
    contact_sequence,
    email_view,
    outbox,
    session,
    words,
)
from crm.ui.dialogs import Dialogs, close_dialog
from crm.ui.markup import as_text, hover, line

_SHOWN_SENT = 30
LIVE = frozenset({"active", "paused"})


def show(
    contact: Contact, enrollments: Sequence[Enrollment], explanations: Sequence[Explanation]
) -> None:
    live = [e for e in enrollments if e.status in LIVE]
    _heading(contact, live)
    with st.container(key="skip_put_back"):
        contact_enrollment_actions.offer_to_put_back(contact.id)
    with st.container(key="campaigns_live"):
        if not live:
            _nothing_runs(contact)
        for enrollment in live:
            _card(contact, enrollment, _of(enrollment, explanations), contact.quiet_until)


def show_past(contact: Contact, family: Sequence[str], enrollments: Sequence[Enrollment]) -> None:
    """`family` is the contact and those merged into it, whose e-mails stand among its own."""
    _sent(family)
    over = [e for e in enrollments if e.status not in LIVE]
    if over:
        with st.expander(f"Earlier campaigns ({len(over)})"):
            for enrollment in over:
                _card(contact, enrollment, [])


def _heading(contact: Contact, live: Sequence[Enrollment]) -> None:
    with st.container(
        horizontal=True,
        vertical_alignment="center",
        horizontal_alignment="distribute",
        key="campaigns_heading",
    ):
        st.subheader("Campaigns", anchor=False, width="content")
        if session.current().may_change(contact):
            with st.container(horizontal=True, width="content"):
                if contact.email and contact.email_status == "ok" and not contact.archived_at:
                    contact_actions.enroll_menu((contact.id,), key="enroll")
                # One alone is stopped on its card.
                if len(live) > 1:
                    contact_actions.stop_menu((contact.id,), key="stop_all")


def _of(enrollment: Enrollment, explanations: Sequence[Explanation]) -> list[Explanation]:
    return [e for e in explanations if e.campaign_key == enrollment.campaign_key]


def _sent(family: Sequence[str]) -> None:
    sends = session.current().db.sends
    limit = _SHOWN_SENT + 1
    sent = [send for one in family for send in sends.sent(contact_id=one, limit=limit)]
    if sent:
        # Identifiers of sends begin with their moment.
        sent.sort(key=lambda send: send.id, reverse=True)
        shown = sent[:_SHOWN_SENT]
        with st.expander(f"E-mails sent ({len(shown)}{'+' if len(sent) > len(shown) else ''})"):
            outbox.of_one_contact(shown)


def _nothing_runs(contact: Contact) -> None:
    if contact.archived_at:
        st.caption("No campaign runs: the contact is archived.")
    elif not contact.email:
        st.caption(
            "No campaign runs: without an e-mail address nobody can write. Add one with “Edit”."
        )
    elif contact.email_status != "ok":
        st.caption(f"No campaign runs: {words.EMAIL_STATUS[contact.email_status][0].lower()}.")
    elif session.current().may_change(contact):
        st.caption("No campaign runs. “Enroll” starts the campaign of the type, or another one.")
        _start_of_type(contact)
    else:
        st.caption("No campaign runs.")


def _start_of_type(contact: Contact) -> None:
    db = session.current().db
    [kind] = [kind for kind in db.contacts.types() if kind.key == contact.contact_type]
    names = {c.id: c.name for c in db.campaigns.overview() if c.status == "active"}
    if name := names.get(kind.campaign_id or ""):
        st.button(
            f"Start {as_text(name)}",
            key="start_type",
            on_click=contact_actions.enroll,
            args=((contact.id,), None),
        )


def _card(
    contact: Contact,
    enrollment: Enrollment,
    explanations: Sequence[Explanation],
    quiet_until: datetime | None = None,
) -> None:
    text, tone = words.ENROLLMENT_STATUS[enrollment.status]
    with st.container(border=True, key=f"enrollment_{enrollment.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{as_text(enrollment.campaign_name)}**", width="content")
            if enrollment.waits_for_name:
                st.badge(f"Waits for {as_text(enrollment.waits_for_name)}", color="orange")
            else:
                st.badge(text, color=tone)
            if enrollment.campaign_status == "paused" and enrollment.status == "active":
                st.badge("Campaign paused", color="orange")
        if enrollment.status in LIVE:
            contact_sequence.show(enrollment, explanations)
        st.markdown(_progress_words(enrollment))
        line(_next_line(enrollment, quiet_until))
        contact_enrollment_actions.buttons(
            enrollment, may_change=session.current().may_change(contact)
        )


def _progress_words(enrollment: Enrollment) -> str:
    if enrollment.status in LIVE and enrollment.next_position:
        return f"E-mail {enrollment.next_position} of {enrollment.step_count} is next"
    return f"{enrollment.sent_count} of {words.counted(enrollment.step_count, 'e-mail')} sent"


def _next_line(enrollment: Enrollment, quiet_until: datetime | None) -> str:
    """HTML, which lets a time have its exact one on hovering."""
    moments = session.current().moments
    if enrollment.status in {"stopped", "completed"}:
        reason = escape(words.enrollment_reason(enrollment.reason))
        ended = hover(moments.when(enrollment.ended_at), moments.exact(enrollment.ended_at))
        return f"{ended}: {reason}" if reason else f"Ended {ended}"
    if enrollment.next_template_name is None:
        return "Nothing is left to send."
    name = f"“{escape(enrollment.next_template_name)}”"
    if enrollment.waits_for_name:
        return f"{name} comes once {escape(enrollment.waits_for_name)} has ended for this contact."
    if enrollment.status == "paused":
        reason = words.enrollment_reason(enrollment.reason) or "paused"
        return f"{name} waits: {escape(reason)}."
    if enrollment.next_send_at is None:
        return f"{name} is on its way."
    if quiet_until and quiet_until > max(moments.now, enrollment.next_send_at):
        return f"{name} waits until {moments.day(quiet_until)}."
    if enrollment.next_send_at <= moments.now:
        return f"{name} goes out with the next run, within sending hours."
    at = enrollment.next_send_at
    return f"{name} · {hover(moments.when(at), moments.exact(at))}"


@st.dialog("Next e-mail", width="large", on_dismiss=close_dialog)
@calm.section
def preview_email(enrollment: Enrollment) -> None:
    email = email_view.as_it_would_be_sent(enrollment.contact_id, enrollment.next_template_id or "")
    if isinstance(email, str):
        st.info(email)
        return
    moments = session.current().moments
    st.markdown(f"**{as_text(email.subject)}**")
    due = "" if enrollment.next_send_at is None else f" · {moments.due(enrollment.next_send_at)}"
    to = enrollment.contact_name or enrollment.email or ""
    st.caption(as_text(f"To {to}, as it stands today{due}"))
    email_view.show(email, key="preview")


DIALOGS: Dialogs = {"preview_email": preview_email, **outbox.DIALOGS}
