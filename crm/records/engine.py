"""The engine's side of the database: the statements of one tick. Service role only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from crm.database.gateway import Gateway, Row
from crm.records.rows import records_from


class ClaimedSend(NamedTuple):
    """A due e-mail that is ours until the lease ends, with all that rendering needs.

    A tuple, because a thousand come at a time and a frozen dataclass takes five times as long.
    Its fields stand in the order of claim_due's columns.
    """

    send_id: str
    enrollment_id: str
    contact_id: str
    campaign_id: str
    template_id: str
    step: int
    email: str
    first_name: str
    last_name: str
    company_name: str
    job_title: str
    industry: str
    city: str
    country: str
    time_zone: str | None
    owner_name: str | None
    owner_email: str | None
    owner_phone: str | None
    recent_sends: tuple[datetime, ...] | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponement:
    """Not now. `until` None: due again at once (for what was stopped: nothing more happens)."""

    send_id: str
    until: datetime | None
    reason: str
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of one send; for an accepted one also what comes next (None: it was the last)."""

    send_id: str
    status: str
    message_id: str | None = None
    reason: str | None = None
    retry_at: datetime | None = None
    next_step: int | None = None
    next_send_at: datetime | None = None
    address_refused: bool = False


@dataclass(frozen=True, slots=True)
class Swept:
    """Leases that ran out: released before the hand-over, unconfirmed after it. Of all unconfirmed
    sends: confirmed and resent by evidence; the rest is held."""

    released: int
    unconfirmed: int
    confirmed: int
    resent: int
    held: int


class EngineRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def start_run(
        self, *, trigger: str, host: str, sender: Mapping[str, str], now: datetime
    ) -> int:
        return int(
            self._gateway.call(
                "start_run",
                p_now=now,
                p_trigger=trigger,
                p_host=host,
                p_sender=json.dumps(dict(sender)),
            )
        )

    def finish_run(
        self,
        run: int,
        *,
        counts: Mapping[str, int],
        error: str,
        next_run_at: datetime | None,
        now: datetime,
    ) -> None:
        self._gateway.call(
            "finish_run",
            p_run=run,
            p_now=now,
            p_counts=json.dumps(dict(counts)),
            p_error=error,
            p_next_run_at=next_run_at,
        )

    def take_run_request(self, *, now: datetime) -> bool:
        """Whether somebody asked for a run; the first scheduler to look takes the request."""
        return bool(self._gateway.call("take_run_request", p_now=now))

    def halt_sending(self, reason: str, *, now: datetime) -> None:
        """Stop all sending until an admin resumes it."""
        self._gateway.call("halt_sending", p_reason=reason, p_now=now)

    def sweep(self, run: int, *, now: datetime) -> Swept:
        return records_from(Swept, self._gateway.call("sweep", p_now=now, p_run=run))[0]

    def batch_size(self, wanted: int) -> int:
        """As many as `wanted`, or as one answer may have rows: a claim beyond that would be lost
        on its way, and its contacts would wait until the lease ends."""
        return min(wanted, self._gateway.most_rows())

    def claim_due(
        self, run: int, lease_token: str, *, limit: int, lease_seconds: int, now: datetime
    ) -> list[ClaimedSend]:
        """Up to `limit` due sends of one step. Empty means: nothing more is due."""
        rows: list[Row] = self._gateway.call(
            "claim_due",
            p_now=now,
            p_limit=limit,
            p_lease_seconds=lease_seconds,
            p_run=run,
            p_token=lease_token,
        )
        return [ClaimedSend._make(row.values()) for row in rows]

    def due_by_step(self, *, now: datetime) -> list[Row]:
        """What a run would take up: campaign, step, email (its name) and due (how many)."""
        return list(self._gateway.call("due_by_step", p_now=now))

    def postpone(self, run: int, postponements: Sequence[Postponement], *, now: datetime) -> int:
        return int(
            self._gateway.call(
                "postpone",
                p_now=now,
                p_run=run,
                p_sends=[p.send_id for p in postponements],
                p_untils=[p.until for p in postponements],
                p_reasons=[p.reason for p in postponements],
                p_explanations=[p.explanation for p in postponements],
            )
        )

    def give_back(self, run: int, send_ids: Sequence[str], *, now: datetime) -> int:
        """Claims of this run that the hand-over refused; the reasons are written down."""
        return int(self._gateway.call("give_back", p_now=now, p_run=run, p_sends=list(send_ids)))

    def expire(self, run: int, explanations: Mapping[str, str], *, now: datetime) -> int:
        """Claims (id → why) that came too late to be of use: their enrollments go on without."""
        return int(
            self._gateway.call(
                "expire_steps",
                p_now=now,
                p_run=run,
                p_sends=list(explanations),
                p_explanations=list(explanations.values()),
            )
        )

    def hand_over(
        self,
        lease_token: str,
        *,
        provider: str,
        request_id: str,
        values: Mapping[str, Sequence[str]],
        leave_by: datetime,
        now: datetime,
    ) -> set[str]:
        """The last look before a request leaves: which of these (id → values) may still go.

        `leave_by` (aware UTC): the request leaves before then or not at all; leases last as long.
        """
        return set(
            self._gateway.call(
                "hand_over",
                p_now=now,
                p_leave_by=leave_by,
                p_token=lease_token,
                p_provider=provider,
                p_request=request_id,
                p_sends=list(values),
                p_merge_values=[json.dumps(v, ensure_ascii=False) for v in values.values()],
            )
        )

    def still_wanted(self, lease_token: str, send_ids: Sequence[str], *, now: datetime) -> set[str]:
        """Of sends handed over a while ago: those that may still leave."""
        return set(
            self._gateway.call(
                "still_wanted", p_now=now, p_token=lease_token, p_sends=list(send_ids)
            )
        )

    def settle(
        self, run: int, lease_token: str, settlements: Sequence[Settlement], *, now: datetime
    ) -> int:
        """Write down what became of a request; returns how many sends it settled."""
        columns: dict[str, Any] = {
            "p_sends": [s.send_id for s in settlements],
            "p_statuses": [s.status for s in settlements],
            "p_message_ids": [s.message_id for s in settlements],
            "p_reasons": [s.reason for s in settlements],
            "p_retry_ats": [s.retry_at for s in settlements],
            "p_next_steps": [s.next_step for s in settlements],
            "p_next_send_ats": [s.next_send_at for s in settlements],
            "p_address_refused": [s.address_refused for s in settlements],
        }
        return int(
            self._gateway.call("settle", p_now=now, p_run=run, p_token=lease_token, **columns)
        )
