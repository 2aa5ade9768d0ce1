"""One networking event: what it was, who came, and noting down more."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

from crm.records.networking import Attendee, NetworkingEvent
from crm.ui import (
    calm,
    contact_links,
    exports,
    linked_names,
    networking_capture,
    page_header,
    session,
    words,
)
from crm.ui.dialogs import Dialogs, close_dialog, confirmed, open_dialog
from crm.ui.empty_states import nothing
from crm.ui.feedback import say
from crm.ui.markup import as_text, paragraph
from crm.ui.networking_events import may_change, place_and_day

PAGE_SIZE = 50
_CLICK = "attendee_click"


def show(event_id: str) -> None:
    st.button("← Networking", key="back_to_events", type="tertiary", on_click=_back)
    event = _find(event_id)
    if event is None:
        st.info("This event is not there any more.")
        return
    _heading(event)
    networking_capture.show(event.id)
    _attendees(event)


def _back() -> None:
    st.query_params.pop("event", None)


def _find(event_id: str) -> NetworkingEvent | None:
    # The id comes out of the address line: anything may stand there.
    try:
        return session.current().db.networking.get(str(UUID(event_id)))
    except ValueError:
        return None


def _heading(event: NetworkingEvent) -> None:
    with page_header.show(event.name, place_and_day(event)):
        if may_change(event):
            st.button(
                "Edit",
                key="edit_event",
                on_click=open_dialog,
                args=("edit_event",),
                kwargs={"event_id": event.id},
            )
        if session.current().is_admin:
            st.button(
                "Delete",
                key="delete_event",
                on_click=open_dialog,
                args=("delete_event",),
                kwargs={
                    "event_id": event.id,
                    "event_name": event.name,
                    "attendees": event.attendees,
                },
            )
    if event.notes:
        paragraph(event.notes, style="says")


def _attendees(event: NetworkingEvent) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="attendees_heading"):
        st.subheader(words.counted(event.attendees, "attendee"), anchor=False)
        if event.attendees:
            exports.download_menu(
                f"Attendees of {event.name}", lambda: _export(event.id), key="attendees_export"
            )
    if not event.attendees:
        nothing(
            "Nobody is noted down yet.",
            "Add the first person above. A name is enough; with an address Networking starts.",
            key="attendees",
        )
        return
    pages = -(-event.attendees // PAGE_SIZE)
    page = st.pagination(pages, key=f"attendee_page_{event.id}") if pages > 1 else 1
    found = session.current().db.networking.attendees(
        event.id, limit=PAGE_SIZE, offset=(int(page or 1) - 1) * PAGE_SIZE
    )
    _table(found)


def _table(attendees: Sequence[Attendee]) -> None:
    is_admin = session.current().is_admin
    event = st.dataframe(
        linked_names.table([_row(attendee) for attendee in attendees]),
        hide_index=True,
        key="attendees",
        height="content",
        on_select="rerun" if is_admin else "ignore",
        selection_mode="single-row",
        column_config={
            "Name": linked_names.column(
                _CLICK,
                contact_links.row_clicked,
                tuple(a.contact_id for a in attendees),
                _CLICK,
            )
        },
        alt="Attendees, the latest added first",
    )
    rows = event["selection"]["rows"] if isinstance(event, dict) else []
    if rows and rows[0] < len(attendees):
        chosen = attendees[rows[0]]
        st.button(
            f"Take {as_text(_name(chosen))} off the list",
            key="remove_attendee",
            on_click=open_dialog,
            args=("remove_attendee",),
            kwargs={"attendee": chosen},
        )


def _name(attendee: Attendee) -> str:
    return attendee.contact_name or attendee.email or "Nameless"


def _row(attendee: Attendee) -> dict[str, str]:
    return {
        "Name": _name(attendee),
        "Company": attendee.company_name,
        "E-mail": attendee.email or "",
        "Type": attendee.type_label,
        "E-mail status": words.email_standing(attendee.email_status, attendee.email)[0],
        "Added by": attendee.added_by_name or "",
    }


def _export(event_id: str) -> list[dict[str, object]]:
    records = session.current().db.networking
    rows: list[dict[str, object]] = []
    while found := records.attendees(event_id, limit=1000, offset=len(rows)):
        rows += [{**_row(a), "Added": a.created_at, "Notes": a.notes} for a in found]
        if len(found) < 1000 or len(rows) > exports.MOST_ROWS:
            break
    return rows


@st.dialog("Take off the list", on_dismiss=close_dialog)
@calm.section
def remove_attendee(attendee: Attendee) -> None:
    question = (
        f"**{as_text(_name(attendee))}** is no longer listed at {as_text(attendee.event_name)}. "
        "The contact stays, with campaign and timeline."
    )
    if confirmed(question, "Take off", key="remove"):
        session.current().db.networking.remove(attendee.event_id, attendee.contact_id)
        say(f"{_name(attendee)} was taken off the list.")
        close_dialog()
        st.rerun()


DIALOGS: Dialogs = {"remove_attendee": remove_attendee}
