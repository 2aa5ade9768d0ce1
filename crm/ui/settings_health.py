"""Health at a glance: each part of the installation, and for each red line the way out."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from crm.mail.sendgrid_account import AccountError, SenderDomain, sender_domains
from crm.scheduler.desk import with_saved_sender
from crm.settings import Settings
from crm.ui import delivery_settings, installation_checks, session, words
from crm.ui.delivery_checks import Check, delivery_checks
from crm.ui.markup import paragraph
from crm.ui.words import Tone
from db_service import DatabaseUnreachableError, connect

_ASKED = "sendgrid_account"
_STANDING: dict[Tone, str] = {
    "green": "In order",
    "orange": "Needs attention",
    "red": "Not working",
    "gray": "Off",
}


def show() -> None:
    settings = with_saved_sender(connect().settings, session.current().db)
    around, delivery = _installation(settings), _delivery(settings)
    paragraph(_headline([*around, *delivery]), style="says")
    _section("Installation", around, key="installation_checks")
    _section("Delivery", delivery, key="delivery_checks")
    if settings.sends_for_real:
        st.button("Ask SendGrid about key and domain", key="ask_sendgrid", on_click=_ask)
    delivery_settings.show(settings)


def forget() -> None:
    """What SendGrid said was about a sender that is another now."""
    st.session_state.pop(_ASKED, None)


def _installation(settings: Settings) -> list[Check]:
    here, connection = session.current(), connect()
    last = here.db.scheduler_runs.latest(limit=1)
    return [
        installation_checks.database(
            here.db.installation.pending_migrations(),
            embedded=settings.is_embedded,
            hosted=bool(settings.supabase_url),
        ),
        installation_checks.scheduler(settings, last[0] if last else None, here.moments),
        installation_checks.sign_in(settings, _vouched() if connection.sign_ins else True),
    ]


def _vouched() -> bool | None:
    try:
        return connect().vouches_for_addresses()
    except DatabaseUnreachableError:
        return None


def _delivery(settings: Settings) -> list[Check]:
    here = session.current()
    last = here.db.sends.sent(limit=1)
    checks = delivery_checks(
        settings,
        here.db.events.health(),
        last_sent_at=last[0].handed_over_at if last else None,
        halted_because=here.db.app_settings.sending_rules().halted_because,
        moments=here.moments,
    )
    asked: Sequence[SenderDomain] | str | None = st.session_state.get(_ASKED)
    if settings.sends_for_real and asked is not None:
        checks.insert(1, installation_checks.account(asked, settings.mail_from_email))
    return checks


def _ask() -> None:
    settings = connect().settings
    key = settings.sendgrid_api_key.get_secret_value()
    try:
        st.session_state[_ASKED] = sender_domains(key, settings.sendgrid_base_url)
    except AccountError as error:
        st.session_state[_ASKED] = str(error)


def _headline(checks: Sequence[Check]) -> str:
    red = sum(check.tone == "red" for check in checks)
    orange = sum(check.tone == "orange" for check in checks)
    if not red and not orange:
        return "Everything is in order."
    parts = []
    if red:
        parts.append(f"{words.counted(red, 'thing')} {'is' if red == 1 else 'are'} not working")
    if orange:
        verb = "needs" if orange == 1 else "need"
        parts.append(f"{words.counted(orange, 'thing')} {verb} attention")
    return f"{' and '.join(parts)}."


def _section(title: str, checks: Sequence[Check], *, key: str) -> None:
    st.subheader(title, anchor=False)
    with st.container(border=True, key=key):
        for check in checks:
            _line(check)


def _line(check: Check) -> None:
    name, words_for_it = st.columns([2, 5], vertical_alignment="top")
    with name, st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{check.name}**", width="content")
        st.badge(_STANDING[check.tone], color=check.tone)
    with words_for_it:
        # Not Markdown: addresses in it would become links.
        paragraph(check.says, style="says")
        if check.fix:
            paragraph(check.fix.replace("`", ""), style="quiet")
