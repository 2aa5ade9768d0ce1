"""The audit log: who did what, in a hash chain that shows any later change.

The database writes it (migrations/20261121001700_audit.sql); this reads it, checks it, and notes
exports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.database.gateway import Gateway
from crm.records.rows import columns_of, record_from, records_from

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`recorded_at` is the server's own clock, aware UTC. `actor_kind` is person, service (the
    scheduler, the public routes and the scripts), operator (a database login, named) or unknown
    (before the chain). `operation` is INSERT, UPDATE, DELETE, EXPORT, ERASE, LIFT or MERGE;
    `before` and `after` are the row's columns, without secrets."""

    number: int
    recorded_at: datetime
    actor_kind: str
    actor_id: str | None
    actor_name: str
    relation: str
    row_key: str
    operation: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class AuditActor:
    """Somebody who stands in the log, by the latest name. Only persons have an id and a name."""

    actor_kind: str
    actor_id: str | None
    actor_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSearch:
    """All that is given must hold. `since` and `until` (exclusive) are aware UTC."""

    actor: AuditActor | None = None
    relations: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def parameters(self) -> dict[str, object]:
        """For find_audit; None leaves a filter out."""
        return {
            "p_kind": self.actor.actor_kind if self.actor else None,
            "p_actor": self.actor.actor_id if self.actor else None,
            "p_relations": list(self.relations) or None,
            "p_operations": list(self.operations) or None,
            "p_since": self.since,
            "p_until": self.until,
        }


EVERYTHING = AuditSearch()


@dataclass(frozen=True, slots=True)
class ChainState:
    """What a walk over the whole chain found. `head` is the newest entry's hash, empty for an empty
    log. `problem` is empty, missing, changed, added (each at entry `broken_at`), or cut_off: an
    expected head is nowhere in the chain."""

    entries: int
    head: str
    problem: str
    broken_at: int | None

    @property
    def is_whole(self) -> bool:
        return not self.problem


class AuditRecords:
    """Read by admins and the service; others find nothing."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def page(
        self, search: AuditSearch = EVERYTHING, *, before: int | None = None, size: int = 50
    ) -> list[AuditEntry]:
        """The newest first; `before` is the last number of the page before, `size` ≤ 1,000."""
        rows = self._gateway.call(
            "find_audit", **search.parameters(), p_before=before, p_limit=size
        )
        return records_from(AuditEntry, rows)

    def all(self, search: AuditSearch = EVERYTHING) -> Iterator[AuditEntry]:
        """Every entry that is found, the newest first, a page at a time."""
        last: int | None = None
        size = min(_PAGE, self._gateway.most_rows())
        while True:
            page = self.page(search, before=last, size=size)
            yield from page
            if len(page) < size:
                return
            last = page[-1].number

    def actors(self) -> list[AuditActor]:
        rows = self._gateway.select(
            "audit_actors", columns=columns_of(AuditActor), order=["actor_kind", "actor_name"]
        )
        return records_from(AuditActor, rows)

    def lifted_addresses(self) -> dict[str, datetime]:
        """Addresses whose suppression was lifted, and when: the latest thousand."""
        rows = self._gateway.select(
            "audit_log",
            columns=["row_key", "recorded_at"],
            where={"operation": "LIFT"},
            order=["number desc"],
            limit=_PAGE,
        )
        return {row["row_key"]: row["recorded_at"] for row in reversed(rows)}

    def verify(self, *, expected: str = "") -> ChainState:
        """Walk the whole chain. `expected` is a head noted earlier: it must still be in there.

        Raises:
            NotAllowedError: for who is neither an admin nor the service.
        """
        [row] = self._gateway.call("verify_audit", p_expected=expected)
        return record_from(ChainState, row)

    def record_export(
        self, relation: str, row_count: int, description: str, *, now: datetime
    ) -> int:
        """Note that the signed-in colleague takes rows out; before the file is offered. Returns the
        entry's number. `description` says in words for people what was chosen.

        Raises:
            NotAllowedError: for who is no active colleague.
            InvalidValueError: for an unknown relation or an empty description.
        """
        return int(
            self._gateway.call(
                "record_export",
                p_relation=relation,
                p_row_count=row_count,
                p_description=description,
                p_now=now,
            )
        )
