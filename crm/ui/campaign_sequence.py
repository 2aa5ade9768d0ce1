"""A campaign's e-mails in a row, each with its funnel: the sequence as a picture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from crm.records.analytics import Period, StepFigures
from crm.records.campaigns import Campaign, SequenceStep
from crm.ui import campaign_figures, campaign_period, empty_states, session, words
from crm.ui.campaign_figures import Measure
from crm.ui.exports import download_menu

_FUNNEL = ("Sent", "Delivered", "Opened", "Clicked", "Replied", "Converted", "Unsubscribed")
_CONDITION = re.compile(r"\{%.*?%\}")
_FIELD = re.compile(r"\{\{\s*(\w+)\.(\w+).*?\}\}")


def subject_in_words(subject: str) -> str:
    """As written, with merge fields as a reader names them: "What comes next, [first name]"."""
    return _FIELD.sub(_field_in_words, _CONDITION.sub("", subject)).strip()


def _field_in_words(match: re.Match[str]) -> str:
    owner, field = match.groups()
    name = field.replace("_", " ")
    return f"[{name}]" if owner == "contact" else f"[{owner} {name}]"


def show(campaign: Campaign, period: Period) -> None:
    db = session.current().db
    steps = db.campaigns.sequence(campaign.id)
    found = db.analytics.steps(campaign.id, period)
    if not found:
        empty_states.nothing(
            "This campaign has no e-mails yet.",
            "The command scripts/populate_drip_templates.py publishes the e-mail library.",
            key="no_steps",
        )
        return
    with st.container(horizontal=True, horizontal_alignment="right"):
        download_menu(
            f"{campaign.name} by e-mail {campaign_period.in_words(period)}",
            lambda: [_export_row(one) for one in found],
            key="steps_export",
            log=False,
        )
    written = {step.step: step for step in steps}
    st.html(f'<div class="sequence">{_head()}{_rows(found, written, _days(steps))}</div>')
    st.caption(
        "Opened and clicked are by people; “all” counts mail programs and scanners too. "
        "Each bar is as long as its count beside the most that were sent."
    )


def _days(steps: Sequence[SequenceStep]) -> dict[int, int]:
    """The day of each step, counted from the enrollment."""
    days, so_far = {}, 0
    for step in steps:
        so_far += step.delay_days
        days[step.step] = so_far
    return days


def _head() -> str:
    cells = "".join(
        f'<span title="{escape(campaign_figures.BY_LABEL[label].means)}">{label}</span>'
        for label in _FUNNEL
    )
    return f'<div class="step head"><span></span><span>E-mail</span><div>{cells}</div></div>'


def _rows(
    found: Sequence[StepFigures], written: Mapping[int, SequenceStep], days: Mapping[int, int]
) -> str:
    most = max(one.sent for one in found)
    return "".join(_row(one, written.get(one.step), days.get(one.step), most) for one in found)


def _row(one: StepFigures, step: SequenceStep | None, day: int | None, most: int) -> str:
    place = str(one.position) if one.position else "–"
    when = f"Day {day}" if day is not None else "No longer part of the sequence"
    subject = f"<small>{escape(subject_in_words(step.subject))}</small>" if step else ""
    cells = "".join(_cell(campaign_figures.BY_LABEL[label], one, most) for label in _FUNNEL)
    return (
        f'<div class="step"><b class="place">{place}</b><div class="email">'
        f"<small>{when}</small><strong>{escape(one.name)}</strong>{subject}</div>"
        f"<div>{cells}</div></div>"
    )


def _cell(measure: Measure, one: StepFigures, most: int) -> str:
    """The count, its share, and a bar as long as the count beside the most that any e-mail had."""
    count = measure.count(one)
    width = 100 * count / most if most else 0.0
    shares = [words.percent(measure.share(one))] if measure.rate else []
    if measure.raw:
        shares.append(f"{words.percent(measure.raw_share(one))} {campaign_figures.MACHINES_TOO}")
    share = "".join(f"<small>{escape(text)}</small>" for text in shares if one.sent)
    tone = ' class="down"' if measure.good == "down" else ""
    return (
        f'<span title="{escape(measure.means)}"><i>{measure.label}</i>'
        f"<b>{words.number(count)}</b>"
        f'<u{tone}><s style="width:{width:.1f}%"></s></u>{share}</span>'
    )


def _export_row(one: StepFigures) -> dict[str, object]:
    return {"Place": one.position, "E-mail": one.name, **campaign_figures.email_cells(one)}
