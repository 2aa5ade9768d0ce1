"""Contact types: which campaign each starts, and its place on the sales path."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from crm.records.contact_types import FOR_FORMS, TypeDetails
from crm.ui import calm, session, words
from crm.ui.dialogs import Dialogs, cancel_button, close_dialog, open_dialog
from crm.ui.feedback import say
from crm.ui.markup import as_text

_NO_CAMPAIGN = "No campaign"
_LONGEST_LABEL = 40
_LAST_PLACE = 99


def show() -> None:
    types = session.current().db.contact_types.all()
    st.markdown(
        "A new contact starts the campaign of its type. Who is in a campaign already stays in it "
        "when the campaign of the type is changed here."
    )
    campaigns = _campaigns()
    with st.container(border=True, key="contact_types"):
        for kind in types:
            _row(kind, campaigns)
    st.button("Add a type", key="add_type", on_click=open_dialog, args=("contact_type",))


def _campaigns() -> dict[str, str]:
    return {
        campaign.id: campaign.name for campaign in session.current().db.contact_types.campaigns()
    }


def _row(kind: TypeDetails, campaigns: Mapping[str, str]) -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        with st.container(gap=None):
            st.markdown(f"**{as_text(kind.label)}**")
            st.caption(as_text(_about(kind, campaigns)))
        st.button(
            "Edit",
            key=f"edit_type_{kind.key}",
            on_click=open_dialog,
            args=("contact_type",),
            kwargs={"kind": kind},
        )


def _about(kind: TypeDetails, campaigns: Mapping[str, str]) -> str:
    campaign = campaigns.get(kind.campaign_id or "")
    starts = f"Starts {campaign}" if campaign else "Starts no campaign"
    if kind.path_rank is None:
        return f"{starts} · off the sales path"
    return f"{starts} · place {kind.path_rank} on the sales path"


@st.dialog("Contact type", on_dismiss=close_dialog)
@calm.section
def contact_type(kind: TypeDetails | None = None) -> None:
    campaigns = _campaigns()
    with st.form("contact_type", border=False):
        label = st.text_input(
            "Name",
            value=kind.label if kind else "",
            max_chars=_LONGEST_LABEL,
            placeholder="Supplier",
            key="type_label",
        )
        problem = st.empty()
        offered = ["", *campaigns]
        campaign = st.selectbox(
            "Campaign",
            offered,
            index=offered.index(kind.campaign_id or "") if kind else 0,
            format_func=lambda key: campaigns.get(key, _NO_CAMPAIGN),
            key="type_campaign",
        )
        # Only a field whose default is empty can be emptied again in the browser.
        place_key = f"type_place_{kind.key if kind else ''}"
        st.session_state.setdefault(place_key, kind.path_rank if kind else None)
        place = st.number_input(
            "Place on the sales path",
            min_value=0,
            max_value=_LAST_PLACE,
            value=None,
            step=1,
            placeholder="Off the path",
            help="Discovery calls, projects and networking events move a contact to a later place, "
            "never to an earlier one. Empty: nothing moves a contact from or to this type by "
            "itself.",
            key=place_key,
        )
        with st.container(horizontal=True):
            submitted = st.form_submit_button("Save", key="type_save", type="primary")
    if submitted:
        wrong = _problem(label, kind)
        if wrong:
            problem.markdown(f":red[{wrong}]")
        else:
            _save(kind, label.strip(), campaign or None, None if place is None else int(place))
    if kind:
        _delete(kind)


def _problem(label: str, kind: TypeDetails | None) -> str:
    """What is wrong with the name, empty if nothing is."""
    if not label.strip():
        return "Give the type a name."
    taken = {
        other.label.casefold()
        for other in session.current().db.contact_types.all()
        if kind is None or other.key != kind.key
    }
    return "Another type has this name." if label.strip().casefold() in taken else ""


def _save(kind: TypeDetails | None, label: str, campaign: str | None, place: int | None) -> None:
    types = session.current().db.contact_types
    if kind is None:
        types.add(label, campaign_id=campaign, path_rank=place)
    else:
        types.change(kind.key, label=label, campaign_id=campaign, path_rank=place)
    say(f"{label} {'saved' if kind else 'added'}.")
    close_dialog()
    st.rerun()


def _delete(kind: TypeDetails) -> None:
    hindrance = _hindrance(kind)
    if hindrance:
        st.caption(hindrance)
        return
    with st.popover("Delete", key="type_delete"):
        st.markdown(f"**{as_text(kind.label)}** goes for good. No contact has it.")
        sure = st.button("Delete it", key="type_delete_sure", type="primary")
    cancel_button(key="type_cancel")
    if sure:
        session.current().db.contact_types.delete(kind.key)
        say(f"{kind.label} deleted.")
        close_dialog()
        st.rerun()


def _hindrance(kind: TypeDetails) -> str:
    if kind.key in FOR_FORMS:
        return "This type stays: forms and imports make contacts of it."
    types = session.current().db.contact_types
    count = types.count_contacts(kind.key)
    if count:
        have = "has" if count == 1 else "have"
        contacts = words.counted(count, "contact")
        return f"{contacts} {have} this type. Change their type first to delete it."
    if types.was_ever_used(kind.key):
        return "It stays for the history of contacts that had it."
    return ""


DIALOGS: Dialogs = {"contact_type": contact_type}
