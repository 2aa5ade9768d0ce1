"""Charts in the theme's palette. Columns are named in words: axes and tooltips show them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Literal

import altair as alt
import pandas as pd
import streamlit as st

from crm.ui import words

Unit = Literal["count", "share"]
_HEIGHT = 260
_FORMAT: dict[Unit, str] = {"count": ",.0f", "share": ".1%"}
_AXIS_FORMAT: dict[Unit, str] = {"count": ",.0f", "share": ".0%"}


def trend(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    series: str = "",
    unit: Unit = "count",
    alt_text: str = "",
) -> None:
    """Lines over days. `x` holds dates of the viewer's calendar, `series` names the lines."""
    days = frame.assign(**{x: pd.to_datetime(frame[x])})
    # Days, not moments: in UTC they are the same for every browser.
    when = alt.X(
        x,
        type="temporal",
        title=None,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(format="%-d %b", grid=False, tickCount=6, labelOverlap=True),
    )
    tooltip = [
        alt.Tooltip(x, type="temporal", format="%-d %B %Y", formatType="utc"),
        *([alt.Tooltip(series, type="nominal")] if series else []),
        alt.Tooltip(y, type="quantitative", format=_FORMAT[unit]),
    ]
    chart = alt.Chart(days).mark_line(point=len(days) < 60)
    _draw(chart.encode(when, _amount(y, unit), tooltip=tooltip, **_colour(series)), alt_text)


def bars(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    series: str = "",
    unit: Unit = "count",
    alt_text: str = "",
) -> None:
    """Upright bars in the frame's own order; side by side where `series` names several."""
    categories = list(dict.fromkeys(frame[x]))
    across = alt.X(x, type="nominal", title=None, sort=categories, axis=alt.Axis(labelAngle=0))
    beside = {"xOffset": alt.XOffset(series, sort=None)} if series else {}
    tooltip = [
        alt.Tooltip(x, type="nominal"),
        *([alt.Tooltip(series, type="nominal")] if series else []),
        alt.Tooltip(y, type="quantitative", format=_FORMAT[unit]),
    ]
    chart = alt.Chart(frame).mark_bar(cornerRadiusEnd=3)
    encoded = chart.encode(across, _amount(y, unit), tooltip=tooltip, **_colour(series), **beside)
    _draw(encoded, alt_text)


def funnel(steps: Sequence[tuple[str, int]]) -> None:
    """From the first step's count down, each as a bar with its share of the first."""
    whole = steps[0][1] if steps else 0
    st.html(f'<dl class="funnel">{"".join(_funnel_row(step, whole) for step in steps)}</dl>')


def _funnel_row(step: tuple[str, int], whole: int) -> str:
    label, count = step
    share = count / whole if whole else None
    # More than the whole is possible where a contact counts twice; the bar ends at the edge.
    width = min(share or 0.0, 1.0) * 100
    return (
        f"<dt>{escape(label)}</dt>"
        f'<dd class="bar"><span style="width:{width:.1f}%"></span></dd>'
        f"<dd>{words.number(count)}</dd><dd>{words.percent(share)}</dd>"
    )


def _amount(y: str, unit: Unit) -> alt.Y:
    # Whole numbers only, and no "1k": 1,200 is what the table beside it says.
    smallest = 1 if unit == "count" else 0.01
    axis = alt.Axis(format=_AXIS_FORMAT[unit], tickMinStep=smallest, tickCount=4)
    return alt.Y(y, type="quantitative", title=None, axis=axis, scale=alt.Scale(domainMin=0))


def _colour(series: str) -> dict[str, alt.Color]:
    if not series:
        return {}
    legend = alt.Legend(title=None, orient="top", symbolType="circle")
    return {"color": alt.Color(series, type="nominal", sort=None, legend=legend)}


def _draw(chart: alt.Chart, alt_text: str) -> None:
    st.altair_chart(chart.properties(height=_HEIGHT), alt=alt_text or None)
