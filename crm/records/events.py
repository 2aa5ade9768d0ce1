"""What came back: provider events, replies, and what could not be understood."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.database.gateway import Gateway
from crm.records.rows import columns_of, records_from


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingEvent:
    """One provider event, cleaned. `event` is a value of email_events.event; `occurred_at` is the
    provider's own time (aware UTC). Empty strings stand for what the provider did not say."""

    event: str
    occurred_at: datetime
    email: str
    send_id: str = ""
    request_id: str = ""
    message_id: str = ""
    provider_event_id: str = ""
    url: str = ""
    attempt: str = ""
    reason: str = ""
    user_agent: str = ""
    ip: str = ""
    says_machine: bool = False
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a batch: new ones, ones known already, and ones about nobody we wrote to."""

    stored: int
    repeated: int
    foreign: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingReply:
    """An e-mail that came in. `kind` is person, remove_me, out_of_office or automatic;
    `quiet_until` (aware UTC) is when somebody out of office can be written to again."""

    message_id: str
    sender: str
    kind: str
    subject: str
    text: str
    occurred_at: datetime
    quiet_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something that came in and could not be used; `source` is events or inbound."""

    id: int
    source: str
    problem: str
    payload: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a contact's e-mails, as the timeline shows it."""

    id: int
    send_id: str | None
    event: str
    occurred_at: datetime
    url: str
    reason: str
    is_machine: bool
    machine_reason: str
    template_name: str | None


@dataclass(frozen=True, slots=True)
class WebhookHealth:
    """When the provider was last heard of; times aware UTC, None for never."""

    last_event_at: datetime | None
    last_reply_at: datetime | None
    quarantined: int


class EventRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def record(self, events: Sequence[IncomingEvent], *, now: datetime) -> Recorded:
        """Store a batch and let its consequences follow. Repeating it changes nothing."""
        # Not asdict: it copies every payload deeply, forty times as slow.
        rows = [
            {name: getattr(event, name) for name in columns_of(IncomingEvent)}
            | {"occurred_at": event.occurred_at.isoformat()}
            for event in events
        ]
        answer = self._gateway.call("record_events", p_events=json.dumps(rows), p_now=now)
        return records_from(Recorded, answer)[0]

    def record_reply(self, reply: IncomingReply, *, now: datetime) -> str:
        """What came of it: stored, repeated, or unknown_sender (nothing is stored then)."""
        return str(
            self._gateway.call(
                "record_reply",
                p_message_id=reply.message_id,
                p_sender=reply.sender,
                p_kind=reply.kind,
                p_subject=reply.subject,
                p_text=reply.text,
                p_occurred_at=reply.occurred_at,
                p_quiet_until=reply.quiet_until,
                p_now=now,
            )
        )

    def quarantine(
        self, source: str, problems: Sequence[tuple[str, str]], *, now: datetime
    ) -> None:
        """Keep what could not be used, as (problem, payload), for a person to look at."""
        rows = [
            {"source": source, "problem": problem, "payload": payload, "received_at": now}
            for problem, payload in problems
        ]
        self._gateway.insert("quarantined_messages", rows)

    def quarantined(self, *, limit: int) -> list[Quarantined]:
        """The latest first (admins only)."""
        rows = self._gateway.select(
            "quarantined_messages", columns=columns_of(Quarantined), order=["id desc"], limit=limit
        )
        return records_from(Quarantined, rows)

    def rescore(self, *, since: datetime) -> int:
        """Judge again which opens and clicks were machines'; returns how many events changed."""
        return int(self._gateway.call("rescore_events", p_since=since))

    def of_contact(self, contact_id: str, *, limit: int) -> list[Event]:
        """The latest first."""
        rows = self._gateway.select(
            "event_list",
            columns=columns_of(Event),
            where={"contact_id": contact_id},
            order=["occurred_at desc", "id desc"],
            limit=limit,
        )
        return records_from(Event, rows)

    def health(self) -> WebhookHealth:
        rows = self._gateway.call("webhook_health")
        return records_from(WebhookHealth, rows)[0]
