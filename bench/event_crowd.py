"""Accepted e-mails by the hundred thousand, and what a provider tells about them.

Every event is a function of its number alone, so that millions of them, in any order, cost no
memory: EVENTS_A_SEND to a send, from "processed" to a click, a complaint or a bounce.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg

from bench.measuring import NOW
from bench.population import add_contacts, enroll_everybody, prepare
from tests.standins.sendgrid_events import Event, event

EVENTS_A_SEND = 5
REQUEST_SIZE = 1_000
SENT_AT = NOW - timedelta(days=1)
_SENT_AT = int(SENT_AT.timestamp())

# Seconds after the e-mail left, for each of a send's events: none of two events at one moment.
_FIRST_SECOND = (1, 10, 400, 40_000, 70_000)
_SPREAD = (5, 300, 30_000, 25_000, 10_000)
# Of a thousand: what follows the hand-over, and what each of the three later events is.
_OUTCOMES = ((955, "delivered"), (970, "deferred"), (985, "bounce"), (995, "blocked"))
_LATER = (
    (700, "open"),
    (965, "click"),
    (985, "deferred"),
    (994, "delivered"),
    (996, "unsubscribe"),
    (997, "group_unsubscribe"),
    (998, "group_resubscribe"),
)
_AGENTS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)",
    "Mozilla/5.0 (compatible; BarracudaCentral)",
)


def populate_sends(address: str, count: int) -> None:
    """`count` contacts, each enrolled and sent its first e-mail, a thousand to a request."""
    prepare(address)
    add_contacts(address, count)
    enroll_everybody(address)
    with psycopg.connect(address, autocommit=True) as connection:
        with connection.transaction():
            # Past the triggers: this is about what comes back, not about sending.
            connection.execute("set local session_replication_role = replica")
            connection.execute(_SENDS, {"sent_at": SENT_AT, "size": REQUEST_SIZE})
            connection.execute(_REQUESTS)
            connection.execute(_COUNTS)
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")


_SENDS = """
    insert into email_sends
      (id, enrollment_id, contact_id, campaign_id, step, run, template_id, to_email, status,
       provider, provider_message_id, claimed_at, handed_over_at, settled_at, request_id)
    select ('5e4d0000-0000-4000-8000-' || lpad(to_hex(c.n), 12, '0'))::uuid,
           e.id, e.contact_id, e.campaign_id, t.step, e.run, t.id, c.email, 'accepted',
           'sendgrid', 'm' || c.n / %(size)s, %(sent_at)s, %(sent_at)s, %(sent_at)s,
           ('4e900000-0000-4000-8000-' || lpad(to_hex(c.n / %(size)s), 12, '0'))::uuid
    from (select id, email, substring(email from 'person([0-9]+)@')::integer as n
          from contacts) c
    join campaign_enrollments e on e.contact_id = c.id
    join drip_campaign_templates t
      on t.campaign_id = e.campaign_id and t.step = 1 and t.status = 'published'
"""
_REQUESTS = """
    insert into send_requests (id, scheduler_run_id, handed_over_at, accepted_count)
    select request_id, 1, min(handed_over_at), count(*) from email_sends group by request_id
"""
_COUNTS = """
    insert into breaker_counts (campaign_id, sent_on, accepted)
    select campaign_id, (handed_over_at at time zone 'UTC')::date, count(*)
    from email_sends group by 1, 2
"""


def told(number: int, *, again: bool = False) -> Event:
    """Event `number`; `again` as the provider repeats it at times, under a new sg_event_id."""
    send, slot = divmod(number, EVENTS_A_SEND)
    kind = kind_of(number)
    fields: dict[str, Any] = {"sg_event_id": f"{number:x}-{again:d}"}
    if kind in {"open", "click"}:
        fields["useragent"] = _AGENTS[_chance(number, 3) % len(_AGENTS)]
        fields["sg_machine_open"] = _chance(number, 4) % 10 == 0
    if kind == "click":
        fields["url"] = f"https://mpt.example/page-{_chance(number, 5) % 4}"
    if kind == "deferred":
        fields["attempt"] = str(slot)
    return event(
        kind,
        email=f"person{send}@company{send % 9000}.example",
        at=second_of(number),
        message_id=f"m{send // REQUEST_SIZE}",
        custom_args={
            "send_id": f"5e4d0000-0000-4000-8000-{send:012x}",
            "request_id": f"4e900000-0000-4000-8000-{send // REQUEST_SIZE:012x}",
        },
        **fields,
    )


def second_of(number: int) -> int:
    """When event `number` happened, in seconds since 1970 UTC."""
    slot = number % EVENTS_A_SEND
    return _SENT_AT + _FIRST_SECOND[slot] + _chance(number, 1) % _SPREAD[slot]


def kind_of(number: int) -> str:
    slot = number % EVENTS_A_SEND
    if slot == 0:
        return "processed"
    choices, rest = (_OUTCOMES, "dropped") if slot == 1 else (_LATER, "spamreport")
    chance = _chance(number, 2) % 1000
    return next((kind for below, kind in choices if chance < below), rest)


def _chance(number: int, salt: int) -> int:
    """A number as random as needed, the same each time (the mixer of splitmix64)."""
    mixed = (number * 8 + salt) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return mixed ^ (mixed >> 31)
