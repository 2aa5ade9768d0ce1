"""What a person sees who is not in: one sentence, whom to ask, and one button."""

from __future__ import annotations

from html import escape

import streamlit as st

from crm.email_sign_in import SIGN_IN_PATH, SIGN_OUT_PATH, place
from crm.ui import session, sign_in, words
from crm.ui.markup import paragraph
from db_service import connect

REFUSED = "refused"
_QUERY = "sign_in"

_OUTCOMES = {
    "not_invited": (
        "You are not invited yet",
        "Your address is not on this CRM's staff list. Ask an admin to invite it, then try again.",
    ),
    "unverified": (
        "Your address is not verified",
        "Whoever signs you in does not vouch for your e-mail address. Verify it there, or ask an "
        "admin how colleagues sign in here, then try again.",
    ),
    "address_taken": (
        "Your address belongs to another account",
        "A colleague has it already and signs in another way. If that is you, use the account you "
        "used before; otherwise ask an admin to free the address.",
    ),
    "inactive": (
        "Your access has been switched off",
        "An admin has removed you from this CRM's staff. If that is a mistake, ask an admin to let "
        "you in again.",
    ),
}
_NO_SIGN_IN = (
    "Almost there",
    "The local admin was switched off meanwhile. Try again to switch it on.",
)


def not_signed_in() -> None:
    """Also where a refused sign-in leads back to."""
    if st.query_params.get(_QUERY) == REFUSED:
        refused()
        return
    _page(f"Sign in to {connect().settings.mail_company}", "This CRM is for invited colleagues.")
    _sign_in_button("Sign in")


def ended() -> None:
    _page("Your sign-in has ended", "Sign in again to go on. What you saved is safe.")
    _sign_in_button("Sign in again")


def refused(reason: str = "") -> None:
    """`reason` is for people, without anything secret."""
    _page(
        "The sign-in was refused",
        reason or "What came back from the sign-in could not be trusted, so nobody was signed in.",
        "If it happens again, ask an admin of this CRM.",
    )
    _sign_in_button("Sign in again")


def not_on_staff(outcome: str, address: str) -> None:
    """`outcome` is what join_staff said; `address` the person's own, to see which one it is."""
    if not connect().settings.signs_in:
        _page(*_NO_SIGN_IN)
        st.button("Try again", key="try_again", type="primary", on_click=session.forget)
        return
    _page(*_OUTCOMES.get(outcome, _OUTCOMES["not_invited"]))
    if address:
        # Not Markdown: the address would become a link.
        paragraph(f"You are signed in as {address}.", style="quiet")
    with st.container(horizontal=True):
        st.button("Try again", key="try_again", on_click=session.forget)
        sign_out("Sign in with another account", key="another_account")


def who() -> None:
    """At the bottom of the sidebar: who is signed in, and the way out."""
    person = session.current().person
    with st.container(key="who"):
        role = escape(words.ROLE[person.role][0])
        st.html(f'<div class="who">{escape(person.full_name)}<small>{role}</small></div>')
        sign_out("Sign out", key="sign_out")


def sign_out(label: str, *, key: str) -> None:
    """A button that ends the sign-in on the server and in this browser."""
    if sign_in.with_provider():
        st.button(label, key=key, on_click=_leave)
    else:
        # A form, since it is an answer of ours that takes the cookie back.
        action = escape(place(connect().settings, SIGN_OUT_PATH))
        st.html(
            f'<form class="leave" method="post" action="{action}">'
            f'<button type="submit">{escape(label)}</button></form>'
        )


def _leave() -> None:
    sign_in.leave(now=session.now())
    session.leave_nothing()
    st.logout()


def _sign_in_button(label: str) -> None:
    if sign_in.with_provider():
        st.button(label, key="sign_in", type="primary", on_click=st.login)
    else:
        target = escape(place(connect().settings, SIGN_IN_PATH))
        st.html(f'<a class="enter" href="{target}">{escape(label)}</a>')


def _page(title: str, *sentences: str) -> None:
    with st.container(key="entrance"):
        st.title(title, anchor=False)
        st.markdown(" ".join(sentences))
