"""What can be done with contacts: change type, enroll, stop, archive. For one contact or many."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from crm.records.contacts import Contact, ContactType
from crm.records.enrollments import Enrollment
from crm.ui import calm, session, suppression_lift, words
from crm.ui.dialogs import Dialogs, close_dialog
from crm.ui.feedback import ArchiveUndo, offer_undo, say
from db_service import DatabaseError


def archive(contacts: Sequence[Contact]) -> None:
    """A button's on_click. Offers an undo, which also re-enrolls those that were in a campaign."""
    ids = tuple(contact.id for contact in contacts)
    enrolled = tuple(c.id for c in contacts if c.enrollment_status == "active")
    try:
        count = session.current().db.contacts.archive(ids, now=session.now())
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    if count == 0:
        say("Nothing was archived: these contacts belong to colleagues.")
        return
    offer_undo(ArchiveUndo(ids, enrolled))


def unarchive(contacts: Sequence[Contact]) -> None:
    """A button's on_click."""
    ids = [contact.id for contact in contacts]
    try:
        count = session.current().db.contacts.unarchive(ids, now=session.now())
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    say(
        f"{words.counted(count, 'contact')} taken out of the archive. No campaign starts by itself."
    )


def enroll(contact_ids: Sequence[str], campaign_id: str | None) -> None:
    """A button's on_click; None means the campaign of each contact's type."""
    source = "manual" if len(contact_ids) == 1 else "bulk"
    try:
        outcomes = session.current().db.enrollments.enroll(
            contact_ids, campaign_id=campaign_id, source=source, now=session.now()
        )
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    say(words.enroll_outcomes(outcome.outcome for outcome in outcomes))


def stop_all(contact_ids: Sequence[str]) -> None:
    """A button's on_click."""
    try:
        db, now = session.current().db, session.now()
        stopped = sum(db.enrollments.stop_all(contact_id, now=now) for contact_id in contact_ids)
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    say(
        f"{words.counted(stopped, 'campaign enrollment')} stopped."
        if stopped
        else "Nothing was running."
    )


@st.dialog("Change type", on_dismiss=close_dialog)
@calm.section
def change_type(contact_ids: Sequence[str]) -> None:
    db = session.current().db
    types = {kind.key: kind for kind in db.contacts.types()}
    only = db.contacts.get(contact_ids[0]) if len(contact_ids) == 1 else None
    offered = [key for key in types if not only or key != only.contact_type]
    chosen = st.selectbox(
        "New type", offered, format_func=lambda key: types[key].label, key="new_type"
    )
    if chosen is None:
        return
    st.markdown(
        _what_happens(only, types[chosen]) if only else _what_happens_to_many(types[chosen])
    )
    label = f"Change to {types[chosen].label}"
    if st.button(label, type="primary", key="confirm_type"):
        _apply_type(contact_ids, types[chosen])


def _apply_type(contact_ids: Sequence[str], kind: ContactType) -> None:
    count = session.current().db.contacts.change_type(contact_ids, kind.key, now=session.now())
    left_alone = len(contact_ids) - count
    text = f"{words.counted(count, 'contact')} changed to {kind.label}."
    if left_alone:
        text += f" {words.counted(left_alone, 'contact')} of colleagues stayed as before."
    say(text)
    close_dialog()
    st.rerun()


def _what_happens(contact: Contact, kind: ContactType) -> str:
    enrollments = session.current().db.enrollments.of_contact(contact.id)
    campaigns = {c.id: c.name for c in session.current().db.campaigns.overview()}
    type_campaigns = {t.campaign_id for t in session.current().db.contacts.types()}
    stopping = [
        e.campaign_name
        for e in enrollments
        if e.status in {"active", "paused"} and e.campaign_id in type_campaigns - {kind.campaign_id}
    ]
    sentences = [f"**{name}** stops." for name in stopping]
    sentences.append(_what_starts(contact, kind, campaigns, enrollments))
    return " ".join(sentences)


def _what_starts(
    contact: Contact,
    kind: ContactType,
    campaigns: dict[str, str],
    enrollments: Sequence[Enrollment],
) -> str:
    name = campaigns.get(kind.campaign_id or "")
    if name is None:
        return f"{kind.label} has no campaign, so none starts."
    if contact.archived_at or contact.email_status != "ok" or not contact.email:
        return f"{name} does not start: this contact may not be written to."
    before = [e for e in enrollments if e.campaign_id == kind.campaign_id]
    received = max((e.sent_count for e in before), default=0)
    if any(e.status == "active" for e in before):
        return f"**{name}** goes on."
    if received and received >= before[0].step_count:
        return f"{name} does not start again: every e-mail of it was received."
    if received:
        return f"**{name}** goes on after the {words.counted(received, 'e-mail')} received before."
    return f"**{name}** starts."


def _what_happens_to_many(kind: ContactType) -> str:
    starts = f"The {kind.label} campaign starts" if kind.campaign_id else "No campaign starts"
    return (
        f"The campaign of each contact's old type stops. {starts} for everybody who may be written "
        "to; nobody receives an e-mail twice."
    )


def enroll_menu(contact_ids: Sequence[str], *, key: str) -> None:
    """A popover with one click for the type's campaign, and every other campaign below it."""
    with st.popover("Enroll", key=key):
        st.button(
            "In the campaign of the type",
            key=f"{key}_type",
            type="primary",
            width="stretch",
            on_click=enroll,
            args=(contact_ids, None),
        )
        st.caption("Or in a campaign of your choice")
        for campaign in session.current().db.campaigns.overview():
            st.button(
                campaign.name,
                key=f"{key}_{campaign.key}",
                width="stretch",
                on_click=enroll,
                args=(contact_ids, campaign.id),
            )


def stop_menu(contact_ids: Sequence[str], *, key: str) -> None:
    with st.popover("Stop campaigns", key=key):
        whom = "this contact" if len(contact_ids) == 1 else f"these {len(contact_ids)} contacts"
        st.markdown(f"No campaign writes to {whom} any more until somebody enrolls again.")
        st.button(
            "Stop all", key=f"{key}_sure", type="primary", on_click=stop_all, args=(contact_ids,)
        )


DIALOGS: Dialogs = {"change_type": change_type, **suppression_lift.DIALOGS}
