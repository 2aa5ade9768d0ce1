"""Networking events and who came to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from crm.database.gateway import Filter, Gateway, Row
from crm.records.rows import columns_of, in_parts, records_from


@dataclass(frozen=True, slots=True)
class NetworkingEvent:
    """A fair, a breakfast, a meetup; `held_on` is its day where it takes place."""

    id: str
    name: str
    held_on: date
    location: str
    notes: str
    owner_id: str | None
    owner_name: str | None
    created_at: datetime
    attendees: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDraft:
    name: str
    held_on: date
    location: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Attendee:
    """A contact who came, as the event's list and the contact's page show it."""

    event_id: str
    contact_id: str
    event_name: str
    held_on: date
    contact_name: str
    email: str | None
    company_name: str
    contact_type: str
    type_label: str
    email_status: str
    archived_at: datetime | None
    notes: str
    added_by: str | None
    added_by_name: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CapturedRow:
    """What became of a row: new, known, promoted, further_along, archived, suppressed or
    there_before (migrations/…_sales_work.sql says what each means)."""

    row_number: int
    outcome: str
    contact_id: str | None


class NetworkingRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def upcoming(self, *, today: date, limit: int) -> list[NetworkingEvent]:
        """Today's and later ones, the nearest first."""
        return self._events({"held_on": Filter(">=", today)}, ["held_on", "id"], limit)

    def past(self, *, today: date, limit: int) -> list[NetworkingEvent]:
        """The latest first."""
        return self._events({"held_on": Filter("<", today)}, ["held_on desc", "id desc"], limit)

    def get(self, event_id: str) -> NetworkingEvent | None:
        found = self._events({"id": event_id}, [], 1)
        return found[0] if found else None

    def add(self, draft: EventDraft, *, now: datetime) -> str:
        row = asdict(draft) | {"created_at": now, "updated_at": now}
        return str(self._gateway.insert("networking_events", [row], returning=["id"])[0]["id"])

    def change(self, event_id: str, draft: EventDraft, *, now: datetime) -> bool:
        """False where it is gone, or a colleague's."""
        changed = self._gateway.update(
            "networking_events",
            asdict(draft) | {"updated_at": now},
            where={"id": event_id},
            returning=["id"],
        )
        return bool(changed)

    def delete(self, event_id: str) -> bool:
        """The event and its list; the contacts stay. For admins."""
        return bool(
            self._gateway.delete("networking_events", where={"id": event_id}, returning=["id"])
        )

    def attendees(self, event_id: str, *, limit: int, offset: int = 0) -> list[Attendee]:
        """The latest added first."""
        rows = self._gateway.select(
            "attendee_list",
            columns=columns_of(Attendee),
            where={"event_id": event_id},
            order=["created_at desc", "contact_id desc"],
            limit=limit,
            offset=offset,
        )
        return records_from(Attendee, rows)

    def attended_by(self, contact_id: str, *, limit: int = 50) -> list[Attendee]:
        """The events of a contact, the latest first."""
        rows = self._gateway.select(
            "attendee_list",
            columns=columns_of(Attendee),
            where={"contact_id": contact_id},
            order=["held_on desc", "event_id desc"],
            limit=limit,
        )
        return records_from(Attendee, rows)

    def capture(
        self, event_id: str, rows: Sequence[Mapping[str, Any]], *, now: datetime
    ) -> list[CapturedRow]:
        """Adds people to the event, with a contact for each who has none; rows are cleaned
        (crm.imports). Some thousand at most."""
        answers: list[Row] = []
        for some in in_parts(rows, self._gateway.most_rows()):
            answers += self._gateway.call(
                "capture_attendees", p_event=event_id, p_rows=json.dumps(some), p_now=now
            )
        return records_from(CapturedRow, answers)

    def remove(self, event_id: str, contact_id: str) -> bool:
        """From the event's list; the contact stays. For admins."""
        where = {"event_id": event_id, "contact_id": contact_id}
        return bool(
            self._gateway.delete(
                "networking_event_attendees", where=where, returning=["contact_id"]
            )
        )

    def _events(
        self, where: Mapping[str, Any], order: list[str], limit: int
    ) -> list[NetworkingEvent]:
        rows = self._gateway.select(
            "networking_event_list",
            columns=columns_of(NetworkingEvent),
            where=where,
            order=order,
            limit=limit,
        )
        return records_from(NetworkingEvent, rows)
