"""The audit log, newest first, 50 entries a page: a sentence each, and what changed behind it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from crm.records.audit import AuditEntry, AuditSearch
from crm.ui import audit_chain, audit_filters, page_header, session, words
from crm.ui.audit_fields import Change, Known, Reader
from crm.ui.audit_words import changes, kind, sentence
from crm.ui.dialogs import open_dialog
from crm.ui.markup import hover

PAGE_SIZE = 50
_CURSORS, _SEARCHED = "audit_cursors", "audit_searched"


def show() -> None:
    actions = page_header.show(
        "Audit log",
        "Who changed campaigns, settings and users; what happened to a contact stands on its page. "
        "Nobody can change or delete an entry, admins included.",
    )
    audit_chain.show()
    search = audit_filters.show()
    actions.button(
        "Export",
        key="audit_export",
        on_click=open_dialog,
        args=("export_audit",),
        kwargs={"search": search},
    )
    cursors = _cursors_of(search)
    found = session.current().db.audit.page(search, before=cursors[-1], size=PAGE_SIZE + 1)
    entries = found[:PAGE_SIZE]
    if not entries:
        audit_filters.nothing_found(search)
        return
    _list(entries)
    more = len(found) > PAGE_SIZE
    _pager(len(cursors), shown=len(entries), next_before=entries[-1].number if more else None)


def reader() -> Reader:
    """Knows the names of what entries point to."""
    here = session.current()
    return Reader(
        Known(
            {campaign.id: campaign.name for campaign in here.db.campaigns.overview()},
            {person.id: person.full_name for person in here.db.people.directory()},
            {kind.key: kind.label for kind in here.db.contacts.types()},
        ),
        here.moments,
    )


def _cursors_of(search: AuditSearch) -> list[int | None]:
    if st.session_state.get(_SEARCHED) != search:
        st.session_state[_SEARCHED] = search
        st.session_state[_CURSORS] = [None]
    cursors: list[int | None] = st.session_state[_CURSORS]
    return cursors


def _list(entries: Sequence[AuditEntry]) -> None:
    reading = reader()
    rows = "".join(_entry(entry, reading) for entry in entries)
    st.html(f'<ul class="timeline">{rows}</ul>')


def _entry(entry: AuditEntry, reading: Reader) -> str:
    moments = reading.moments
    when = hover(moments.when(entry.recorded_at), moments.exact(entry.recorded_at))
    return (
        f'<li><span class="kind">{escape(kind(entry))}</span>'
        f'<span class="what">{escape(sentence(entry, reading))}</span>'
        f"{_details(entry, reading, when)}</li>"
    )


def _details(entry: AuditEntry, reading: Reader, when: str) -> str:
    """Behind `when` (HTML), so that an entry takes two lines until somebody asks."""
    pairs = [
        (change.label.capitalize(), _sides(entry, change)) for change in changes(entry, reading)
    ]
    pairs.append(("Entry", words.number(entry.number)))
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    return f'<details><summary>{when} · Details</summary><dl class="facts">{facts}</dl></details>'


def _sides(entry: AuditEntry, change: Change) -> str:
    if entry.operation != "UPDATE":
        return change.after if entry.before is None else change.before
    arrow = "\n→ " if "\n" in change.before + change.after else " → "
    return f"{change.before}{arrow}{change.after}"


def _pager(page_number: int, *, shown: int, next_before: int | None) -> None:
    if page_number == 1 and next_before is None:
        return
    first = (page_number - 1) * PAGE_SIZE + 1
    with st.container(horizontal=True, vertical_alignment="center", key="audit_pager"):
        st.caption(f"{words.number(first)}–{words.number(first + shown - 1)}", width="content")
        st.button(
            "Newer", key="audit_newer", on_click=_turn, args=(None,), disabled=page_number == 1
        )
        st.button(
            "Older",
            key="audit_older",
            on_click=_turn,
            args=(next_before,),
            disabled=next_before is None,
        )


def _turn(before: int | None) -> None:
    if before is None:
        st.session_state[_CURSORS].pop()
    else:
        st.session_state[_CURSORS].append(before)
