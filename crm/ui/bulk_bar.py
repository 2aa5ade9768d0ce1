"""The bar over the contact list: what can be done with the selected, or with all found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from crm.records.contact_search import ContactSearch
from crm.records.contacts import Contact
from crm.ui import bulk_dialog, bulk_job, contact_links, live, words

DIALOGS = bulk_dialog.DIALOGS
# The search whose every find is selected, beyond the page.
_ALL_OF = "bulk_all_of"
_COUNTED_TO = 10_000

_MORE: Mapping[str, str] = {
    "Change owner": "owner",
    "Add tags": "add_tags",
    "Remove tags": "remove_tags",
    "Pause campaigns": "pause",
    "Resume campaigns": "resume",
    "Stop campaigns": "stop",
    "Export": "export",
}
_MORE_OF_ARCHIVED = ("Change owner", "Add tags", "Remove tags", "Export")


def show(selected: Sequence[Contact], search: ContactSearch, total: int) -> None:
    """Always there, so that the list does not move when somebody selects. `total`: how many the
    search finds, or has found so far."""
    everybody = st.session_state.get(_ALL_OF) == search
    with st.container(horizontal=True, vertical_alignment="center", key="bulk_bar"):
        if everybody:
            _everybody(search, total, on_this_page=len(selected))
        elif selected:
            _these(selected, search, total)
        else:
            st.caption("Click a name to open it, or select several.", width="content")
            _offer_everybody(search, total)


def _everybody(search: ContactSearch, total: int, *, on_this_page: int) -> None:
    found = f"All {words.number(total)} found" if total < _COUNTED_TO else "All that were found"
    st.markdown(f"**{found} are selected**", width="content")
    st.button(
        f"Only the {words.number(on_this_page)} here" if on_this_page else "Select none",
        key="bulk_only_these",
        type="tertiary",
        on_click=_select_all_of,
        args=(None,),
    )
    _buttons((), search, archived=search.archived)


def _these(selected: Sequence[Contact], search: ContactSearch, total: int) -> None:
    ids = tuple(contact.id for contact in selected)
    st.markdown(f"**{words.number(len(ids))} selected**", width="content")
    if total > len(ids):
        _offer_everybody(search, total)
    if len(ids) == 1:
        st.button("Open", key="bulk_open", on_click=contact_links.go_to, args=ids)
    _buttons(ids, None, archived=search.archived)


def _offer_everybody(search: ContactSearch, total: int) -> None:
    many = total >= _COUNTED_TO
    st.button(
        "Select all that were found" if many else f"Select all {words.number(total)} found",
        key="bulk_everybody",
        type="tertiary",
        on_click=_select_all_of,
        args=(search,),
        help=f"Beyond this page, the newest {words.number(bulk_job.MOST_CONTACTS)} at most.",
    )


def _buttons(ids: Sequence[str], search: ContactSearch | None, *, archived: bool) -> None:
    if archived:
        _button("Take out of the archive", "unarchive", ids, search)
    else:
        _button("Change type", "type", ids, search)
        _button("Enroll", "enroll", ids, search)
        _button("Archive", "archive", ids, search)
    st.menu_button(
        "More",
        list(_MORE_OF_ARCHIVED if archived else _MORE),
        key="bulk_more",
        on_click=_chosen_from_menu,
        args=(ids, search),
    )


def _select_all_of(search: ContactSearch | None) -> None:
    st.session_state[_ALL_OF] = search


def _button(label: str, action: str, ids: Sequence[str], search: ContactSearch | None) -> None:
    st.button(label, key=f"bulk_{action}", on_click=_open, args=(action, ids, search))


def _chosen_from_menu(ids: Sequence[str], search: ContactSearch | None) -> None:
    chosen = st.session_state.get("bulk_more")
    if chosen in _MORE:
        _open(_MORE[str(chosen)], ids, search)


def _open(action: str, ids: Sequence[str], search: ContactSearch | None) -> None:
    bulk_job.ask_for(action, ids, search=search)
    live.want_whole_page()
