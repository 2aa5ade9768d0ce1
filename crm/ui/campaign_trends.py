"""One campaign over time: day by day, and by the month in which contacts joined."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from crm.records.analytics import CohortFigures, DayFigures, Period
from crm.records.campaigns import Campaign
from crm.ui import calm, campaign_period, charts, empty_states, session, words
from crm.ui.exports import download_menu
from crm.ui.figure_words import DEFINITIONS

_LINES = {
    "Sent": "sent",
    "Delivered": "delivered",
    "Opened": "opened",
    "Clicked": "clicked",
    "Replied": "replied",
    "Converted": "converted",
    "Unsubscribed": "unsubscribed",
}
_USUAL = ["Sent", "Opened", "Clicked"]
_MONTHS = 12
COHORT_COLUMNS = {
    "Got an e-mail": "sent",
    "Opened": "opened",
    "Clicked": "clicked",
    "Replied": "replied",
    "Converted": "converted",
    "Completed": "completed",
    "Unsubscribed": "unsubscribed",
}
COHORT_MEANS = {
    "Enrolled": "Enrollments that began in this month. Somebody who started over counts again.",
    "Got an e-mail": "Of those who joined in the month, how many were sent an e-mail since.",
    "Opened": "Of those who joined in the month, how many opened an e-mail themselves since.",
    "Clicked": "Of those who joined in the month, how many followed a link themselves since.",
    "Replied": "Of those who joined in the month, how many answered since.",
    "Converted": "Of those who joined in the month, how many moved forward on the sales path"
    " within 90 days of an e-mail.",
    "Completed": "Of those who joined in the month, how many got to the end of the sequence.",
    "Unsubscribed": "Of those who joined in the month, how many asked for no more e-mails since.",
}


@st.fragment
@calm.section
def by_day(campaign: Campaign, period: Period) -> None:
    here = session.current()
    days = here.db.analytics.by_day(campaign.id, period, here.moments.zone.key)
    with st.container(
        horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"
    ):
        lines = st.pills(
            "Lines", list(_LINES), selection_mode="multi", default=_USUAL, key="trend_lines"
        )
        download_menu(
            f"{campaign.name} by day {campaign_period.in_words(period)}",
            lambda: [_day_row(day) for day in days],
            key="days_export",
            log=False,
        )
    if not any(day.sent for day in days):
        empty_states.nothing(
            "No e-mail went out in these days.",
            "Choose a longer period, or enroll contacts.",
            key="no_days",
        )
        return
    charts.trend(
        _long(days, lines or _USUAL),
        x="Day",
        y="E-mails",
        series="Figure",
        alt_text=f"{campaign.name} by day",
    )
    st.caption(DEFINITIONS["day"])


def cohorts(campaign: Campaign) -> None:
    here = session.current()
    months = here.db.analytics.cohorts(
        campaign.id, months=_MONTHS, now=session.now(), zone=here.moments.zone.key
    )
    joined = [month for month in months if month.enrolled]
    if not joined:
        empty_states.nothing(
            "Nobody joined this campaign in the last twelve months.",
            "Contacts join when they get its type, or by “Enroll” on the Contacts page.",
            key="no_cohorts",
        )
        return
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.caption(DEFINITIONS["cohort"], width="content")
        download_menu(
            f"{campaign.name} by month of enrollment",
            lambda: [_cohort_export(month) for month in joined],
            key="cohorts_export",
            log=False,
        )
    st.dataframe(
        pd.DataFrame([_cohort_row(month) for month in reversed(joined)]),
        hide_index=True,
        key="cohorts",
        height="content",
        alt="Enrollments by the month in which they began",
        column_config={
            name: st.column_config.TextColumn(help=means, alignment="right")
            for name, means in COHORT_MEANS.items()
        },
    )


def cohort_share(month: CohortFigures, column: str) -> float | None:
    """Of those who joined in the month."""
    return getattr(month, COHORT_COLUMNS[column]) / month.enrolled if month.enrolled else None


def _cohort_row(month: CohortFigures) -> dict[str, str]:
    shares = {name: words.percent(cohort_share(month, name)) for name in COHORT_COLUMNS}
    return {"Joined in": f"{month.month:%B %Y}", "Enrolled": words.number(month.enrolled), **shares}


def _cohort_export(month: CohortFigures) -> dict[str, object]:
    counts = {name: getattr(month, field) for name, field in COHORT_COLUMNS.items()}
    return {"Joined in": f"{month.month:%Y-%m}", "Enrolled": month.enrolled, **counts}


def _day_row(day: DayFigures) -> dict[str, object]:
    return {"Day": day.day, **{label: getattr(day, name) for label, name in _LINES.items()}}


def _long(days: Sequence[DayFigures], lines: Sequence[str]) -> pd.DataFrame:
    """One row a day and line, as the chart wants them; lines in the order of the funnel."""
    return pd.DataFrame(
        [
            {"Day": day.day, "Figure": label, "E-mails": getattr(day, name)}
            for label, name in _LINES.items()
            if label in lines
            for day in days
        ]
    )
