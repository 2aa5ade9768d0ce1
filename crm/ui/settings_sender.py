"""Who e-mails come from: what admins save here wins over the environment, from the next run on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from crm.mail.addresses import AddressError, normalise_address
from crm.mail.display_names import MAX_NAME_CHARACTERS, clean_name
from crm.records.app_settings import SavedSender
from crm.scheduler.desk import with_saved_sender
from crm.settings import Settings
from crm.ui import calm, session, settings_health, words
from crm.ui.feedback import say
from db_service import DatabaseError, connect

_LONGEST_ADDRESS = 254
_LONGEST_POSTAL_ADDRESS = 300
_NAMES = ("mail_from_name", "mail_from_email", "mail_reply_to", "mail_postal_address")


@dataclass(frozen=True, slots=True)
class Entered:
    """The four fields as they were typed."""

    mail_from_name: str
    mail_from_email: str
    mail_reply_to: str
    mail_postal_address: str


def show() -> None:
    environment, db = connect().settings, session.current().db
    saved = db.app_settings.saved_sender()
    settings = with_saved_sender(environment, db)
    st.markdown("Every e-mail carries this sender, beginning with the next run.")
    with st.form("sender", border=True):
        entered, problems = _fields(settings)
        submitted = st.form_submit_button("Save", key="sender_save", type="primary")
    if submitted:
        found = problems_of(entered, sends_for_real=environment.sends_for_real)
        for name, problem in found.items():
            problems[name].markdown(f":red[{problem}]")
        if not found:
            _save(_differing(entered, environment))
    if saved.given():
        _way_back(environment)


def _fields(settings: Settings) -> tuple[Entered, dict[str, Any]]:
    problems: dict[str, Any] = {}

    def field(label: str, name: str, place: Any, **options: Any) -> str:
        value = str(getattr(settings, name))
        with place:
            typed: str | None = st.text_input(label, value=value, key=f"sender_{name}", **options)
            problems[name] = st.empty()
        return typed or ""

    left, right = st.columns(2)
    entered = Entered(
        field("Name", "mail_from_name", left, max_chars=MAX_NAME_CHARACTERS),
        field(
            "E-mail address",
            "mail_from_email",
            right,
            max_chars=_LONGEST_ADDRESS,
            help="Its domain must be authenticated at SendGrid (Settings, Sender Authentication), "
            "or the e-mails land in spam. “Health” asks SendGrid about it.",
        ),
        field(
            "Replies go to",
            "mail_reply_to",
            left,
            max_chars=_LONGEST_ADDRESS,
            placeholder="The sender's address",
        ),
        field(
            "Postal address",
            "mail_postal_address",
            right,
            max_chars=_LONGEST_POSTAL_ADDRESS,
            placeholder="1 Main Street, Springfield, IL 62701",
            help="Stands at the foot of every e-mail, as the law asks (CAN-SPAM).",
        ),
    )
    return entered, problems


def problems_of(entered: Entered, *, sends_for_real: bool) -> dict[str, str]:
    """By field, in words that name the fix; empty where all is well."""
    found: dict[str, str] = {}
    name = entered.mail_from_name.strip()
    if not name:
        found["mail_from_name"] = "Say who the e-mails come from."
    elif clean_name(name) != name or set(name) & set('<>"'):
        found["mail_from_name"] = "Leave out ; , < > and quotes: mail programs read them otherwise."
    for field in ("mail_from_email", "mail_reply_to"):
        address = getattr(entered, field).strip()
        if field == "mail_reply_to" and not address:
            continue
        try:
            normalise_address(address)
        except AddressError as error:
            found[field] = error.reason
    if sends_for_real and not entered.mail_postal_address.strip():
        found["mail_postal_address"] = "No e-mail may leave without one; write it down here."
    return found


def _differing(entered: Entered, environment: Settings) -> SavedSender:
    """What is as the environment has it is not saved, so that it follows the environment."""

    def given(name: str, value: str) -> str | None:
        return None if value == getattr(environment, name) else value

    reply_to = entered.mail_reply_to.strip()
    postal = entered.mail_postal_address.strip()
    return SavedSender(
        mail_from_name=given("mail_from_name", entered.mail_from_name.strip()),
        mail_from_email=given("mail_from_email", normalise_address(entered.mail_from_email)),
        mail_reply_to=given("mail_reply_to", normalise_address(reply_to) if reply_to else ""),
        mail_postal_address=given("mail_postal_address", postal) if postal else None,
    )


def _way_back(environment: Settings) -> None:
    with st.popover("Back to the defaults", key="sender_reset"):
        st.markdown("The sender is again the one that was set when the app was installed:")
        st.text(f"{environment.mail_from_name} <{environment.mail_from_email}>")
        st.button("Use the defaults", key="sender_reset_sure", on_click=_reset)


def _reset() -> None:
    if _write(SavedSender(None, None, None, None)):
        for name in _NAMES:
            st.session_state.pop(f"sender_{name}", None)


def _save(sender: SavedSender) -> None:
    if _write(sender):
        st.rerun()


def _write(sender: SavedSender) -> bool:
    try:
        changed = session.current().db.app_settings.change_sender(sender, now=session.now())
    except DatabaseError as error:
        say(calm.words_for(error))
        return False
    settings_health.forget()
    say(f"{words.counted(changed, 'setting')} saved." if changed else "Nothing has changed.")
    return True
