"""The addresses nobody may write to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.database.gateway import Filter, Gateway
from crm.records.rows import columns_of, records_from

_PAGE = 1000  # what the REST interface gives at most


@dataclass(frozen=True, slots=True)
class Suppression:
    """`reason` is unsubscribed, hard_bounce, complaint, invalid, opted_out or manual."""

    id: int
    email: str
    reason: str
    source: str
    created_at: datetime


class SuppressionRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def all(self) -> Iterator[Suppression]:
        """Every one, the oldest first, a page at a time."""
        last = 0
        while True:
            rows = self._gateway.select(
                "suppressions",
                columns=columns_of(Suppression),
                where={"id": Filter(">", last)},
                order=["id"],
                limit=_PAGE,
            )
            page = records_from(Suppression, rows)
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1].id

    def add(
        self, emails: Sequence[str], reasons: Sequence[str], *, source: str, now: datetime
    ) -> int:
        """Suppress addresses, each with its reason. A weaker reason gives way to a stronger one;
        nothing is ever lifted. Returns how many were new."""
        return int(
            self._gateway.call(
                "add_suppressions",
                p_emails=list(emails),
                p_reasons=list(reasons),
                p_source=source,
                p_now=now,
            )
        )
