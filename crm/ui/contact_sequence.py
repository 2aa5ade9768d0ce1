"""A campaign as a row of dots: what this contact had, what comes next, what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from crm.records.enrollments import Enrollment
from crm.records.explanations import Explanation, Standing

_DONE = {Standing.SENT: "sent", Standing.CAME_BACK: "back", Standing.NOT_SENT: "left-out"}


def show(enrollment: Enrollment, explanations: Sequence[Explanation]) -> None:
    """`explanations` are those of the enrollment's campaign; without any, as for a colleague's
    contact, only the place in the sequence is known."""
    steps = [e for e in explanations if e.place is not None]
    if steps:
        dots = [(_state(enrollment, step), _words(step)) for step in steps]
    else:
        dots = [_by_place(enrollment, place) for place in range(1, enrollment.step_count + 1)]
    if dots:
        st.html(
            f'<ol class="dots" aria-label="{escape(_summary(dots))}">'
            + "".join(f'<li class="{state}" title="{escape(text)}"></li>' for state, text in dots)
            + "</ol>"
        )


def _state(enrollment: Enrollment, step: Explanation) -> str:
    if step.step == enrollment.next_step and step.standing in {Standing.WAITING, Standing.HELD}:
        return "held" if step.standing is Standing.HELD else "next"
    return _DONE.get(step.standing, "later")


def _words(step: Explanation) -> str:
    return f"{step.place} of {step.steps} · {step.template_name}: {step.sentence}"


def _by_place(enrollment: Enrollment, place: int) -> tuple[str, str]:
    coming = enrollment.next_position or enrollment.step_count + 1
    state = "sent" if place < coming else "next" if place == coming else "later"
    return state, f"{place} of {enrollment.step_count}"


def _summary(dots: Sequence[tuple[str, str]]) -> str:
    """For a screen reader; a person sees the same at a glance."""
    counts = [
        f"{sum(state == wanted for state, _ in dots)} {name}"
        for wanted, name in (("sent", "sent"), ("left-out", "left out"), ("later", "to come"))
        if any(state == wanted for state, _ in dots)
    ]
    return f"{len(dots)} e-mails: {', '.join(counts)}" if counts else f"{len(dots)} e-mails"
