"""The lists of the queue: e-mails by the time they are to leave, and why some leave later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from crm.records.explanation_words import why_it_waits
from crm.records.queue import PutOffEmail, QueuedEmail
from crm.records.sends import Send
from crm.ui import campaign_sequence, contact_links, empty_states, session, words
from crm.ui.exports import MOST_ROWS, download_menu
from crm.ui.markup import as_text

Row = dict[str, object]
_SHOWN = 100
# The fewest rows at which an answer over REST is cut off.
_ONE_ANSWER = 1000
_CONTACT = "Contact"
_OF_A_STEP = {"Campaign": 120, "E-mail": 75, "Subject": 270}


def held_back() -> None:
    """Why e-mails that are due do not leave, where a whole campaign is the reason."""
    for campaign in session.current().db.campaigns.overview():
        if campaign.status == "paused" and campaign.active_count:
            who = words.counted(campaign.active_count, "active contact")
            st.caption(as_text(f"{campaign.name} is paused: its {who} wait until it is resumed."))


def upcoming() -> None:
    emails = session.current().db.queue.upcoming(limit=_SHOWN)
    if not emails:
        empty_states.nothing(
            "Nobody waits for an e-mail.",
            "Enroll contacts on the Contacts page; their next e-mails appear here.",
            key="none_upcoming",
        )
        return
    _table(
        [_upcoming_row(email) for email in emails],
        tuple(email.contact_id for email in emails),
        key="upcoming",
        alt="The next e-mails, the earliest first",
        widths={"When": 125, _CONTACT: 130, **_OF_A_STEP, "Company": 160},
    )
    _more(len(emails), f"The next {_SHOWN} are shown.")


def put_off() -> None:
    """E-mails whose time had come and that a rule or the provider put off."""
    emails = session.current().db.queue.put_off(now=session.now(), limit=_SHOWN)
    if not emails:
        empty_states.nothing(
            "No e-mail was put off.",
            "One that comes due outside sending hours, on a holiday or over a limit stands here "
            "with the reason, and leaves by itself.",
            key="none_put_off",
        )
        return
    _table(
        [_put_off_row(email) for email in emails],
        tuple(email.contact_id for email in emails),
        key="put_off",
        alt="E-mails that were put off, the soonest first",
        widths={"Leaves": 125, _CONTACT: 130, "Why": 420, "Campaign": 120, "E-mail": 260},
    )
    _more(len(emails), f"The soonest {_SHOWN} are shown.")


def _table(
    rows: Sequence[Row],
    contact_ids: tuple[str, ...],
    *,
    key: str,
    alt: str,
    widths: Mapping[str, int],
) -> None:
    """Of each row the columns that `widths` names, in its order; the contact's is a way to it."""
    columns: dict[str, Any] = {
        name: st.column_config.TextColumn(width=width) for name, width in widths.items()
    }
    columns[_CONTACT] = st.column_config.ButtonColumn(
        width=widths[_CONTACT],
        alignment="left",
        type="tertiary",
        key=f"{key}_click",
        on_click=contact_links.row_clicked,
        args=(contact_ids, f"{key}_click"),
    )
    st.dataframe(
        pd.DataFrame([{name: _cell(row[name]) for name in widths} for row in rows]),
        hide_index=True,
        key=key,
        column_config=columns,
        height="content" if len(rows) <= 12 else 480,
        alt=alt,
    )


def _cell(value: object) -> object:
    return session.current().moments.due(value) if isinstance(value, datetime) else value


def _more(shown: int, text: str) -> None:
    place = session.current().moments.zone.key.rpartition("/")[2].replace("_", " ")
    st.caption(f"{text + ' ' if shown == _SHOWN else ''}Times are those of {place}.")


def _upcoming_row(email: QueuedEmail) -> Row:
    paused = " (paused)" if email.campaign_status == "paused" else ""
    return {
        "When": email.next_send_at,
        _CONTACT: email.contact_name or email.email or "Nameless",
        "Address": email.email,
        "Company": email.company_name,
        "Campaign": email.campaign_name + paused,
        "E-mail": f"{email.next_position} of {email.step_count}",
        "Subject": campaign_sequence.subject_in_words(email.next_subject),
    }


def _put_off_row(email: PutOffEmail) -> Row:
    return {
        "Leaves": email.until,
        _CONTACT: email.contact_name or "Nameless",
        "Campaign": email.campaign_name,
        "E-mail": email.email_name or "",
        "Why": _why(email),
        "Put off": email.decided_at,
    }


def _why(email: PutOffEmail) -> str:
    clause = why_it_waits(email.reason, email.explanation)
    return clause[:1].upper() + clause[1:]


def _upcoming_export() -> list[Row]:
    db = session.current().db
    found = db.queue.upcoming(limit=MOST_ROWS + 1)
    if len(found) <= MOST_ROWS:
        _cut(len(found), sum(campaign.active_count for campaign in db.campaigns.overview()))
    return [_upcoming_row(email) for email in found]


def _put_off_export() -> list[Row]:
    queue = session.current().db.queue
    now, most = session.now(), MOST_ROWS + 1
    found = queue.put_off(now=now, limit=most)
    if len(found) <= MOST_ROWS:
        _cut(len(found), queue.counts(now=now, most=most).put_off)
    return [_put_off_row(email) for email in found]


def _cut(given: int, there: int) -> None:
    """Over REST one answer has no more rows than the project's “Max rows”."""
    if given >= _ONE_ANSWER and there > given:
        st.caption(
            f"The first {words.number(given)} of {words.number(there)} rows: the database gives no "
            "more at once over REST. A direct connection gives them all."
        )


def _held_export(status: str) -> list[Row]:
    held = session.current().db.sends.held(status=status, limit=MOST_ROWS + 1)
    return [_held_row(send) for send in held]


def _send_row(send: Send) -> Row:
    return {
        _CONTACT: send.contact_name,
        "Address": send.to_email,
        "Campaign": send.campaign_name,
        "E-mail": send.template_name,
    }


def _held_row(send: Send) -> Row:
    return _send_row(send) | {
        "Left": send.handed_over_at,
        "Waits since": send.held_at,
        "Reason": send.reason,
        "Attempts": send.attempts,
    }


def export_sent() -> None:
    """The latest that left, as a file."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        download_menu("E-mails sent", _sent_export, key="sent_export", relation="email_sends")


def _sent_export() -> list[Row]:
    return [_sent_row(send) for send in session.current().db.sends.sent(limit=MOST_ROWS + 1)]


def _sent_row(send: Send) -> Row:
    return _send_row(send) | {
        "Sent": send.handed_over_at,
        "Status": words.SEND_STATUS[send.status][0],
        "Opened": send.first_opened_at,
        "Clicked": send.first_clicked_at,
    }


ROWS: Mapping[str, Callable[[], list[Row]]] = {
    "due": _upcoming_export,
    "put_off": _put_off_export,
    "unconfirmed": lambda: _held_export("unconfirmed"),
    "failed": lambda: _held_export("failed"),
}
