"""The list of networking events, and the dialogs that add, change and delete one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import streamlit as st

from crm.records.networking import EventDraft, NetworkingEvent
from crm.ui import calm, page_header, session, words
from crm.ui.dialogs import Dialogs, close_dialog, confirmed, open_dialog
from crm.ui.empty_states import nothing
from crm.ui.feedback import say
from crm.ui.markup import as_text, paragraph
from crm.ui.moments import DATE_INPUT

_A_PAGE = 20
_LONGEST_NAME = 200


def show() -> None:
    lead = "Events, and whom you met there. New contacts begin with Networking."
    with page_header.show("Networking", lead):
        st.button(
            "Add event", key="add_event", type="primary", on_click=open_dialog, args=("add_event",)
        )
    here, db = session.current(), session.current().db
    today = here.moments.now.astimezone(here.moments.zone).date()
    limit = st.session_state.get("past_events_limit", _A_PAGE)
    upcoming = db.networking.upcoming(today=today, limit=_A_PAGE)
    past = db.networking.past(today=today, limit=limit + 1)
    if not upcoming and not past:
        nothing(
            "No events yet.",
            "Add the fair, breakfast or meetup you go to; then note down whom you met, one by one, "
            "as a pasted list or from a file.",
            key="add_first_event",
            button="Add event",
            on_click=open_dialog,
            args=("add_event",),
        )
        return
    _section("Today and later", upcoming)
    _section("Past", past[:limit])
    if len(past) > limit:
        st.button("Show more", key="more_events", on_click=_more, args=(limit,))


def _more(limit: int) -> None:
    st.session_state["past_events_limit"] = limit + _A_PAGE


def _section(title: str, events: Sequence[NetworkingEvent]) -> None:
    if not events:
        return
    st.subheader(title, anchor=False)
    for event in events:
        _card(event)


def _card(event: NetworkingEvent) -> None:
    with st.container(
        border=True,
        horizontal=True,
        vertical_alignment="center",
        horizontal_alignment="distribute",
        key=f"event_{event.id}",
    ):
        with st.container(gap=None, width="content"):
            st.button(
                as_text(event.name),
                key=f"open_event_{event.id}",
                type="tertiary",
                on_click=open_event,
                args=(event.id,),
            )
            paragraph(place_and_day(event), style="quiet")
        st.markdown(words.counted(event.attendees, "attendee"), width="content")


def place_and_day(event: NetworkingEvent) -> str:
    """ "Saturday 21 November 2026 · Columbus · Ana Ruiz"."""
    day = f"{words.DAY_NAMES[event.held_on.weekday()]} {in_full(event.held_on)}"
    return " · ".join(part for part in (day, event.location, event.owner_name or "") if part)


def in_full(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def open_event(event_id: str) -> None:
    """A button's on_click: the event's own page."""
    st.query_params["event"] = event_id


def may_change(event: NetworkingEvent) -> bool:
    here = session.current()
    return here.is_admin or event.owner_id == here.person.id


@st.dialog("Add event", on_dismiss=close_dialog)
@calm.section
def add_event() -> None:
    draft = _form(None, "Add event")
    if draft is None:
        return
    event_id = session.current().db.networking.add(draft, now=session.now())
    say(f"“{draft.name}” was added. Now note down whom you met.")
    open_event(event_id)
    close_dialog()
    st.rerun()


@st.dialog("Edit event", on_dismiss=close_dialog)
@calm.section
def edit_event(event_id: str) -> None:
    event = session.current().db.networking.get(event_id)
    if event is None:
        st.info("This event is not there any more.")
        return
    draft = _form(event, "Save")
    if draft is None:
        return
    if session.current().db.networking.change(event_id, draft, now=session.now()):
        say("Saved.")
    else:
        say("Nothing was saved: this event belongs to a colleague.")
    close_dialog()
    st.rerun()


def _form(event: NetworkingEvent | None, label: str) -> EventDraft | None:
    """What was submitted and is in order."""
    here = session.current()
    today = here.moments.now.astimezone(here.moments.zone).date()
    with st.form("event", border=False):
        name = st.text_input(
            "Name",
            value=event.name if event else "",
            placeholder="Builders' breakfast",
            max_chars=_LONGEST_NAME,
            key="event_name",
        )
        problem = st.empty()
        left, right = st.columns(2)
        held_on = left.date_input(
            "Day",
            value=event.held_on if event else today,
            min_value=date(2000, 1, 1),
            max_value=date(2100, 12, 31),
            format=DATE_INPUT,
            key="event_day",
        )
        location = right.text_input(
            "Place",
            value=event.location if event else "",
            max_chars=_LONGEST_NAME,
            key="event_place",
        )
        notes = st.text_area(
            "Notes", value=event.notes if event else "", max_chars=10_000, key="event_notes"
        )
        submitted = st.form_submit_button(label, key="event_save", type="primary")
    if not submitted:
        return None
    if not (name or "").strip():
        problem.markdown(":red[Give the event a name.]")
        return None
    assert isinstance(held_on, date)
    return EventDraft(
        name=name.strip(),
        held_on=held_on,
        location=(location or "").strip(),
        notes=(notes or "").strip(),
    )


@st.dialog("Delete event", on_dismiss=close_dialog)
@calm.section
def delete_event(event_id: str, event_name: str, attendees: int) -> None:
    question = (
        f"**{as_text(event_name)}** and its list of {words.counted(attendees, 'attendee')} are "
        "deleted. The contacts stay, with their campaigns and timelines."
    )
    if confirmed(question, "Delete the event", key="delete_event"):
        session.current().db.networking.delete(event_id)
        say(f"“{event_name}” was deleted; its contacts stay.")
        st.query_params.pop("event", None)
        close_dialog()
        st.rerun()


DIALOGS: Dialogs = {
    "add_event": add_event,
    "edit_event": edit_event,
    "delete_event": delete_event,
}
