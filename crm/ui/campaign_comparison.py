"""Campaigns against each other, and against themselves at another time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pandas as pd
import streamlit as st

from crm.records.analytics import CampaignFigures, Period
from crm.ui import (
    calm,
    campaign_figures,
    campaign_period,
    campaign_trends,
    charts,
    empty_states,
    live,
    session,
    words,
)
from crm.ui.exports import download_menu
from crm.ui.figure_words import DEFINITIONS

_ALONE, _BEFORE, _YEAR_AGO = "This period alone", "The days before", "The same days last year"
_USUAL = ["Opened", "Clicked", "Replied", "Converted"]
_A_YEAR = timedelta(days=365)
_MONTHS = 6
_COMPARED_HEIGHT = 480  # pixels, of the chart and the table
Series = Sequence[tuple[str, CampaignFigures]]


@st.fragment
@calm.section
def show() -> None:
    live.give_way()
    period = campaign_period.choose()
    names = {one.id: one.name for one in session.current().db.campaigns.overview()}
    if not names:
        return
    left, right = st.columns(2)
    chosen = left.multiselect(
        "Campaigns",
        list(names),
        default=list(names),
        format_func=lambda one: names.get(one, ""),
        key="compared",
    )
    against = right.segmented_control(
        "Against",
        [_ALONE, _BEFORE, _YEAR_AGO],
        default=_ALONE,
        required=True,
        key="against",
    )
    labels = st.pills(
        "Figures",
        list(campaign_figures.BY_LABEL),
        selection_mode="multi",
        default=_USUAL,
        key="compared_figures",
    )
    if not chosen or not labels:
        empty_states.nothing(
            "Nothing is chosen to compare.",
            "Choose a campaign and a figure above.",
            key="none_compared",
        )
        return
    with calm.loading(_COMPARED_HEIGHT):
        _compared(_series(chosen, period, against), labels)
    st.subheader("By month of enrollment", anchor=False)
    with calm.loading():
        _cohorts({one: names[one] for one in chosen})


def _series(chosen: Sequence[str], period: Period, against: str) -> Series:
    series = _named(chosen, period)
    if against == _BEFORE:
        series += _named(chosen, period.before)
    if against == _YEAR_AGO:
        series += _named(chosen, Period(period.since - _A_YEAR, period.until - _A_YEAR))
    if against == _ALONE:
        return [(figures.name, figures) for _, figures in series]
    # Each campaign beside itself.
    return sorted(series, key=lambda one: chosen.index(one[1].campaign_id))


def _named(chosen: Sequence[str], period: Period) -> list[tuple[str, CampaignFigures]]:
    days = campaign_period.in_words(period)
    found = session.current().db.analytics.campaigns(period)
    return [(f"{one.name}, {days}", one) for one in found if one.campaign_id in chosen]


def _compared(series: Series, labels: Sequence[str]) -> None:
    measures = [m for label, m in campaign_figures.BY_LABEL.items() if label in labels]
    with st.container(horizontal=True, horizontal_alignment="right"):
        download_menu(
            "Comparison of campaigns",
            lambda: [
                {"Campaign": name, **campaign_figures.email_cells(one)} for name, one in series
            ],
            key="comparison_export",
            log=False,
        )
    rates = [measure for measure in measures if measure.rate]
    if rates:
        bars = [
            {"Figure": measure.label, "Campaign": name, "Share": measure.share(one) or 0.0}
            for measure in rates
            for name, one in series
        ]
        charts.bars(
            pd.DataFrame(bars),
            x="Figure",
            y="Share",
            series="Campaign",
            unit="share",
            alt_text="Shares of the chosen campaigns side by side",
        )
    rows = [{"Campaign": name, **_cells(measures, one)} for name, one in series]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="comparison",
        height="content",
        alt="The chosen figures of the chosen campaigns",
        column_config={
            name: st.column_config.TextColumn(help=means, alignment="right")
            for name, means in _definitions(measures).items()
        },
    )


def _definitions(measures: Sequence[campaign_figures.Measure]) -> dict[str, str]:
    """Of each column of the table."""
    means = {measure.label: measure.means for measure in measures}
    raw = {m.raw_label: DEFINITIONS[f"{m.name}_raw"] for m in measures if m.raw}
    return means | raw


def _cells(measures: Sequence[campaign_figures.Measure], one: CampaignFigures) -> dict[str, str]:
    """ "412 (41.2 %)" """
    cells = {}
    for measure in measures:
        count = words.number(measure.count(one))
        cells[measure.label] = f"{count} ({measure.in_words(one)})" if measure.rate else count
        if measure.raw:
            cells[measure.raw_label] = words.percent(measure.raw_share(one))
    return cells


def _cohorts(names: dict[str, str]) -> None:
    with st.container(
        horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"
    ):
        column = st.selectbox(
            "Share of those who joined",
            list(campaign_trends.COHORT_COLUMNS),
            index=1,
            key="cohort_figure",
            width=260,
        )
        rows = _cohort_rows(names, column)
        download_menu(
            f"{column} by month of enrollment",
            lambda: rows,
            key="compared_cohorts_export",
            log=False,
        )
    if not rows:
        st.caption("Nobody joined one of these campaigns in the last six months.")
        return
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="compared_cohorts",
        height="content",
        alt=f"{column} by month of enrollment and campaign",
        column_config={
            name: st.column_config.TextColumn(
                help=campaign_trends.COHORT_MEANS[column], alignment="right"
            )
            for name in names.values()
        },
    )


def _cohort_rows(names: dict[str, str], column: str) -> list[dict[str, str]]:
    """One row a month in which anybody joined, one column a campaign."""
    here = session.current()
    rows: dict[str, dict[str, str]] = {}
    for campaign_id, name in names.items():
        for month in here.db.analytics.cohorts(
            campaign_id, months=_MONTHS, now=session.now(), zone=here.moments.zone.key
        ):
            joined = f"{month.month:%B %Y}"
            share = words.percent(campaign_trends.cohort_share(month, column))
            cell = f"{share} of {words.number(month.enrolled)}" if month.enrolled else "–"
            rows.setdefault(joined, {"Joined in": joined})[name] = cell
    return [row for row in rows.values() if any(row[name] != "–" for name in names.values())]
