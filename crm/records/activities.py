"""A contact's timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crm.database.gateway import Gateway
from crm.records.rows import columns_of, records_from


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that happened with a contact, in words for people."""

    id: int
    contact_id: str
    occurred_at: datetime
    kind: str
    summary: str
    actor_id: str | None
    send_id: str | None


class ActivityRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def timeline(self, contact_id: str, *, limit: int = 100) -> list[Activity]:
        """The latest first."""
        rows = self._gateway.select(
            "activities",
            columns=columns_of(Activity),
            where={"contact_id": contact_id},
            order=["occurred_at desc", "id desc"],
            limit=limit,
        )
        return records_from(Activity, rows)

    def add_note(self, contact_id: str, text: str, *, actor_id: str, now: datetime) -> None:
        row = {
            "contact_id": contact_id,
            "occurred_at": now,
            "kind": "note",
            "summary": text,
            "actor_id": actor_id,
        }
        self._gateway.insert("activities", [row])
