"""What can be done with contacts: change type, enroll, stop, archive. For one contact or many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from crm.records.contacts import Contact, ContactType
from crm.ui import calm, session, suppression_lift, switch_words, words
from crm.ui.dialogs import Dialogs, close_dialog
from crm.ui.feedback import ArchiveUndo, offer_undo, say
from crm.ui.markup import as_text
from db_service import DatabaseError

# Of more contacts than this the dialog tells the rule alone: looking ahead takes its time.
_LOOKED_AT = 500


def archive(contacts: Sequence[Contact]) -> None:
    """A button's on_click. Offers an undo, which also lets go on what ran."""
    moment = session.now()
    try:
        archived = _set_archived(contacts, True, moment)
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    if not archived:
        say("Nothing was archived: these contacts belong to colleagues.")
        return
    offer_undo(ArchiveUndo(archived, moment))


def unarchive(contacts: Sequence[Contact]) -> None:
    """A button's on_click."""
    try:
        taken_out = _set_archived(contacts, False, session.now())
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    say(
        f"{words.counted(len(taken_out), 'contact')} taken out of the archive. "
        "No campaign starts by itself."
    )


def _set_archived(contacts: Sequence[Contact], archived: bool, moment: datetime) -> tuple[str, ...]:
    changes = session.current().db.contact_changes
    outcomes = changes.change([c.id for c in contacts], {"archived": archived}, now=moment)
    return tuple(o.contact_id for o in outcomes if o.outcome == "changed")


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
    st.markdown(what_happens(contact_ids, types[chosen]))
    label = f"Change to {as_text(types[chosen].label)}"
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


def what_happens(contact_ids: Sequence[str], kind: ContactType) -> str:
    """What a change to this type would bring, as Markdown; for too many, the rule alone."""
    if not 0 < len(contact_ids) <= _LOOKED_AT:
        return switch_words.of_many(kind.label)
    outcomes = session.current().db.type_switches.preview(contact_ids, kind.key, now=session.now())
    return switch_words.sentences(outcomes, kind.label)


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
                as_text(campaign.name),
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
