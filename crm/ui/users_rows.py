"""One line of the users page: a person, what they are, and what can be done about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from crm.records.people import Colleague
from crm.ui import session
from crm.ui.markup import as_text, paragraph
from crm.ui.words import Tone

LONGEST_NAME = 200


def row(
    name: str, badges: Sequence[tuple[str, Tone]], about: str, *, key: str, note: str = ""
) -> DeltaGenerator:
    """Draws the person and returns the place of the buttons, which take `key`."""
    who, actions = st.columns(2, vertical_alignment="center")
    with who, st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{as_text(name)}**", width="content")
            for text, tone in badges:
                st.badge(text, color=tone)
            if note:
                st.caption(note, width="content")
        # Not Markdown: addresses in it would become links.
        paragraph(about, style="quiet")
    return actions.container(horizontal=True, horizontal_alignment="right", key=key)


def colleague_of(person_id: str) -> Colleague | None:
    everybody = session.current().db.people.directory()
    return next((colleague for colleague in everybody if colleague.id == person_id), None)


def when(moment: datetime) -> str:
    """Within a sentence: "today, 09:00", "Mon 23 Nov, 09:00"; in the viewer's zone."""
    text = session.current().moments.when(moment)
    return text.replace("Today", "today").replace("Yesterday", "yesterday")
