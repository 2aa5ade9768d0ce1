"""Contact types: their names, their campaigns and their place on the sales path."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from crm.database.gateway import Gateway
from crm.records.rows import columns_of, records_from

# Forms and imports make contacts of these; the database keeps them.
FOR_FORMS = frozenset({"networking", "lead", "prospect", "client"})


@dataclass(frozen=True, slots=True)
class TypeDetails:
    """`path_rank` is the place on the sales path, the later the higher; None: off the path."""

    key: str
    label: str
    position: int
    campaign_id: str | None
    path_rank: int | None


@dataclass(frozen=True, slots=True)
class TypeCampaign:
    """A campaign that a type may start."""

    id: str
    name: str


class ContactTypeRecords:
    """Everybody reads; only admins change (NotAllowedError, or nothing changes)."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def all(self) -> list[TypeDetails]:
        rows = self._gateway.select(
            "contact_types", columns=columns_of(TypeDetails), order=["position", "key"]
        )
        return records_from(TypeDetails, rows)

    def campaigns(self) -> list[TypeCampaign]:
        """Campaigns that follow a contact's type; others are joined by hand alone."""
        rows = self._gateway.select(
            "drip_campaigns",
            columns=["id", "name", "status"],
            where={"is_type_campaign": True},
            order=["name"],
        )
        return records_from(TypeCampaign, [row for row in rows if row["status"] != "archived"])

    def add(self, label: str, *, campaign_id: str | None, path_rank: int | None) -> str:
        """A new type at the end of the list; returns its key."""
        known = self.all()
        key = key_for(label, {kind.key for kind in known})
        position = max((kind.position for kind in known), default=0) + 1
        row = {"key": key, "label": label, "position": position}
        self._gateway.insert(
            "contact_types", [row | {"campaign_id": campaign_id, "path_rank": path_rank}]
        )
        return key

    def change(
        self, key: str, *, label: str, campaign_id: str | None, path_rank: int | None
    ) -> bool:
        """Contacts keep the campaign they are in; who becomes of this type starts the new one."""
        values = {"label": label, "campaign_id": campaign_id, "path_rank": path_rank}
        changed = self._gateway.update(
            "contact_types", values, where={"key": key}, returning=["key"]
        )
        return bool(changed)

    def count_contacts(self, key: str) -> int:
        """Contacts of this type, archived ones included."""
        return self._gateway.count("contacts", where={"contact_type": key})

    def was_ever_used(self, key: str) -> bool:
        """Some contact's history names it, so it cannot be deleted."""
        return any(
            self._gateway.select("type_changes", columns=["id"], where={side: key}, limit=1)
            for side in ("from_type", "to_type")
        )

    def delete(self, key: str) -> bool:
        """Raises InvalidValueError where contacts have the type or had it, RuleBrokenError for one
        of FOR_FORMS."""
        gone = self._gateway.delete("contact_types", where={"key": key}, returning=["key"])
        return bool(gone)


def key_for(label: str, taken: Iterable[str]) -> str:
    """ "Key account" → "key_account"; letters and underscores, made unique with letters."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    base = re.sub("[^a-z]+", "_", plain).strip("_") or "type"
    known, key = set(taken), base
    while key in known:
        key = f"{key}_b"
    return key
