"""Storing cleaned rows of a contact file, a chunk at a time: one call, whatever the adapter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from crm.database.gateway import Gateway, Row, among
from crm.records.rows import in_parts, records_from

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
        rows = self._gateway.select("contacts", columns=["email"], where={"email": among(emails)})
        return {str(row["email"]) for row in rows}

    def store(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        source: str,
        on_duplicate: OnDuplicate,
        enroll: bool,
        now: datetime,
    ) -> list[ImportedRow]:
        """Store a chunk (a few thousand rows) in one transaction, or over REST in one for as many
        as an answer has rows; every row gets its outcome."""
        answers: list[Row] = []
        for some in in_parts(rows, self._gateway.most_rows()):
            answers += self._gateway.call(
                "import_contacts",
                p_rows=json.dumps(some),
                p_source=source,
                p_on_duplicate=on_duplicate,
                p_enroll=enroll,
                p_now=now,
            )
        return records_from(ImportedRow, answers)

    def suppress(self, emails: Sequence[str], *, now: datetime) -> int:
        """Nobody may write to these addresses any more; returns how many are new to the list."""
        added = self._gateway.call(
            "add_suppressions",
            p_emails=list(emails),
            p_reasons=["opted_out"] * len(emails),
            p_source="import",
            p_now=now,
        )
        return int(added)
