"""All campaigns: what asks for attention, how each stands, and their figures side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from crm.records.analytics import CampaignFigures, Period
from crm.ui import (
    calm,
    campaign_cards,
    campaign_figures,
    campaign_links,
    campaign_period,
    figures,
    live,
    send_queue,
    session,
    words,
)
from crm.ui.exports import download_menu
from crm.ui.figure_words import DEFINITIONS

_CLICK = "campaign_clicked"
# Pixels, of eight tiles with their line below, and of a table of four campaigns.
_TILES_HEIGHT, _TABLE_HEIGHT = 260, 180


def show() -> None:
    live.section(_now)
    period = campaign_period.choose()
    st.subheader("All campaigns together", anchor=False)
    with calm.loading(_TILES_HEIGHT):
        found = session.current().db.analytics.campaigns(period)
        _together(found, period)
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.subheader("Side by side", anchor=False, width="content")
        download_menu(
            f"Campaigns {campaign_period.in_words(period)}",
            lambda: campaign_figures.as_rows(found, lambda one: one.name),
            key="campaigns_export",
            log=False,
        )
    with calm.loading(_TABLE_HEIGHT):
        _side_by_side(found, period)


def _now() -> None:
    send_queue.attention()
    campaign_cards.show()


def _together(found: Sequence[CampaignFigures], period: Period) -> None:
    before = session.current().db.analytics.campaigns(period.before)
    figures.tiles(
        campaign_figures.email_tiles(
            campaign_figures.together(found), campaign_figures.together(before)
        )
    )
    st.caption(
        f"{campaign_period.in_words(period)}, compared with the same number of days before. "
        "Point at a figure's name to read what it counts; “all” counts machines too."
    )


def _side_by_side(found: Sequence[CampaignFigures], period: Period) -> None:
    zone = session.current().moments.zone.key
    by_day = session.current().db.analytics.by_day
    trends = {
        one.campaign_id: [day.sent for day in by_day(one.campaign_id, period, zone)]
        for one in found
        if one.sent
    }
    st.dataframe(
        pd.DataFrame([_row(one, trends.get(one.campaign_id, [])) for one in found]),
        hide_index=True,
        key="campaigns_side_by_side",
        height="content",
        alt="The campaigns' figures side by side",
        column_config=_columns(tuple(one.key for one in found)),
    )


def _row(one: CampaignFigures, trend: list[int]) -> dict[str, object]:
    row: dict[str, object] = {"Campaign": one.name, "Enrolled": words.number(one.enrolled)}
    for measure in campaign_figures.MEASURES:
        row[measure.label] = measure.in_words(one)
        if measure.name == "sent":
            row["By day"] = trend
        if measure.raw:
            row[measure.raw_label] = words.percent(measure.raw_share(one))
    return row


def _columns(keys: tuple[str, ...]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "Campaign": st.column_config.ButtonColumn(
            width=120,
            pinned=True,
            alignment="left",
            type="tertiary",
            key=_CLICK,
            help="Opens the campaign",
            on_click=campaign_links.row_clicked,
            args=(keys, _CLICK),
        ),
        "Enrolled": _number("Enrolled", DEFINITIONS["enrolled"]),
        "By day": st.column_config.LineChartColumn("Sent by day", width=95, y_min=0),
    }
    for measure in campaign_figures.MEASURES:
        columns[measure.label] = _number(measure.label, measure.means)
        if measure.raw:
            means = DEFINITIONS[f"{measure.name}_raw"]
            columns[measure.raw_label] = _number(measure.raw_label, means)
    return columns


def _number(label: str, means: str) -> Any:
    width = max(70, 22 + round(7.2 * len(label)))
    return st.column_config.TextColumn(label, help=means, width=width, alignment="right")
