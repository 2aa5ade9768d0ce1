"""Saving, renaming, sharing and deleting a view of the contact list."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from crm.records.saved_views import SavedView
from crm.ui import calm, session
from crm.ui.contact_filters import Filters
from crm.ui.dialogs import Dialogs, cancel_button, close_dialog
from crm.ui.feedback import say
from crm.ui.markup import as_text
from db_service import ConflictError

_LONGEST = 60
_GONE = "This view is not there any more, or a colleague took it back."


@st.dialog("Save view", on_dismiss=close_dialog)
@calm.section
def save_view(filters: Filters) -> None:
    st.caption("Keeps the search, the filters and the order as they are now, under a name.")

    def save(name: str, is_shared: bool) -> bool:
        views = session.current().db.saved_views
        views.save(name, filters, is_shared=is_shared, now=session.now())
        return True

    _form("", False, "Save view", save)


@st.dialog("Rename or share view", on_dismiss=close_dialog)
@calm.section
def rename_view(saved: SavedView) -> None:
    def rename(name: str, is_shared: bool) -> bool:
        views = session.current().db.saved_views
        return views.rename(saved.id, name, is_shared=is_shared, now=session.now())

    _form(saved.name, saved.is_shared, "Save", rename)


@st.dialog("Change view", on_dismiss=close_dialog)
@calm.section
def update_view(saved: SavedView, filters: Filters) -> None:
    shared = " Your colleagues will see it so too." if saved.is_shared else ""
    st.markdown(
        f"**{as_text(saved.name)}** will show the search and filters in sight instead of its "
        f"own.{shared}"
    )
    with st.container(horizontal=True):
        if st.button("Change view", type="primary", key="view_update"):
            views = session.current().db.saved_views
            done = views.set_filters(saved.id, filters, now=session.now())
            _end(f"Changed the view “{saved.name}”." if done else _GONE)
        cancel_button(key="view_update_cancel")


@st.dialog("Delete view", on_dismiss=close_dialog)
@calm.section
def delete_view(saved: SavedView) -> None:
    shared = " It is shared: it goes for your colleagues too." if saved.is_shared else ""
    st.markdown(f"**{as_text(saved.name)}** goes for good. No contact is changed by it.{shared}")
    with st.container(horizontal=True):
        if st.button("Delete view", type="primary", key="view_delete"):
            done = session.current().db.saved_views.delete(saved.id)
            _end(f"Deleted the view “{saved.name}”." if done else _GONE)
        cancel_button(key="view_delete_cancel")


def _form(name: str, is_shared: bool, label: str, save: Callable[[str, bool], bool]) -> None:
    with st.form("view_form", border=False):
        typed = st.text_input("Name", value=name, max_chars=_LONGEST, key="view_name").strip()
        problem = st.empty()
        shared = st.checkbox("Share it with all colleagues", value=is_shared, key="view_shared")
        with st.container(horizontal=True):
            submitted = st.form_submit_button(label, type="primary", key="view_save")
    cancel_button(key="view_cancel")
    if not submitted:
        return
    if not typed:
        problem.markdown(":red[Give the view a name.]")
        return
    try:
        done = save(typed, shared)
    except ConflictError:
        problem.markdown(":red[You have a view of this name. Choose another one.]")
        return
    _end(f"Saved the view “{typed}”." if done else _GONE)


def _end(said: str) -> None:
    say(said)
    close_dialog()
    st.rerun()


DIALOGS: Dialogs = {
    "save_view": save_view,
    "rename_view": rename_view,
    "update_view": update_view,
    "delete_view": delete_view,
}
