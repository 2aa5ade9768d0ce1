"""The colleagues: name, address, role, and what an admin may change about each."""

from __future__ import annotations

import streamlit as st

from crm.records.people import Colleague
from crm.ui import page_header, session, words
from crm.ui.dialogs import open_dialog
from crm.ui.users_changes import Change
from crm.ui.users_rows import row, when
from crm.ui.words import Tone

_NOT_ONESELF = "Nobody changes their own rights. Another admin can."
_INACTIVE: tuple[str, Tone] = ("Inactive", "orange")
_NO_ADDRESS = "The address was freed. Invite them again instead."


def show() -> None:
    colleagues = session.current().db.people.directory()
    _heading(colleagues)
    with st.container(border=True, key="colleagues"):
        for colleague in colleagues:
            _row(colleague)


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
