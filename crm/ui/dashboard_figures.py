"""How the campaigns do: figures against the period before, contacts by type, the scheduler."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from crm.records.analytics import EmailFigures, Period, TypeFigures
from crm.ui import (
    calm,
    campaign_figures,
    campaign_period,
    figures,
    live,
    places,
    scheduler_status,
    session,
    words,
)
from crm.ui.figure_words import DEFINITIONS

# Pixels, of eight tiles with their line below, and of a table of four types.
_TILES_HEIGHT, _TABLE_HEIGHT = 260, 180
# More than a scheduler makes in a day that runs every quarter of an hour.
_MOST_RUNS = 150
# A field of TypeFigures, its column, and its definition.
_COLUMNS = (
    ("contacts", "Contacts", "contacts"),
    ("enrolled", "Ever enrolled", "enrolled_ever"),
    ("opened", "Opened", "opened_ever"),
    ("clicked", "Clicked", "clicked_ever"),
    ("replied", "Replied", "replied_ever"),
    ("converted", "Moved forward", "converted_ever"),
)


def show() -> None:
    st.space("small")
    _campaigns()
    _by_type()
    st.subheader("Scheduler", anchor=False)
    scheduler_status.show()
    live.section(_runs_today, every=60.0)


def _runs_today() -> None:
    here = session.current()
    today = here.moments.now.astimezone(here.moments.zone).date()
    latest = here.db.scheduler_runs.latest(limit=_MOST_RUNS)
    runs = [r for r in latest if r.started_at.astimezone(here.moments.zone).date() == today]
    if not runs:
        return
    more = "more than " if len(runs) == _MOST_RUNS else ""
    sent = sum(run.counts.get("accepted", 0) for run in runs)
    with st.container(horizontal=True, vertical_alignment="center", key="runs_today"):
        st.caption(
            f"Today: {more}{words.counted(len(runs), 'run')}, "
            f"{more}{words.counted(sent, 'e-mail')} sent",
            width="content",
        )
        st.page_link(places.CAMPAIGN_MANAGER, label="All runs", query_params={"view": "Runs"})


@st.fragment
@calm.section
def _campaigns() -> None:
    with st.container(
        horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"
    ):
        st.subheader("Campaigns", anchor=False, width="content")
        st.page_link(places.CAMPAIGN_MANAGER, label="More figures")
    period = campaign_period.choose()
    with calm.loading(_TILES_HEIGHT):
        _tiles(period)


def _tiles(period: Period) -> None:
    now, before = _together(period), _together(period.before)
    if not now.sent and not before.sent:
        st.caption("Nothing was sent in these days.")
        return
    figures.tiles(campaign_figures.email_tiles(now, before))
    st.caption(
        f"{campaign_period.in_words(period)}, compared with the same number of days before. "
        "Point at a figure's name to read what it counts."
    )


def _together(period: Period) -> EmailFigures:
    return campaign_figures.together(session.current().db.analytics.campaigns(period))


@st.fragment
@calm.section
def _by_type() -> None:
    st.subheader("From first contact to client", anchor=False)
    st.caption("By today's type, over all time.")
    with calm.loading(_TABLE_HEIGHT):
        _types()


def _types() -> None:
    found = [one for one in session.current().db.analytics.funnel_by_type() if one.contacts]
    if not found:
        st.caption("There are no contacts yet.")
        return
    st.dataframe(
        pd.DataFrame([_row(one) for one in found]),
        hide_index=True,
        key="by_type",
        height="content",
        column_config=_columns(),
        alt="Contacts by type, and how far e-mails moved them",
    )


def _row(one: TypeFigures) -> dict[str, object]:
    row: dict[str, object] = {"Type": one.label}
    for name, label, _ in _COLUMNS:
        count = getattr(one, name)
        row[label] = words.number(count)
        if name != "contacts":
            row[f"{label}, share"] = 100 * count / one.contacts
    return row


def _columns() -> dict[str, Any]:
    columns: dict[str, Any] = {"Type": st.column_config.TextColumn(pinned=True, width=100)}
    for name, label, definition in _COLUMNS:
        means = DEFINITIONS[definition]
        columns[label] = st.column_config.TextColumn(
            label, help=means, width=105, alignment="right"
        )
        if name != "contacts":
            columns[f"{label}, share"] = st.column_config.ProgressColumn(
                "Share",
                help=f"{means} As a share of the contacts.",
                format="%.0f %%",
                max_value=100,
                width=75,
            )
    return columns
