"""The dialog that merges two records of one person: side by side, a choice for each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from crm.records.contacts import Contact
from crm.records.states import EmailStatus
from crm.ui import calm, contact_links, merge_fields, session, words
from crm.ui.dialogs import Dialogs, cancel_button, close_dialog, open_dialog
from crm.ui.feedback import say
from crm.ui.markup import as_text
from crm.ui.merge_fields import Difference, Side

_STOPPED = {EmailStatus.UNSUBSCRIBED.value, EmailStatus.COMPLAINED.value}
# What merge_contacts() answers where nothing was merged (migrations/…_contact_changes.sql).
_NOT_MERGED: Mapping[str, str] = {
    "same": "This is one and the same contact.",
    "gone": "One of the two is no longer there.",
    "not_yours": "One of the two belongs to a colleague. Ask its owner or an admin to merge them.",
    "already_merged": "One of the two was merged meanwhile.",
    "kept_is_archived": "The kept contact is in the archive. Take it out first, or keep the other.",
    "under_way": "An e-mail to one of them is leaving right now. Try again in a few minutes.",
}


@st.dialog("Merge two contacts", width="large", on_dismiss=close_dialog)
@calm.section
def merge(contact_ids: Sequence[str], back: str = "") -> None:
    """`back`: the dialog to come back to, for the next pair."""
    pair = session.current().db.contact_changes.read(contact_ids)
    if len(pair) < 2:
        st.info("One of the two is no longer there.")
        return
    one, other = pair if merge_fields.better_kept(*pair) else pair[::-1]
    if st.session_state.get(_swapped_key(contact_ids)):
        one, other = other, one
    _choose(one, other, contact_ids, back)


def _swapped_key(contact_ids: Sequence[str]) -> str:
    return f"merge_swapped_{'_'.join(sorted(contact_ids))}"


def _choose(keep: Contact, drop: Contact, contact_ids: Sequence[str], back: str) -> None:
    _heads(keep, drop)
    st.button(
        "Keep the other one instead",
        key="merge_swap",
        on_click=_swap,
        args=(_swapped_key(contact_ids),),
    )
    if not all(map(session.current().may_change, (keep, drop))):
        st.info(_NOT_MERGED["not_yours"])
        return
    types = session.current().db.contacts.types()
    with st.form(f"merge_{keep.id}", border=False):
        chosen = _fields(keep, merge_fields.differences(keep, drop, types))
        if same := merge_fields.same_in_both(keep, drop):
            st.caption(f"The same in both: {', '.join(same)}.")
        st.markdown(_what_happens(keep, drop))
        submitted = st.form_submit_button(
            "Merge for good", type="primary", key="merge_go", disabled=keep.archived_at is not None
        )
    if keep.archived_at is not None:
        st.caption(_NOT_MERGED["kept_is_archived"])
    cancel_button(key="merge_cancel")
    if submitted:
        _merge(keep, drop, merge_fields.values(keep, drop, chosen), back)


def _swap(key: str) -> None:
    st.session_state[key] = not st.session_state.get(key)


def _heads(keep: Contact, drop: Contact) -> None:
    moments = session.current().moments
    for column, role, contact in zip(
        st.columns(2), ("Kept", "Merged into it"), (keep, drop), strict=True
    ):
        standing = words.email_standing(contact.email_status, contact.email)[0]
        campaign = f" · {as_text(contact.campaign_name)}" if contact.campaign_name else ""
        archived = " · archived" if contact.archived_at else ""
        with column.container(border=True, gap=None):
            st.caption(role)
            st.markdown(f"**{as_text(_name(contact))}**")
            st.caption(
                f"Added {moments.ago(contact.created_at)} · {standing}{campaign}{archived}",
                help=moments.exact(contact.created_at),
            )


def _fields(keep: Contact, found: Sequence[Difference]) -> dict[str, Side]:
    """Where both know something, a choice in sight; where one does, it is taken unless somebody
    looks and decides otherwise."""
    contested = [difference for difference in found if difference.is_contested]
    others = [difference for difference in found if not difference.is_contested]
    with st.container(key="merge_fields", gap="small"):
        chosen = {difference.name: _field(difference, keep) for difference in contested}
    if others:
        names = ", ".join(difference.label for difference in others)
        with (
            st.expander(f"Known to one of them, and taken over: {names}"),
            st.container(key="merge_fields_more", gap="small"),
        ):
            chosen |= {difference.name: _field(difference, keep) for difference in others}
    return chosen


def _field(difference: Difference, keep: Contact) -> Side:
    sides = list(difference.sides)
    chosen = st.radio(
        difference.label,
        sides,
        index=sides.index(difference.suggested),
        # The invisible joiner keeps an address from becoming a link, which would take the click.
        format_func=lambda side: as_text(difference.sides[side]).replace("@", "\N{WORD JOINER}@"),
        horizontal=True,
        key=f"merge_{keep.id}_{difference.name}",
    )
    return chosen or difference.suggested


def _what_happens(keep: Contact, drop: Contact) -> str:
    kept, dropped = as_text(_name(keep)), as_text(_name(drop))
    if kept == dropped and drop.email:
        dropped += f" ({as_text(drop.email)})"
    sentences = [
        f"**{kept}** is kept. The record **{dropped}** goes to the archive for good, and what "
        "happened there is shown with the kept one. Projects, discovery calls and events come "
        "along. Campaigns go on behind every e-mail that either received."
    ]
    if {keep.email_status, drop.email_status} & _STOPPED:
        sentences.append(
            "One of them asked for no more e-mails, so no campaign writes to this person any more."
        )
    sentences.append("This cannot be undone.")
    return " ".join(sentences)


def _merge(keep: Contact, drop: Contact, values: Mapping[str, object], back: str) -> None:
    answer = session.current().db.contact_changes.merge(keep.id, drop.id, values, now=session.now())
    if answer != "merged":
        st.error(_NOT_MERGED.get(answer, "Nothing was merged."))
        return
    say(f"{_name(drop)} was merged into {_name(keep)}.")
    if back:
        open_dialog(back)
    else:
        contact_links.go_to(keep.id)
    st.rerun()


def _name(contact: Contact) -> str:
    return contact.full_name or contact.email or "Nameless"


DIALOGS: Dialogs = {"merge": merge}
