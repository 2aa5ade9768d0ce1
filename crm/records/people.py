"""Staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crm.database.gateway import Gateway
from crm.records.rows import columns_of, records_from


@dataclass(frozen=True, slots=True)
class Person:
    """A colleague, as others may see them."""

    id: str
    full_name: str
    role: str
    active: bool
    time_zone: str


class PeopleRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def active(self) -> list[Person]:
        rows = self._gateway.select(
            "profiles", columns=columns_of(Person), where={"active": True}, order=["full_name"]
        )
        return records_from(Person, rows)

    def add(self, *, person_id: str, full_name: str, email: str, role: str, now: datetime) -> None:
        """Add a colleague (admins only). The id is the subject of their sign-in."""
        row = {
            "id": person_id,
            "full_name": full_name,
            "email": email,
            "role": role,
            "created_at": now,
            "updated_at": now,
        }
        self._gateway.insert("profiles", [row])

    def get(self, person_id: str) -> Person | None:
        rows = self._gateway.select("profiles", columns=columns_of(Person), where={"id": person_id})
        found = records_from(Person, rows)
        return found[0] if found else None
