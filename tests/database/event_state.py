"""What provider events lead to: the part of the database that is a function of the set of events.

Not among it: in which order rows came in and when (ids, received_at), and which of the ids a
repeated event was told under was the first to arrive.
"""

from typing import Any, LiteralString

import psycopg
from psycopg.rows import tuple_row

STATE: dict[str, LiteralString] = {
    "email_sends": """
        select id, status, delivered_at, first_opened_at, first_clicked_at,
               first_event_at is not null as heard_of
        from email_sends""",
    "contacts": "select id, email_status, email_status_reason, email_status_at from contacts",
    "suppressions": "select email, reason from suppressions",
    "campaign_enrollments": "select id, status, reason, next_step from campaign_enrollments",
    "email_events": """
        select send_id, contact_id, event, occurred_at, message_id, email, url, attempt, reason,
               request_id, user_agent, ip, says_machine, is_machine, machine_reason
        from email_events""",
    "send_requests": """
        select id, accepted_count, heard_of_count, proven_at is not null as proven
        from send_requests""",
    "breaker_counts": """
        select campaign_id, sent_on, accepted, failed, bounced, complained from breaker_counts""",
}


def state_of(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Every row of the state as text, sorted. For a few rows."""
    return {name: _sorted_rows(connection, query) for name, query in STATE.items()}


def _sorted_rows(connection: psycopg.Connection[Any], query: LiteralString) -> list[str]:
    cursor = connection.cursor(row_factory=tuple_row)
    cursor.execute("select (r.*)::text from (" + query + ") r order by 1")
    return [str(text) for (text,) in cursor.fetchall()]


def digest_of(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """The same for millions of rows: their number, and a sum of their hashes in any order."""
    return {name: _digest(connection, query) for name, query in STATE.items()}


def _digest(connection: psycopg.Connection[Any], query: LiteralString) -> str:
    cursor = connection.cursor(row_factory=tuple_row)
    cursor.execute(
        "select count(*), sum(hashtextextended((r.*)::text, 0)::numeric) from (" + query + ") r"
    )
    row = cursor.fetchone()
    assert row is not None
    return f"{row[0]} rows, {row[1]}"
