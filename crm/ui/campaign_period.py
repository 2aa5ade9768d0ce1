"""Which days the figures are about. The choice lives in the URL."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from crm.records.analytics import Period
from crm.ui import session, words
from crm.ui.moments import DATE_INPUT, Moments

_DAYS = {"Last 7 days": 7, "Last 30 days": 30, "Last 90 days": 90}
_YEAR, _CUSTOM = "This year", "Other days"
_USUAL = "Last 30 days"
_ONE_DAY = timedelta(days=1)


def choose() -> Period:
    """Draws the choice, and takes in what the figures lack. Days are those of the viewer's zone,
    today as far as it has come."""
    moments = session.current().moments
    waiting = session.current().db.analytics.catch_up()
    if waiting:
        st.caption(
            f"{words.counted(waiting, 'recent change')} will show in the figures within minutes."
        )
    with st.container(horizontal=True, vertical_alignment="bottom", key="period_row"):
        chosen = st.segmented_control(
            "Figures of",
            [*_DAYS, _YEAR, _CUSTOM],
            default=_USUAL,
            required=True,
            key="period",
            bind="query-params",
            wrap=True,
        )
        if chosen == _CUSTOM:
            return _custom(moments)
    return _since_day(_first_day(chosen or _USUAL, moments), moments)


def in_words(period: Period) -> str:
    """ "23 Oct – 21 Nov 2026" in the viewer's zone."""
    zone = session.current().moments.zone
    first = period.since.astimezone(zone).date()
    last = (period.until - timedelta(microseconds=1)).astimezone(zone).date()
    if first == last:
        return f"{last.day} {last:%b %Y}"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day} {first:%b}{year} – {last.day} {last:%b %Y}"


def _custom(moments: Moments) -> Period:
    today = moments.now.astimezone(moments.zone).date()
    chosen = st.date_input(
        "From – until",
        value=(today - 29 * _ONE_DAY, today),
        max_value=today,
        format=DATE_INPUT,
        key="days",
        bind="query-params",
        width=240,
    )
    days = chosen if isinstance(chosen, tuple) else (chosen,)
    # With the first day clicked and the second not yet, the period is that one day.
    first, last = (days[0], days[-1]) if days else (today, today)
    since = _midnight(first, moments)
    return Period(since, min(_midnight(last + _ONE_DAY, moments), moments.now))


def _first_day(chosen: str, moments: Moments) -> date:
    today = moments.now.astimezone(moments.zone).date()
    if chosen == _YEAR:
        return today.replace(month=1, day=1)
    return today - (_DAYS[chosen] - 1) * _ONE_DAY


def _since_day(first: date, moments: Moments) -> Period:
    return Period(_midnight(first, moments), moments.now)


def _midnight(day: date, moments: Moments) -> datetime:
    return datetime.combine(day, time(0), moments.zone).astimezone(UTC)
