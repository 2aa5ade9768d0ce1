"""The colleagues: name, address, role, and what an admin may change about each."""

from __future__ import annotations

import streamlit as st

from crm.records.people import Colleague
from crm.ui import page_header, session, words
from crm.ui.dialogs import open_dialog
from crm.ui.users_changes import Change
from crm.ui.users_rows import LONGEST_NAME, row, when
from crm.ui.words import Tone

_NOT_ONESELF = "Nobody changes their own rights. Another admin can."
_INACTIVE: tuple[str, Tone] = ("Inactive", "orange")
_NO_ADDRESS = "The address was freed. Invite them again instead."
_PAGE_SIZE = 25


def show() -> None:
    colleagues = session.current().db.people.directory()
    _heading(colleagues)
    found = _found(colleagues)
    if not found:
        st.caption("No colleague has this name or address.")
        return
    pages = -(-len(found) // _PAGE_SIZE)
    page = st.pagination(pages, key="colleagues_page") if pages > 1 else 1
    first = (min(int(page or 1), pages) - 1) * _PAGE_SIZE
    with st.container(border=True, key="colleagues"):
        for colleague in found[first : first + _PAGE_SIZE]:
            _row(colleague)


def _found(colleagues: list[Colleague]) -> list[Colleague]:
    """Those looked for; a field to look with is there once they no longer fit on one page."""
    if len(colleagues) <= _PAGE_SIZE:
        return colleagues
    wanted = st.text_input(
        "Find a colleague",
        placeholder="Part of a name or address",
        max_chars=LONGEST_NAME,
        key="colleague_search",
        on_change=_first_page,
    )
    text = wanted.strip().casefold()
    return [c for c in colleagues if text in f"{c.full_name} {c.email or ''}".casefold()]


def _first_page() -> None:
    # Set, not forgotten: the browser would go on showing the page it was on as the chosen one.
    st.session_state["colleagues_page"] = 1


def _heading(colleagues: list[Colleague]) -> None:
    active = sum(colleague.active for colleague in colleagues)
    gone = len(colleagues) - active
    inactive = f", {words.number(gone)} inactive" if gone else ""
    with page_header.show("Users", f"{words.counted(active, 'colleague')}{inactive}"):
        st.button(
            "Invite",
            key="invite",
            type="primary",
            on_click=open_dialog,
            args=("invite",),
        )


def _row(colleague: Colleague) -> None:
    actions = row(
        colleague.full_name,
        [words.ROLE[colleague.role], *([] if colleague.active else [_INACTIVE])],
        _about(colleague),
        key=f"acts_{colleague.id}",
        note="You" if _is_oneself(colleague) else "",
    )
    with actions:
        st.button(
            "Edit",
            key=f"edit_{colleague.id}",
            on_click=open_dialog,
            args=("edit_colleague",),
            kwargs={"person_id": colleague.id},
        )
        if colleague.active:
            _change("sales" if colleague.role == "admin" else "admin", colleague)
            _change("deactivate", colleague)
            return
        if colleague.email:
            _change("free", colleague)
        _change("reactivate", colleague)


def _about(colleague: Colleague) -> str:
    phone = f" · {colleague.phone}" if colleague.phone else ""
    return f"{colleague.email or 'No address'}{phone} · since {when(colleague.created_at)}"


def _change(change: Change, colleague: Colleague) -> None:
    reason = _why_not(change, colleague)
    st.button(
        {
            "admin": "Make admin",
            "sales": "Make sales",
            "deactivate": "Deactivate",
            "reactivate": "Reactivate",
            "free": "Free address",
        }[change],
        key=f"{change}_{colleague.id}",
        disabled=bool(reason),
        help=reason or None,
        on_click=open_dialog,
        args=("change_user",),
        kwargs={"change": change, "person_id": colleague.id},
    )


def _why_not(change: Change, colleague: Colleague) -> str:
    if _is_oneself(colleague):
        return _NOT_ONESELF
    return _NO_ADDRESS if change == "reactivate" and not colleague.email else ""


def _is_oneself(colleague: Colleague) -> bool:
    return colleague.id == session.current().person.id
