"""Inviting colleagues, and the invitations that are still open."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from crm.mail.addresses import AddressError, normalise_address
from crm.records.people import Invitation
from crm.ui import calm, session, words
from crm.ui.dialogs import Dialogs, cancel_button, close_dialog, open_dialog
from crm.ui.feedback import say
from crm.ui.markup import as_text
from crm.ui.users_rows import LONGEST_NAME, row, when
from db_service import ConflictError, DatabaseError, RuleBrokenError, connect

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


def show() -> None:
    invitations = session.current().db.people.invitations()
    st.subheader("Open invitations", anchor=False)
    _what_is_missing()
    if not invitations:
        st.caption("Nobody is invited at the moment.")
        return
    if _can_be_accepted():
        st.markdown("No e-mail is sent. Pass the invitation on yourself, for instance so:")
        st.code(text_to_pass_on(connect().settings.public_url), language=None, wrap_lines=True)
    names = {person.id: person.full_name for person in session.current().db.people.active()}
    with st.container(border=True, key="invitations"):
        for invitation in invitations:
            _row(invitation, names)


def text_to_pass_on(public_url: str) -> str:
    return (
        "You are invited to our CRM. Please sign in with the e-mail address that this message "
        f"was sent to: {public_url}"
    )


def _what_is_missing() -> None:
    settings = connect().settings
    if not settings.signs_in:
        st.info(
            "Nobody can accept an invitation yet, because sign-in is not set up: whoever opens the "
            "app on this computer is its admin. The setup guide that comes with MPT-CRM says how "
            "to switch sign-in on."
        )
    elif urlsplit(settings.public_url).hostname in _THIS_MACHINE:
        st.info(
            "The app's address reaches this computer only. Publish it and set PUBLIC_URL to its "
            "address before you pass an invitation on."
        )


def _can_be_accepted() -> bool:
    settings = connect().settings
    return settings.signs_in and urlsplit(settings.public_url).hostname not in _THIS_MACHINE


def _row(invitation: Invitation, names: dict[str, str]) -> None:
    invited = f"invited {when(invitation.invited_at)} by {_inviter(invitation, names)}"
    actions = row(
        invitation.full_name,
        [words.ROLE[invitation.role]],
        f"{invitation.email} · {invited}",
        key=f"open_{invitation.email}",
    )
    actions.button(
        "Withdraw",
        key=f"withdraw_{invitation.email}",
        on_click=open_dialog,
        args=("withdraw",),
        kwargs={"email": invitation.email, "full_name": invitation.full_name},
    )


def _inviter(invitation: Invitation, names: dict[str, str]) -> str:
    if invitation.first_admin:
        return "the installation"
    return names.get(invitation.invited_by or "", "a former colleague")


@dataclass(frozen=True, slots=True)
class _Places:
    """Beneath each field, for what is wrong with it."""

    email: DeltaGenerator
    full_name: DeltaGenerator


@st.dialog("Invite a colleague", on_dismiss=close_dialog)
@calm.section
def invite() -> None:
    with st.form("invite_form", border=False):
        email = st.text_input("E-mail", key="invite_email", help="They sign in with this address.")
        email_place = st.empty()
        full_name = st.text_input("Name", key="invite_name", max_chars=LONGEST_NAME)
        places = _Places(email_place, st.empty())
        role = st.radio(
            "Role",
            list(words.ROLE),
            format_func=lambda key: words.ROLE[key][0],
            captions=[words.ROLE_MEANS[key] for key in words.ROLE],
            key="invite_role",
        )
        st.caption("No e-mail is sent. You get a text to pass on.")
        with st.container(horizontal=True):
            submitted = st.form_submit_button("Invite", key="invite_save", type="primary")
            cancelled = st.form_submit_button("Cancel", key="invite_cancel")
    if cancelled:
        close_dialog()
        st.rerun()
    if submitted:
        _invite(email, " ".join(full_name.split()), role, places)


def _invite(typed: str, full_name: str, role: str, places: _Places) -> None:
    email = _checked(typed, full_name, places)
    if email is None:
        return
    try:
        session.current().db.people.invite(
            email=email, full_name=full_name, role=role, now=session.now()
        )
    except ConflictError:
        places.email.markdown(":red[This address is invited already.]")
    except RuleBrokenError as error:
        places.email.markdown(f":red[{as_text(str(error))}]")
    except DatabaseError as error:
        st.error(calm.words_for(error))
    else:
        say(f"{full_name} is invited.")
        close_dialog()
        st.rerun()


def _checked(typed: str, full_name: str, places: _Places) -> str | None:
    """The address as it is stored, or None once the reason stands at a field."""
    email = None
    try:
        email = normalise_address(typed)
    except AddressError as error:
        places.email.markdown(f":red[{as_text(error.reason)}]")
    if not full_name:
        places.full_name.markdown(":red[Please enter a name.]")
        return None
    return email


@st.dialog("Withdraw the invitation?", on_dismiss=close_dialog)
@calm.section
def withdraw(email: str, full_name: str) -> None:
    st.markdown(f"**{as_text(full_name)}** can no longer join with {as_text(email)}.")
    with st.container(horizontal=True):
        sure = st.button("Withdraw", key="withdraw_sure", type="primary")
        cancel_button(key="withdraw_cancel")
    if sure:
        withdrawn = session.current().db.people.withdraw(email)
        say("The invitation was withdrawn." if withdrawn else "It was no longer open.")
        close_dialog()
        st.rerun()


DIALOGS: Dialogs = {"invite": invite, "withdraw": withdraw}
