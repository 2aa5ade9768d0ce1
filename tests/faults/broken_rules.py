"""Wrong rules in the place of the evidence rule: what the checker must find.

`retry_on_expiry` is what most systems do: when the lease ends, send again. `never_retry` marks
before sending and leaves it at that.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

_BODIES = {
    "retry_on_expiry": """
declare freed uuid[];
begin
  with again as (
    update public.email_sends s
    set status = 'retry', lease_token = null, lease_until = null, held_at = null, retry_at = p_now
    where s.status = 'unconfirmed'
       or (s.lease_until <= p_now and s.status in ('claimed', 'handed_over'))
    returning s.enrollment_id)
  select array_agg(enrollment_id) into freed from again;
  update public.campaign_enrollments e set next_send_at = p_now
  where e.id = any (freed) and e.status in ('active', 'paused');
  return next;
end
""",
    "never_retry": """
begin
  update public.email_sends s
  set status = 'unconfirmed', lease_until = null, held_at = p_now
  where s.lease_until <= p_now and s.status in ('claimed', 'handed_over');
  return next;
end
""",
}

RULES = tuple(_BODIES)

# Who goes by leases alone does not listen to what the provider reports.
_DEAF = "alter table public.email_events disable trigger on_events_added"


def break_rule(connection: psycopg.Connection[Any], rule: str) -> None:
    """Replaces the sweep of this database, whatever columns it returns today."""
    row = connection.execute(
        "select pg_get_function_result(oid) from pg_proc where oid = 'public.sweep'::regproc"
    ).fetchone()
    assert row is not None
    columns = [part.split()[0] for part in row[0].removeprefix("TABLE(").rstrip(")").split(", ")]
    zeros = "".join(f"  {column} := 0;\n" for column in columns)
    body = _BODIES[rule].replace("begin\n", f"begin\n{zeros}", 1)
    connection.execute(
        sql.SQL(
            "create or replace function public.sweep(p_now timestamptz, p_run bigint)"
            " returns {} language plpgsql set search_path = '' as {}"
        ).format(sql.SQL(row[0]), sql.Literal(body))
    )
    if rule == "retry_on_expiry":
        connection.execute(_DEAF)
