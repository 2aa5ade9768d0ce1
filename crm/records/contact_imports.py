"""Storing cleaned rows of a contact file, a chunk at a time: one call, whatever the adapter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from crm.database.gateway import Gateway, Row, among
from crm.records.rows import records_from

OnDuplicate = Literal["update", "skip"]


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """`outcome`: imported, updated, unchanged, skipped, suppressed or archived."""

    row_number: int
    outcome: str
    contact_id: str | None


class ContactImportRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def known_addresses(self, emails: Sequence[str]) -> set[str]:
        """Which of these addresses belong to contacts already, for the preview."""
        known: set[str] = set()
        for start in range(0, len(emails), 100):
            from_here = list(emails[start : start + 100])
            rows = self._gateway.select(
                "contacts", columns=["email"], where={"email": among(from_here)}
            )
            known.update(str(row["email"]) for row in rows)
        return known

    def store(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        source: str,
        on_duplicate: OnDuplicate,
        enroll: bool,
        now: datetime,
    ) -> list[ImportedRow]:
        """Store a chunk (a few thousand rows) in one transaction; every row gets its outcome."""
        answers: list[Row] = self._gateway.call(
            "import_contacts",
            p_rows=json.dumps(list(rows)),
            p_source=source,
            p_on_duplicate=on_duplicate,
            p_enroll=enroll,
            p_now=now,
        )
        return records_from(ImportedRow, answers)

    def suppress(self, emails: Sequence[str], *, now: datetime) -> int:
        """Nobody may write to these addresses any more; returns how many are new to the list."""
        known: set[str] = set()
        wanted = list(dict.fromkeys(emails))
        for start in range(0, len(wanted), 100):
            from_here = wanted[start : start + 100]
            rows = self._gateway.select(
                "suppressions", columns=["email"], where={"email": among(from_here)}
            )
            known.update(str(row["email"]) for row in rows)
        fresh = [
            {"email": email, "reason": "opted_out", "source": "import", "created_at": now}
            for email in wanted
            if email not in known
        ]
        self._gateway.insert("suppressions", fresh)
        return len(fresh)
