"""Changing a colleague's role, shutting them out, letting them in again: what follows, then it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from crm.records.people import Colleague, PeopleRecords
from crm.ui import calm, session, words
from crm.ui.dialogs import Dialogs, cancel_button, close_dialog
from crm.ui.feedback import say
from crm.ui.markup import as_text
from crm.ui.users_rows import colleague_of

Change = Literal["admin", "sales", "deactivate", "reactivate", "free"]


@dataclass(frozen=True, slots=True)
class _Wording:
    """What the dialog asks and tells, what its button says, and what is said afterwards; {} is the
    colleague's name."""

    title: str
    follows: str
    button: str
    done: str


# Every answer of the database asks for the role; an open page reads it anew within a minute.
_WHEN = "This takes effect at once; a page that is open follows within a minute."
_WORDING: dict[Change, _Wording] = {
    "admin": _Wording(
        "Make admin?",
        f"**{{}}** becomes an admin. {words.ROLE_MEANS['admin']} {_WHEN}",
        "Make admin",
        "{} is an admin now.",
    ),
    "sales": _Wording(
        "Make sales?",
        "**{}** is no longer an admin: they can look at campaigns but not change them, and no "
        f"longer see settings, users and the audit log. {_WHEN}",
        "Make sales",
        "{} is in sales now.",
    ),
    "deactivate": _Wording(
        "Deactivate?",
        "**{}** sees and changes nothing any more, wherever they are signed in. Their contacts "
        "and campaigns stay as they are, and e-mails go on in their name.",
        "Deactivate",
        "{} was deactivated.",
    ),
    "reactivate": _Wording(
        "Reactivate?",
        "**{}** can sign in again, in the same role as before.",
        "Reactivate",
        "{} can sign in again.",
    ),
    "free": _Wording(
        "Free the address?",
        "The address can be invited again, for somebody else or for a new account of the same "
        "person. **{}** cannot be reactivated afterwards.",
        "Free address",
        "The address of {} is free.",
    ),
}


def change_user(change: Change, person_id: str) -> None:
    wording = _WORDING[change]

    @st.dialog(wording.title, on_dismiss=close_dialog)
    @calm.section
    def ask() -> None:
        colleague = colleague_of(person_id)
        if colleague is None:
            st.info("This colleague is no longer there.")
            return
        st.markdown(wording.follows.format(as_text(colleague.full_name)))
        with st.container(horizontal=True):
            sure = st.button(wording.button, key="change_sure", type="primary")
            cancel_button(key="change_cancel")
        if sure:
            _apply(change, colleague)

    ask()


def _apply(change: Change, colleague: Colleague) -> None:
    people, now = session.current().db.people, session.now()
    changes: dict[Change, Callable[[PeopleRecords], bool]] = {
        "admin": lambda p: p.set_role(colleague.id, "admin", now=now),
        "sales": lambda p: p.set_role(colleague.id, "sales", now=now),
        "deactivate": lambda p: p.set_active(colleague.id, False, now=now),
        "reactivate": lambda p: p.set_active(colleague.id, True, now=now),
        "free": lambda p: p.free_address(colleague.id, now=now),
    }
    changed = changes[change](people)
    say(_WORDING[change].done.format(colleague.full_name) if changed else "Nothing has changed.")
    close_dialog()
    st.rerun()


DIALOGS: Dialogs = {"change_user": change_user}
