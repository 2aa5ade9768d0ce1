"""The few pieces of HTML that Streamlit has no element for. Every value is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

import streamlit as st


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline; `exact` shows on hovering over `when`, `more` on opening it.

    `below` are smaller lines under it, each with a style ("faint", "tone-orange" or none); `faint`
    is for what no person did.
    """

    kind: str
    what: str
    when: str
    exact: str
    who: str = ""
    more: str = ""
    faint: bool = False
    below: tuple[tuple[str, str], ...] = ()


_MARKDOWN = frozenset("\\`*_{}[]()#+-.!~|<>$:")


def as_text(text: str) -> str:
    """For a Markdown element: what a person typed stays the characters it is."""
    return "".join(f"\\{c}" if c in _MARKDOWN else c for c in text)


def link(url: str, text: str) -> str:
    """A link that opens beside the app; only web and mail addresses become one."""
    if not url.startswith(("https://", "http://", "mailto:", "tel:")):
        return escape(text)
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{escape(text)}</a>'


def hover(text: str, exact: str) -> str:
    return f'<span title="{escape(exact)}">{escape(text)}</span>'


def paragraph(text: str, *, style: str) -> None:
    """Plain text in one of the styles of style.css."""
    st.html(f'<div class="{style}">{escape(text)}</div>')


def line(*parts: str) -> None:
    """A quiet line, as wide as it is: HTML, escaped by the caller through `hover` or html.escape.
    For what a caption cannot have, which is a time with its exact one on hovering."""
    st.html(f'<div class="quiet">{"".join(parts)}</div>', width="content")


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Names and values (HTML, escaped by the caller through `link`, `hover` or html.escape)."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in pairs if value)
    st.html(f'<dl class="facts">{rows}</dl>')


def timeline(entries: Iterable[Entry]) -> None:
    st.html(f'<ul class="timeline">{"".join(map(_entry, entries))}</ul>')


def _entry(entry: Entry) -> str:
    who = escape(f" · {entry.who}") if entry.who else ""
    more = (
        f"<details><summary>Show the text</summary>{escape(entry.more)}</details>"
        if entry.more
        else ""
    )
    below = "".join(
        f'<span class="below {escape(style)}">{escape(text)}</span>' for text, style in entry.below
    )
    return (
        f'<li class="{"faint" if entry.faint else ""}">'
        f'<span class="kind">{escape(entry.kind)}</span>'
        f'<span class="what">{escape(entry.what)}{below}{more}</span>'
        f'<span class="meta">{hover(entry.when, entry.exact)}{who}</span></li>'
    )


def counts(
    pairs: Iterable[tuple[str, str, bool]], *, means: Mapping[str, str] | None = None
) -> None:
    """A small grid of figures: label, figure, and whether it asks for attention. `means` has what
    hovering over a label tells."""
    told = means or {}
    cells = "".join(
        f'<div class="{"alert" if alert else ""}"{_title(told.get(label, ""))}>'
        f"<b>{escape(figure)}</b><span>{escape(label)}</span></div>"
        for label, figure, alert in pairs
    )
    st.html(f'<div class="counts">{cells}</div>')


def _title(text: str) -> str:
    return f' title="{escape(text)}"' if text else ""


def status(pairs: Iterable[tuple[str, str, str]]) -> None:
    """A row of label, words, and what hovering over the words tells."""
    cells = "".join(
        f'<div><span>{escape(label)}</span><b title="{escape(exact)}">{escape(text)}</b></div>'
        for label, text, exact in pairs
    )
    st.html(f'<div class="status">{cells}</div>')
