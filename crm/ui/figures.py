"""Figures as tiles: what is counted, how much, and how that compares with the time before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import streamlit as st

from crm.ui import figure_words
from crm.ui.words import Tone

# Changes smaller than these read as "no change" and are neither good nor bad: half a per cent of
# what was before, and a twentieth of a percentage point.
_SMALL, _SMALL_POINTS = 0.005, 0.0005


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` and `before` (the period before) are in words, as words.number or words.percent write
    them. `means` is the definition, shown on hovering and on a tap. `trend` is the change against
    the period before as a share (0.12 is 12 % more), None where there is nothing to compare with;
    `in_points` where the value is itself a share, and the trend the difference of the two (0.12 is
    12 percentage points more): 20 % after 30 % would read as "−33 %", which nobody expects.
    `good` says which way is good news, `tone` marks what asks for a look. `beside` is a second
    reading of the same, in words."""

    label: str
    value: str
    means: str = ""
    before: str = ""
    trend: float | None = None
    in_points: bool = False
    good: Literal["up", "down", "none"] = "up"
    tone: Tone | None = None
    beside: str = ""


def tiles(figures: Sequence[Figure]) -> None:
    """As many in a row as fit, two on a phone."""
    st.html(_list(figures))


def groups(several: Sequence[tuple[str, Sequence[Figure]]]) -> None:
    """Tiles under the name of what one asks for, groups beside each other as far as they fit."""
    drawn = (f"<section><p>{escape(name)}</p>{_list(some)}</section>" for name, some in several)
    st.html(f'<div class="figure-groups">{"".join(drawn)}</div>')


def _list(figures: Sequence[Figure]) -> str:
    return f'<dl class="figures">{"".join(map(_tile, figures))}</dl>'


def _tile(figure: Figure) -> str:
    value = f' class="tone-{figure.tone}"' if figure.tone else ""
    return (
        f'<div class="figure"><dt>{_label(figure)}</dt><dd{value}>{escape(figure.value)}</dd>'
        f"{_beside(figure)}{_compared(figure)}{_definition(figure)}</div>"
    )


def _beside(figure: Figure) -> str:
    return (
        f'<dd class="compared"><span>{escape(figure.beside)}</span></dd>' if figure.beside else ""
    )


def _label(figure: Figure) -> str:
    # A tap gives it the focus, since a phone has nothing that hovers.
    explained = ' class="term" tabindex="0"' if figure.means else ""
    return f"<span{explained}>{escape(figure.label)}</span>"


def _definition(figure: Figure) -> str:
    return f'<dd class="means" role="tooltip">{escape(figure.means)}</dd>' if figure.means else ""


def _compared(figure: Figure) -> str:
    parts = []
    if figure.trend is not None:
        told = (
            figure_words.points(figure.trend)
            if figure.in_points
            else figure_words.change(figure.trend)
        )
        parts.append(f'<b class="{_news(figure)}">{escape(told)}</b>')
    if figure.before:
        parts.append(f"<span>was {escape(figure.before)}</span>")
    return f'<dd class="compared">{" ".join(parts)}</dd>' if parts else ""


def _news(figure: Figure) -> str:
    """The tone of a trend: green is good news, red bad, gray neither."""
    small = _SMALL_POINTS if figure.in_points else _SMALL
    if figure.trend is None or figure.good == "none" or abs(figure.trend) < small:
        return "tone-gray"
    return "tone-green" if (figure.trend > 0) == (figure.good == "up") else "tone-red"
