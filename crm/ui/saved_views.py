"""Views over the contact list: those everybody has, one's own, and what colleagues share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from crm.records.saved_views import SavedView
from crm.ui import contact_filters, live, session
from crm.ui.contact_filters import Filters
from crm.ui.dialogs import open_dialog
from db_service import EmailStatus

_KEPT, _LOADED, _MENU = "saved_views_read", "view_loaded", "view_menu"
_SAVE, _UPDATE, _RENAME, _DELETE = "save", "update", "rename", "delete"


@dataclass(frozen=True, slots=True)
class View:
    """A name for filters; `saved` is None for those that everybody has."""

    key: str
    label: str
    filters: Filters
    saved: SavedView | None = None


def read() -> None:
    """Once a run of the whole page: somebody may have saved, shared or deleted a view."""
    st.session_state[_KEPT] = tuple(session.current().db.saved_views.all())


def show() -> None:
    """Draws the views, the one that the filters show marked, and what can be done with it. After
    the filters are drawn, which a click here fills."""
    views = {view.key: view for view in _views()}
    filters = contact_filters.filled()
    shown = next((v for v in views.values() if _same(v.filters, filters)), None)
    for view in views.values():
        # Not st.pills: a click elsewhere while it is being told what to mark counts as one on it.
        st.button(
            view.label,
            key=f"view_{view.key}",
            type="secondary" if view is shown else "tertiary",
            on_click=_choose,
            args=(view,),
        )
    _menu(shown, views.get(st.session_state.get(_LOADED, "")))


def _views() -> Sequence[View]:
    me = session.current().person.id
    saved = _saved()
    # Of two with one name, the reader's own first, and a colleague's with whose it is.
    names = {p.id: p.full_name for p in contact_filters.choices().people}
    return [
        View("all", "All contacts", {}),
        View("mine", "My contacts", {"owner": me}),
        View("quiet", "Gone quiet", {"activity": "none30"}),
        View("refused", "Bounced or refused", {"status": list(_REFUSED)}),
        View("without", "Without a campaign", {"campaign": contact_filters.NO_CAMPAIGN}),
        *(View(v.id, v.name, v.filters, v) for v in saved if v.owner_id == me),
        *(
            View(v.id, f"{v.name} · {names.get(v.owner_id, 'former colleague')}", v.filters, v)
            for v in saved
            if v.owner_id != me
        ),
    ]


_REFUSED = (EmailStatus.BOUNCED.value, EmailStatus.COMPLAINED.value, EmailStatus.INVALID.value)


def _saved() -> Sequence[SavedView]:
    kept: tuple[SavedView, ...] = st.session_state[_KEPT]
    return kept


def _same(filters: Filters, others: Filters) -> bool:
    return _comparable(filters) == _comparable(others)


def _comparable(filters: Filters) -> dict[str, object]:
    """The order of a list is no filter, nor is the order in which several things were chosen."""
    return {
        key: sorted(map(str, value)) if isinstance(value, list | tuple) else value
        for key, value in filters.items()
        if key != "sort"
    }


def _choose(view: View) -> None:
    st.session_state[_LOADED] = view.key
    contact_filters.apply(view.filters)


def may_change(saved: SavedView) -> bool:
    here = session.current()
    return saved.owner_id == here.person.id or (saved.is_shared and here.is_admin)


def _menu(shown: View | None, loaded: View | None) -> None:
    """What can be done with the view in sight, or with filters that are no view yet."""
    options: dict[str, str] = {}
    if shown is None:
        options[_SAVE] = "Save as a new view"
        if loaded and loaded.saved and may_change(loaded.saved):
            options[_UPDATE] = f"Save the changes to “{loaded.saved.name}”"
    elif shown.saved and may_change(shown.saved):
        options = {_RENAME: "Rename or share", _DELETE: "Delete this view"}
    if not options:
        return
    st.menu_button(
        "Save view" if shown is None else "This view",
        list(options),
        format_func=options.__getitem__,
        key=_MENU,
        on_click=_act,
        args=(shown or loaded,),
    )


def _act(view: View | None) -> None:
    live.want_whole_page()
    saved = view.saved if view else None
    match st.session_state[_MENU]:
        case "save":
            open_dialog("save_view", filters=contact_filters.filled())
        case "update" if saved:
            open_dialog("update_view", saved=saved, filters=contact_filters.filled())
        case "rename" if saved:
            open_dialog("rename_view", saved=saved)
        case "delete" if saved:
            open_dialog("delete_view", saved=saved)
