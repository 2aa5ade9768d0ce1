"""Views of the contact list that people saved: its filters under a name, for oneself or for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from crm.database.gateway import Gateway, Row
from crm.records.rows import columns_of, records_from


@dataclass(frozen=True, slots=True)
class SavedView:
    """`filters` are names and values as the list's address line has them."""

    id: str
    owner_id: str
    name: str
    filters: Mapping[str, object]
    is_shared: bool


class SavedViewRecords:
    """One's own views, and those that colleagues share. Raises ConflictError where one has a view
    of that name already."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def all(self) -> list[SavedView]:
        rows = self._gateway.select("saved_views", columns=columns_of(SavedView), order=["name"])
        return records_from(SavedView, rows)

    def save(
        self, name: str, filters: Mapping[str, object], *, is_shared: bool, now: datetime
    ) -> str:
        """A view of one's own; returns its id."""
        row = {
            "name": name,
            "filters": dict(filters),
            "is_shared": is_shared,
            "created_at": now,
            "updated_at": now,
        }
        return str(self._gateway.insert("saved_views", [row], returning=["id"])[0]["id"])

    def rename(self, view_id: str, name: str, *, is_shared: bool, now: datetime) -> bool:
        """False if it is gone, or a colleague's to change."""
        return self._update(view_id, {"name": name, "is_shared": is_shared, "updated_at": now})

    def set_filters(self, view_id: str, filters: Mapping[str, object], *, now: datetime) -> bool:
        """False if it is gone, or a colleague's to change."""
        return self._update(view_id, {"filters": dict(filters), "updated_at": now})

    def delete(self, view_id: str) -> bool:
        """False if it is gone, or a colleague's to delete."""
        return bool(self._gateway.delete("saved_views", where={"id": view_id}, returning=["id"]))

    def _update(self, view_id: str, values: Row) -> bool:
        changed = self._gateway.update(
            "saved_views", values, where={"id": view_id}, returning=["id"]
        )
        return bool(changed)
