"""What the people of the demo data do with their e-mails: open, click, reply, bounce, leave.

The same on every run: chance is drawn from the address and the step.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zlib import crc32

from crm.records.events import IncomingEvent, IncomingReply
from crm.records.sends import Send
from db_service import DbService

_MOST_A_DAY = 1000
_BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"
_LINK = "https://mpt.example/process-walk"
_REPLIES = (
    "Thanks, this is useful. Could we talk next week?",
    "Good timing. Please send me two dates for a call.",
    "Not now, but ask me again in the new year.",
)


def react(service: DbService, *, since: datetime, until: datetime) -> list[str]:
    """Report back on what left from `since` (aware UTC), as far as it happened by `until`. Returns
    the contacts who replied."""
    sent = [
        send
        for send in service.sends.sent(limit=_MOST_A_DAY)
        if send.handed_over_at and send.handed_over_at >= since
    ]
    events = [event for send in sent for event in _events(send) if event.occurred_at <= until]
    if events:
        service.events.record(events, now=until)
    replies = [(send, reply) for send in sent if (reply := _reply(send))]
    told = [(send, reply) for send, reply in replies if reply.occurred_at <= until]
    for _, reply in told:
        service.events.record_reply(reply, now=until)
    return [send.contact_id for send, _ in told]


def _events(send: Send) -> Iterator[IncomingEvent]:
    chance = _chance(send, "fate")
    if chance < 0.012:
        yield _event(send, "bounce", seconds=40, reason="550 5.1.1 mailbox unavailable")
        return
    yield _event(send, "delivered", seconds=5)
    if _chance(send, "scanner") < 0.2:
        yield _event(send, "open", seconds=7, says_machine=True)
    if chance > 0.55:
        minutes = 20 + int(_chance(send, "when") * 900)
        yield _event(send, "open", seconds=minutes * 60)
        if chance > 0.84:
            yield _event(send, "click", seconds=minutes * 60 + 95, url=_LINK)
    if 0.012 < chance < 0.022:
        yield _event(send, "unsubscribe", seconds=3 * 3600)


def _event(send: Send, event: str, *, seconds: int, **told: str | bool) -> IncomingEvent:
    assert send.handed_over_at is not None
    return IncomingEvent(
        event=event,
        occurred_at=send.handed_over_at + timedelta(seconds=seconds),
        email=send.to_email,
        send_id=send.id,
        provider_event_id=f"demo-{send.id}-{event}-{seconds}",
        user_agent=_BROWSER,
        payload={},
        **told,  # type: ignore[arg-type]
    )


def _reply(send: Send) -> IncomingReply | None:
    chance = _chance(send, "fate")
    if chance < 0.955:
        return None
    assert send.handed_over_at is not None
    return IncomingReply(
        message_id=f"<demo-{send.id}@demo.example>",
        sender=send.to_email,
        kind="person",
        subject=f"Re: {send.template_name}",
        text=_REPLIES[int(chance * 1000) % len(_REPLIES)],
        occurred_at=send.handed_over_at + timedelta(hours=17),
    )


def _chance(send: Send, of: str) -> float:
    """Between 0 and 1."""
    return crc32(f"{of} {send.to_email} {send.step}".encode()) / 2**32
