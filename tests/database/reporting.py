"""What the provider reports, told as the webhook tells it, and requests it did report on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from crm.records.events import IncomingEvent, Recorded
from db_service import DbService
from tests.cast import NOW
from tests.conftest import Raw
from tests.database.sending import one

MINUTE = timedelta(minutes=1)
GRACE = timedelta(hours=1)


def event_about(
    send: dict[str, Any], kind: str, *, at: datetime = NOW, **said: Any
) -> IncomingEvent:
    """An event of a row of email_sends, with the id of the request it travelled in."""
    fields: dict[str, Any] = {
        "event": kind,
        "occurred_at": at,
        "email": send["to_email"],
        "send_id": str(send["id"]),
        "request_id": str(send["request_id"] or ""),
        "message_id": "message-1",
        "payload": {"event": kind},
    }
    return IncomingEvent(**fields | said)


def told(
    service: DbService,
    send: dict[str, Any],
    kind: str,
    *,
    at: datetime = NOW,
    heard_at: datetime | None = None,
    **said: Any,
) -> Recorded:
    """One event that happened `at` and arrives at `heard_at`."""
    event = event_about(send, kind, at=at, **said)
    return service.events.record([event], now=heard_at or at)


def the_send(raw: Raw, contact: str | None = None) -> dict[str, Any]:
    """The only send, or the only one of a contact."""
    if contact is None:
        return one(raw, "select * from email_sends")
    return one(raw, "select * from email_sends where contact_id = %s", contact)


def a_request(
    raw: Raw, minute: float, *, accepted: int = 2, heard: int | None = None, after: float | None = 1
) -> None:
    """A request of that minute after NOW; its first event came `after` minutes, or never."""
    left = NOW + minute * MINUTE
    first = None if after is None else left + after * MINUTE
    heard_of = (accepted if heard is None else heard) if first else 0
    raw.execute(
        "insert into send_requests (id, scheduler_run_id, handed_over_at, accepted_count,"
        " heard_of_count, first_event_at) values (%s, 1, %s, %s, %s, %s)",
        (uuid4(), left, accepted, heard_of, first),
    )


def an_hour_of_reports(raw: Raw, minutes: Sequence[float] = (5, 35, 65, 70)) -> None:
    """A control group: later requests the provider reported on all through the grace."""
    for minute in minutes:
        a_request(raw, minute)
