"""The queue: how many e-mails wait for what, and those whose time had come and was put off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crm.database.gateway import Gateway
from crm.records.rows import record_from, records_from


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """As far as the reader may see the e-mails; `put_off` is counted up to the bound asked for."""

    due: int
    put_off: int
    unconfirmed: int
    failed: int


@dataclass(frozen=True, slots=True)
class QueuedEmail:
    """The next e-mail of an active enrollment. `next_subject` is as written, merge fields and
    all."""

    contact_id: str
    contact_name: str
    email: str | None
    company_name: str
    campaign_name: str
    campaign_status: str
    next_send_at: datetime
    next_subject: str
    next_position: int
    step_count: int


@dataclass(frozen=True, slots=True)
class PutOffEmail:
    """An e-mail that was due and goes out at `until` instead. `reason` is a drip decision's."""

    enrollment_id: str
    contact_id: str
    contact_name: str
    campaign_name: str
    email_name: str | None
    reason: str
    explanation: str
    decided_at: datetime
    until: datetime


class QueueRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def counts(self, *, now: datetime, most: int) -> QueueCounts:
        [row] = self._gateway.call("queue_counts", p_now=now, p_most=most)
        return record_from(QueueCounts, row)

    def upcoming(self, *, limit: int) -> list[QueuedEmail]:
        """By their date, the earliest first, those that are due by now included. No more than one
        answer has rows (Gateway.most_rows)."""
        rows = self._gateway.call("upcoming_enrollments", p_limit=self._at_once(limit))
        return records_from(QueuedEmail, rows)

    def put_off(self, *, now: datetime, limit: int) -> list[PutOffEmail]:
        """The soonest first. No more than one answer has rows (Gateway.most_rows)."""
        size = self._at_once(limit)
        rows = self._gateway.call("postponed_enrollments", p_now=now, p_limit=size)
        return records_from(PutOffEmail, rows)

    def _at_once(self, limit: int) -> int:
        return min(limit, self._gateway.most_rows())
