"""What the database believes at the end of a run, for the checker."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from tests.faults.checker import Key, Stored, Taken
from tests.standins.sendgrid_records import AcceptedMail

Connection = psycopg.Connection[Any]

_SENDS = """
select s.id::text, c.email, d.key, s.step, s.status, s.held_at is not null
from email_sends s
join contacts c on c.id = s.contact_id join drip_campaigns d on d.id = s.campaign_id
"""
_EXPIRED = """
select c.email, d.key, x.step, min(x.decided_at)
from drip_decisions x
join contacts c on c.id = x.contact_id join drip_campaigns d on d.id = x.campaign_id
where x.reason = 'step_expired' group by 1, 2, 3
"""
_UNFINISHED = """
select (select count(*) from campaign_enrollments where status = 'active')
     + (select count(*) from email_sends where held_at is not null and status = 'unconfirmed')
"""
_UNCERTAIN = """
select count(*) from email_sends
where status in ('handed_over', 'claimed') or (held_at is not null and status = 'unconfirmed')
"""

_DECIDED = """
select reason, count(*) from drip_decisions
where reason in ('lease_expired', 'unconfirmed', 'proven_sent', 'proven_not_sent', 'step_expired')
group by reason
"""


def sends_in(connection: Connection) -> tuple[Stored, ...]:
    return tuple(
        Stored(id=row[0], key=(row[1], row[2], row[3]), status=row[4], held=row[5])
        for row in connection.execute(_SENDS)
    )


def expired_in(connection: Connection) -> dict[Key, datetime]:
    return {(row[0], row[1], row[2]): row[3] for row in connection.execute(_EXPIRED)}


def decisions_in(connection: Connection) -> dict[str, int]:
    """How often the engine judged what an interrupted scheduler left behind, by reason."""
    return {str(reason): int(many) for reason, many in connection.execute(_DECIDED)}


def unfinished_in(connection: Connection) -> int:
    """Enrollments that still go on, and sends that nobody is sure of."""
    return _number(connection, _UNFINISHED)


def uncertain_in(connection: Connection) -> int:
    """Sends under a lease, and sends that nobody is sure of."""
    return _number(connection, _UNCERTAIN)


def _number(connection: Connection, query: Any) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def taken_from(mails: list[AcceptedMail]) -> tuple[Taken, ...]:
    """Told from the subject and the address alone: what a person would see in the inbox."""
    return tuple(_taken(mail) for mail in mails)


def _taken(mail: AcceptedMail) -> Taken:
    campaign, _, step = mail.subject.partition(" ")
    return Taken(key=(mail.to, campaign, int(step)), send_id=mail.send_id, at=mail.at)
