"""The list view of the contacts page: header, filters, table, and what to do with the selected."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from crm.records.contacts import Contact
from crm.ui import (
    contact_actions,
    contact_filters,
    contact_links,
    contact_table,
    session,
    words,
)
from crm.ui.dialogs import open_dialog


def show() -> None:
    heading = st.container(horizontal=True, vertical_alignment="bottom", key="contacts_heading")
    search = contact_filters.show(contact_filters.choices())
    total = session.current().db.contacts.count(search)
    with heading:
        _heading(total, narrowed=contact_filters.is_narrowed(search), archived=search.archived)
    bar = st.container(key="bulk")
    selected = contact_table.show(search, total)
    if selected:
        with bar:
            _bulk_bar(selected, archived=search.archived)


def _heading(total: int, *, narrowed: bool, archived: bool) -> None:
    with st.container(gap=None):
        st.title("Contacts", anchor=False)
        kind = "archived contact" if archived else "contact"
        st.caption(f"{words.counted(total, kind)}{' found' if narrowed else ''}")
    st.button("Import", key="import_contacts", on_click=open_dialog, args=("import_contacts",))
    st.button(
        "Add contact",
        key="add_contact",
        type="primary",
        on_click=open_dialog,
        args=("add_contact",),
    )


def _bulk_bar(selected: Sequence[Contact], *, archived: bool) -> None:
    ids = tuple(contact.id for contact in selected)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="bulk_bar"):
        st.markdown(f"**{words.number(len(ids))} selected**", width="content")
        if len(ids) == 1:
            st.button("Open", key="bulk_open", on_click=contact_links.go_to, args=(ids[0],))
        if archived:
            st.button(
                "Take out of the archive",
                key="bulk_unarchive",
                on_click=contact_actions.unarchive,
                args=(selected,),
            )
            return
        st.button(
            "Change type",
            key="bulk_type",
            on_click=open_dialog,
            args=("change_type",),
            kwargs={"contact_ids": ids},
        )
        contact_actions.enroll_menu(ids, key="bulk_enroll")
        contact_actions.stop_menu(ids, key="bulk_stop")
        st.button("Archive", key="bulk_archive", on_click=contact_actions.archive, args=(selected,))
