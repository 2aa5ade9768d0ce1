"""What the scheduler did, and asking it to run at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from crm.database.gateway import Filter, Gateway
from crm.records.rows import columns_of, records_from


@dataclass(frozen=True, slots=True)
class SchedulerRun:
    """One tick. `counts` has claimed, accepted, failed, retry, unconfirmed, postponed, requests,
    and what the sweep found: released, confirmed, resent, held."""

    id: int
    started_at: datetime
    finished_at: datetime | None
    trigger: str
    status: str
    counts: Mapping[str, int]
    error: str
    next_run_at: datetime | None


class SchedulerRunRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def latest(self, *, before: int | None = None, limit: int = 20) -> list[SchedulerRun]:
        """The newest first; `before` is the last id of the page before."""
        rows = self._gateway.select(
            "scheduler_runs",
            columns=columns_of(SchedulerRun),
            where={"id": Filter("<", before)} if before else None,
            order=["id desc"],
            limit=limit,
        )
        return records_from(SchedulerRun, rows)

    def request(self, *, now: datetime) -> None:
        """Ask the scheduler to run now; it looks every few seconds (admins only)."""
        self._gateway.call("request_run", p_now=now)
