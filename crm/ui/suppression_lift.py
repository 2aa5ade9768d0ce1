"""Letting an address be written to again, and ending an out-of-office hold: each asks before."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from crm.mail.suppression_drift import A_PERSONS_WILL
from crm.records.contacts import Contact
from crm.records.suppressions import Suppression
from crm.ui import calm, session, words
from crm.ui.dialogs import Dialogs, cancel_button, close_dialog, open_dialog
from crm.ui.feedback import say
from crm.ui.markup import as_text, paragraph
from crm.ui.users_rows import when
from db_service import DatabaseError

_LONGEST_REASON = 500
_AWAY = "out_of_office"
_LIFT = "Allow mail again"


def choices(contact: Contact) -> dict[str, Callable[[], None]]:
    """For the menu of a contact's page, where something stops mail that the person looking may
    end."""
    here = session.current()
    found: dict[str, Callable[[], None]] = {}
    if here.is_admin and contact.email and contact.email_status != "ok":
        found[_LIFT] = partial(open_dialog, "lift_suppression", email=contact.email)
    if here.may_change(contact) and contact.quiet_reason == _AWAY and _is_quiet(contact):
        found["End the hold"] = partial(open_dialog, "end_quiet", contact_id=contact.id)
    return found


def lift_button(email: str, *, key: str) -> None:
    st.button(
        _LIFT,
        key=key,
        on_click=open_dialog,
        args=("lift_suppression",),
        kwargs={"email": email},
    )


def _is_quiet(contact: Contact) -> bool:
    return contact.quiet_until is not None and contact.quiet_until > session.now()


@st.dialog("Allow mail again?", on_dismiss=close_dialog)
@calm.section
def lift_suppression(email: str) -> None:
    suppression = session.current().db.suppressions.get(email)
    paragraph(email, style="lead")
    paragraph(_standing(suppression), style="quiet")
    if suppression is None or suppression.reason in A_PERSONS_WILL:
        st.warning("Only go on if the person told you that they want to hear from you again.")
    with st.form("lift_suppression", border=False):
        reason = st.text_area(
            "Why may we write again?",
            placeholder="What the person said, when, and how",
            max_chars=_LONGEST_REASON,
            height=100,
            key="lift_reason",
        )
        problem = st.empty()
        st.caption(
            "This is written into the audit log and the contact’s timeline. No campaign starts by "
            "itself. SendGrid keeps a list of its own: take the address off there too, under "
            "Suppressions, or it drops the next e-mail and the address is stopped again."
        )
        with st.container(horizontal=True):
            submitted = st.form_submit_button("Allow mail again", key="lift_sure", type="primary")
            cancelled = st.form_submit_button("Cancel", key="lift_cancel")
    if cancelled:
        close_dialog()
        st.rerun()
    if submitted and not reason.strip():
        problem.markdown(":red[Say why this address may be written to again.]")
    elif submitted:
        _lift(email, reason)


def _standing(suppression: Suppression | None) -> str:
    if suppression is None:
        return "Stopped"
    why = words.SUPPRESSION_REASON[suppression.reason]
    return f"{why.capitalize()}, {when(suppression.created_at)}"


def _lift(email: str, reason: str) -> None:
    try:
        lifted = session.current().db.suppressions.lift(email, reason=reason, now=session.now())
    except DatabaseError as error:
        st.error(calm.words_for(error))
        return
    say("The address may be written to again." if lifted else "It was not stopped any more.")
    close_dialog()
    st.rerun()


@st.dialog("End the hold?", on_dismiss=close_dialog)
@calm.section
def end_quiet(contact_id: str) -> None:
    here = session.current()
    contact = here.db.contacts.get(contact_id)
    if contact is None or contact.quiet_until is None:
        st.info("There is no hold any more.")
        return
    name = as_text(contact.full_name or contact.email or "this contact")
    st.markdown(
        f"An out-of-office reply said that {name} is away, so nothing is sent before "
        f"{here.moments.day(contact.quiet_until)}. Without the hold, what waited goes out in the "
        "next send window."
    )
    with st.container(horizontal=True):
        sure = st.button("End the hold", key="end_quiet_sure", type="primary")
        cancel_button(key="end_quiet_cancel")
    if sure:
        ended = here.db.suppressions.end_quiet(contact_id, now=session.now())
        say("The hold is ended." if ended else "There was no hold any more.")
        close_dialog()
        st.rerun()


DIALOGS: Dialogs = {"lift_suppression": lift_suppression, "end_quiet": end_quiet}
