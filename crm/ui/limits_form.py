"""Limits and breakers, which admins change while the system runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import streamlit as st

from crm.records.app_settings import SendingLimits, WarmUp
from crm.ui import calm, session, words
from crm.ui.feedback import say
from crm.ui.moments import DATE_INPUT
from db_service import DatabaseError

_A_ROW = 3
_LONGEST_WARM_UP = 90
_DAYS_TOLD = 7
_MOST_A_DAY = 10_000_000
_WARM_UP_STARTS_ON = "limit_warm_up_starts_on"


@dataclass(frozen=True, slots=True)
class Field:
    """A number of SendingLimits: its label, what it means, and what is allowed."""

    name: str
    label: str
    help: str
    low: float
    high: float
    optional: bool = False
    fractional: bool = False


CAPS = (
    Field(
        "account_daily_cap",
        "E-mails a day, all campaigns",
        "At most so many e-mails leave on one day (UTC); the rest goes on the next. "
        "Empty: no limit.",
        1,
        _MOST_A_DAY,
        optional=True,
    ),
    Field(
        "contact_daily_cap",
        "E-mails a day to one contact",
        "Over all campaigns, by the contact's own calendar. Empty: no limit.",
        1,
        100,
        optional=True,
    ),
)
BREAKERS = (
    Field(
        "breaker_bounce_percent",
        "Stop at bounces (%)",
        "A campaign stops by itself when so many of its recent e-mails bounced. SendGrid looks "
        "closely at accounts above 5 %.",
        0.1,
        100,
        fractional=True,
    ),
    Field(
        "breaker_complaint_percent",
        "Stop at spam complaints (%)",
        "At least two complaints, and so many of the recent e-mails. Mailbox providers want less "
        "than 0.3 %.",
        0.01,
        100,
        fractional=True,
    ),
    Field(
        "breaker_failure_percent",
        "Stop at refused e-mails (%)",
        "So many of the recent e-mails were refused by SendGrid at once.",
        0.1,
        100,
        fractional=True,
    ),
    Field(
        "breaker_days",
        "Days that count as recent",
        "What counts as recent, in days of sending (UTC).",
        1,
        30,
    ),
    Field(
        "breaker_least_sends",
        "Fewest e-mails for a judgement",
        "Fewer recent e-mails than this never stop a campaign.",
        1,
        100_000,
    ),
)
CARE = (
    Field(
        "unconfirmed_grace_minutes",
        "Wait before sending again (minutes)",
        "How long the event webhook must have been alive, proven by later e-mails, before a silent "
        "e-mail counts as not sent and goes out again.",
        15,
        1440,
    ),
    Field(
        "send_attempts",
        "Attempts until a person decides",
        "An e-mail that stayed unconfirmed so often waits in the campaign manager.",
        1,
        100,
    ),
    Field(
        "soft_bounce_limit",
        "Times turned away that count as bounced",
        "E-mails to one address that were turned away within 30 days.",
        1,
        20,
    ),
)


def show() -> None:
    limits = session.current().db.app_settings.sending_limits()
    with st.form("limits", border=False):
        with st.container(border=True):
            st.subheader("How many e-mails leave", anchor=False)
            values = _fields(CAPS, limits)
            starts_on, daily = _warm_up_fields(limits.warm_up)
            problem = st.empty()
            st.caption(warm_up_words(limits.warm_up))
        with st.container(border=True):
            st.subheader("When a campaign stops by itself", anchor=False)
            st.caption(
                "As soon as one of these is reached; an admin resumes it in the campaign manager."
            )
            values |= _fields(BREAKERS, limits)
        with st.expander("When nobody can be sure whether an e-mail left"):
            values |= _fields(CARE, limits)
        submitted = st.form_submit_button("Save", key="limits_save", type="primary")
    if not submitted:
        return
    try:
        warm_up = warm_up_of(starts_on, daily)
    except ValueError as error:
        problem.markdown(f":red[{error}]")
        return
    _save(SendingLimits(**values, warm_up=warm_up))


def _fields(fields: tuple[Field, ...], limits: SendingLimits) -> dict[str, Any]:
    values: dict[str, Any] = {}
    width = min(_A_ROW, len(fields))
    for start in range(0, len(fields), width):
        # A row of its own each time, so that a phone shows them in this order.
        for column, field in zip(st.columns(width), fields[start : start + width], strict=False):
            values[field.name] = _field(column, field, getattr(limits, field.name))
    return values


def _field(column: Any, field: Field, value: float | None) -> float | None:
    kind = float if field.fractional else int
    # What somebody wrote past this form may lie outside; the form offers the nearest it allows.
    known = None if value is None else kind(min(max(value, field.low), field.high))
    key = f"limit_{field.name}"
    if field.optional:
        # Only a field whose default is empty can be emptied again in the browser.
        st.session_state.setdefault(key, known)
        known = None
    entered = column.number_input(
        field.label,
        min_value=kind(field.low),
        max_value=kind(field.high),
        value=known,
        step=kind(0.1) if field.fractional else 1,
        format="%g" if field.fractional else "%d",
        placeholder="No limit" if field.optional else None,
        help=field.help,
        key=key,
    )
    return None if entered is None else kind(entered)


def _warm_up_fields(warm_up: WarmUp | None) -> tuple[date | None, str]:
    left, right = st.columns([1, 2])
    st.session_state.setdefault(_WARM_UP_STARTS_ON, warm_up.starts_on if warm_up else None)
    starts_on = left.date_input(
        "Warm-up starts on",
        value=None,
        format=DATE_INPUT,
        help="The first day (UTC) of a new sending domain. Empty: no warm-up.",
        key=_WARM_UP_STARTS_ON,
    )
    daily = right.text_input(
        "Warm-up: e-mails on day 1, 2, 3 …",
        value=", ".join(map(str, warm_up.daily)) if warm_up else "",
        placeholder="50, 100, 200, 400",
        max_chars=1000,
        help="Mailbox providers trust a new domain only slowly. After the last day, the daily "
        "limit alone holds.",
        key="limit_warm_up_daily",
    )
    return (starts_on if isinstance(starts_on, date) else None), daily


def warm_up_words(warm_up: WarmUp | None) -> str:
    """What is saved, day by day for a week: "Mon 23 Nov: 50, …, then the daily limit alone"."""
    if warm_up is None:
        return "No warm-up: a new sending domain gains trust faster with one."
    days = [
        f"{day:%a} {day.day} {day:%b}: {words.number(count)}"
        for number, count in enumerate(warm_up.daily[:_DAYS_TOLD])
        if (day := warm_up.starts_on + timedelta(days=number))
    ]
    more = "" if len(warm_up.daily) <= _DAYS_TOLD else " and so on"
    last = warm_up.starts_on + timedelta(days=len(warm_up.daily) - 1)
    told = ", ".join(days)
    return f"At most {told}{more}; after {last.day} {last:%B} the daily limit alone holds."


def warm_up_of(starts_on: date | None, daily: str) -> WarmUp | None:
    """The schedule as it was typed, such as "50, 100, 200".

    Raises:
        ValueError: with words for the person who typed it.
    """
    parts = [part.strip() for part in daily.replace(";", ",").split(",") if part.strip()]
    if starts_on is None and not parts:
        return None
    if starts_on is None:
        raise ValueError("Say on which day the warm-up starts, or leave both fields empty.")
    if not parts:
        raise ValueError("Say how many e-mails may leave on each day, such as 50, 100, 200.")
    if len(parts) > _LONGEST_WARM_UP:
        raise ValueError(f"A warm-up takes at most {_LONGEST_WARM_UP} days.")
    if not all(
        part.isascii() and part.isdigit() and 0 < int(part) <= _MOST_A_DAY for part in parts
    ):
        raise ValueError("Write whole numbers above 0, with commas between them: 50, 100, 200.")
    return WarmUp(starts_on, tuple(int(part) for part in parts))


def _save(limits: SendingLimits) -> None:
    try:
        changed = session.current().db.app_settings.change_limits(limits, now=session.now())
    except DatabaseError as error:
        st.error(calm.words_for(error))
        return
    say(f"{words.counted(changed, 'setting')} saved." if changed else "Nothing has changed.")
    st.rerun()
