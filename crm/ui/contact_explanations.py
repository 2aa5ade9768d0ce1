"""Why an e-mail went to this contact, when, or why not: one sentence for every step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import streamlit as st

from crm.records.contacts import Contact
from crm.records.explanations import Explanation, Standing
from crm.ui import session
from crm.ui.markup import as_text
from crm.ui.words import Tone

_QUESTION = "Why did (or didn’t) an e-mail go?"
_TONE: Mapping[Standing, Tone] = {
    Standing.SENT: "green",
    Standing.CAME_BACK: "red",
    Standing.WAITING: "blue",
    Standing.HELD: "orange",
    Standing.NOT_SENT: "gray",
}


def of(contact: Contact) -> list[Explanation]:
    """Nothing of a contact that the person looking may not change."""
    here = session.current()
    moments = here.moments
    return here.db.explanations.of_contact(contact.id, now=moments.now, zone=moments.zone)


def show(contact: Contact, explanations: Sequence[Explanation]) -> None:
    """An expander for each campaign the contact is or was in, the newest first."""
    here = session.current()
    for (key, name), steps in groupby(explanations, lambda e: (e.campaign_key, e.campaign_name)):
        with st.expander(f"{_QUESTION} · {as_text(name)}", key=f"why_{key}"):
            _steps(steps)
    outside = here.db.explanations.why_not_enrolled(contact.id, zone=here.moments.zone)
    if outside:
        with st.expander(_QUESTION, key="why_not_enrolled"):
            _line(Standing.NOT_SENT, as_text(outside))
    elif not explanations and not here.is_admin and contact.owner_id != here.person.id:
        st.caption("What was sent to this contact is for its owner and for admins to see.")


def _steps(steps: Iterable[Explanation]) -> None:
    for step in steps:
        place = f"{step.place} of {step.steps}" if step.place else "Taken out"
        _line(
            step.standing,
            f"**{place} · {as_text(step.template_name)}**  \n{as_text(step.sentence)}",
        )


def _line(standing: Standing, words: str) -> None:
    st.markdown(f":{_TONE[standing]}[●] {words}")
