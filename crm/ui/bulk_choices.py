"""What a person chooses before an action on many contacts: a type, an owner, tags, a campaign."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import streamlit as st

from crm.ui import bulk_actions, contact_actions, session
from crm.ui.bulk_job import Part
from crm.ui.contact_filters import choices
from crm.ui.markup import as_text

_NOBODY = ""


def ask(action: str, ids: Sequence[str], moment: datetime | None) -> Part | None:
    """Draws the fields of this action; what does a part of it, or None until all is chosen."""
    if action == "undo_archive":
        return bulk_actions.bringing_back(moment) if moment else None
    if action in _FIELDS:
        return _FIELDS[action](ids)
    if action in {"archive", "unarchive"}:
        return bulk_actions.changing({"archived": action == "archive"})
    if action == "pause":
        return bulk_actions.campaigns("pause")
    return bulk_actions.campaigns("resume" if action == "resume" else "stop")


def _type(ids: Sequence[str]) -> Part | None:
    types = {kind.key: kind for kind in session.current().db.contacts.types()}
    chosen = st.selectbox(
        "New type",
        list(types),
        index=None,
        format_func=lambda key: types[key].label,
        placeholder="Choose a type",
        key="bulk_type_chosen",
    )
    if chosen is None:
        return None
    st.markdown(contact_actions.what_happens(ids, types[chosen]))
    return bulk_actions.changing({"contact_type": chosen})


def _owner(_ids: Sequence[str]) -> Part | None:
    names = {person.id: person.full_name for person in session.current().db.people.active()}
    offered = [*names, _NOBODY]
    chosen = st.selectbox(
        "New owner",
        offered,
        index=None,
        format_func=lambda key: names.get(key, "Nobody"),
        placeholder="Choose a colleague",
        key="bulk_owner_chosen",
    )
    if chosen is None:
        return None
    return bulk_actions.changing({"owner_id": chosen or None})


def _add_tags(_ids: Sequence[str]) -> Part | None:
    return _tags("add_tags", "Tags to add", accept_new=True)


def _remove_tags(_ids: Sequence[str]) -> Part | None:
    return _tags("remove_tags", "Tags to remove", accept_new=False)


def _tags(change: str, label: str, *, accept_new: bool) -> Part | None:
    chosen = st.multiselect(
        label,
        choices().tags,
        accept_new_options=accept_new,
        placeholder="Choose or type a tag" if accept_new else "Choose tags",
        key=f"bulk_{change}",
    )
    tags = list(dict.fromkeys(" ".join(tag.split()) for tag in chosen if tag.strip()))
    if not tags:
        return None
    return bulk_actions.changing({change: tags})


def _enroll(_ids: Sequence[str]) -> Part | None:
    campaigns = {
        campaign.id: campaign.name
        for campaign in session.current().db.campaigns.overview()
        if campaign.status != "archived"
    }
    chosen = st.radio(
        "Campaign",
        [_NOBODY, *campaigns],
        format_func=lambda key: (
            as_text(campaigns[key]) if key else "The campaign of each contact’s type"
        ),
        key="bulk_campaign",
    )
    return bulk_actions.enrolling(chosen or None)


_FIELDS: Mapping[str, Callable[[Sequence[str]], Part | None]] = {
    "type": _type,
    "owner": _owner,
    "add_tags": _add_tags,
    "remove_tags": _remove_tags,
    "enroll": _enroll,
}
