"""A scheduler in slow motion: each statement of a tick as a step a test can stop at."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from crm.records.engine import ClaimedSend, Settlement
from db_service import DbService
from tests.cast import NOW
from tests.conftest import Raw


class SlowScheduler:
    """Acts under its own run and lease token, as one scheduler process would."""

    def __init__(self, service: DbService, *, lease_seconds: int = 300) -> None:
        self.engine = service.engine
        self.token = str(uuid.uuid4())
        self.lease_seconds = lease_seconds
        self.run = self.engine.start_run(
            trigger="command", host="test", sender={"name": "MPT"}, now=NOW
        )

    def claim(self, now: datetime = NOW, limit: int = 1000) -> list[ClaimedSend]:
        return self.engine.claim_due(
            self.run, self.token, limit=limit, lease_seconds=self.lease_seconds, now=now
        )

    def hand_over(self, sends: Sequence[str], now: datetime = NOW) -> set[str]:
        return self.engine.hand_over(
            self.token,
            provider="outbox",
            request_id=str(uuid.uuid4()),
            values={send: ["value"] for send in sends},
            leave_by=now,
            now=now,
        )

    def settle(self, settlements: Sequence[Settlement], now: datetime = NOW) -> int:
        return self.engine.settle(self.run, self.token, settlements, now=now)

    def send_all(
        self, now: datetime = NOW, *, next_step: int | None = None, days: int = 7
    ) -> list[ClaimedSend]:
        """Claim, hand over and settle as accepted; the enrollments go on to `next_step`."""
        claimed = self.claim(now)
        ids = [c.send_id for c in claimed]
        assert self.hand_over(ids, now) == set(ids)
        due = now + timedelta(days=days) if next_step else None
        self.settle([accepted(i, next_step=next_step, next_send_at=due) for i in ids], now)
        return claimed


def accepted(
    send_id: str, *, next_step: int | None = None, next_send_at: datetime | None = None
) -> Settlement:
    return Settlement(
        send_id=send_id,
        status="accepted",
        message_id="message-1",
        next_step=next_step,
        next_send_at=next_send_at,
    )


def one(raw: Raw, query: str, *parameters: Any) -> dict[str, Any]:
    """The single row a query must give."""
    rows = raw.execute(query, parameters).fetchall()
    assert len(rows) == 1, f"{len(rows)} rows instead of one"
    return rows[0]


def values(raw: Raw, query: str, *parameters: Any) -> list[Any]:
    """The first column of every row."""
    return [next(iter(row.values())) for row in raw.execute(query, parameters).fetchall()]


def live(raw: Raw, contact: str) -> list[tuple[str, str]]:
    """(campaign key, status) of a contact's active and paused enrollments."""
    rows = raw.execute(
        """
        select d.key, e.status from campaign_enrollments e
        join drip_campaigns d on d.id = e.campaign_id
        where e.contact_id = %s and e.status in ('active', 'paused') order by d.key""",
        (contact,),
    ).fetchall()
    return [(row["key"], row["status"]) for row in rows]


def last_reason(raw: Raw, contact: str) -> str:
    """Why the newest ended or paused enrollment of a contact is what it is."""
    return str(
        values(
            raw,
            "select reason from campaign_enrollments where contact_id = %s"
            " order by enrolled_at, id",
            contact,
        )[-1]
    )


def refused(raw: Raw, code: str, query: str, *parameters: Any) -> None:
    """The database itself must refuse this, with that SQLSTATE."""
    with pytest.raises(psycopg.DatabaseError) as refusal:
        raw.execute(query, parameters)
    assert refusal.value.sqlstate == code, refusal.value
