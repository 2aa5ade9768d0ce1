"""An import is one statement, however many people are in it. Counted, never timed."""

import json

import psycopg
from psycopg.rows import dict_row

from tests.cast import NOW
from tests.conftest import PublishedSteps, Raw
from tests.database.sending import values

CROWD = 10_000


def _statement_triggers(raw: Raw, table: str) -> set[str]:
    return set(
        values(
            raw,
            "select tgname from pg_trigger where tgrelid = %s::regclass and not tgisinternal"
            " and (tgtype & 1) = 0",
            table,
        )
    )


def _explained(raw: Raw, statement: str) -> dict[str, int]:
    """Runs the statement; how often each of its triggers was called."""
    row = raw.execute(f"explain (analyze, timing off, format json) {statement}").fetchone()
    assert row is not None
    plan = row["QUERY PLAN"]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return {t["Trigger Name"]: t["Calls"] for t in plan[0].get("Triggers", [])}


def _writes(address: str, statement: str) -> dict[str, int]:
    """Runs the statement; the calls of our functions, as Postgres itself counts them."""
    with psycopg.connect(address, autocommit=True, row_factory=dict_row) as connection:
        connection.execute("set track_functions = 'all'")
        connection.execute(statement)
        connection.execute("select pg_stat_force_next_flush()")
        calls = connection.execute(
            "select funcname, calls from pg_stat_user_functions where schemaname = 'private'"
        ).fetchall()
    return {row["funcname"]: row["calls"] for row in calls}


def _crowd(size: int) -> str:
    return (
        "insert into contacts (first_name, email, contact_type, source)"
        " select 'Crowd', 'crowd' || n || '@customer.example', 'lead', 'import'"
        f" from generate_series(1, {size}) n"
    )


def test_ten_thousand_new_contacts_are_enrolled_by_one_statement(
    raw: Raw, address: str, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 3)
    calls = _writes(address, _crowd(CROWD))
    assert values(raw, "select count(*) from campaign_enrollments where status = 'active'") == [
        CROWD
    ]
    assert values(raw, "select count(*) from activities") == [2 * CROWD]
    assert calls["enroll"] == 1
    assert calls["on_contacts_added"] == 1
    assert calls["on_enrollments_added"] == 1
    assert calls["guard_enrollment_runs"] == 1


def test_a_crowd_changes_type_and_stops_by_one_statement(
    raw: Raw, address: str, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    published_steps("client", 1)
    raw.execute(_crowd(2000))
    calls = _writes(address, "update contacts set contact_type = 'client'")
    assert (calls["enroll"], calls["on_contacts_changed"]) == (1, 1)
    assert values(raw, "select count(*) from campaign_enrollments where status = 'active'") == [
        2000
    ]
    calls = _writes(address, "update contacts set archived_at = now()")
    # Counts add up over statements: this one asks once for the archived, once for the addressless.
    assert (calls["stop_enrollments"], calls["on_contacts_changed"]) == (2, 2)
    assert values(raw, "select count(*) from campaign_enrollments where status = 'active'") == [0]


def test_the_triggers_on_contacts_fire_once_a_statement(raw: Raw) -> None:
    assert {"on_contacts_added", "on_contacts_changed"} <= _statement_triggers(raw, "contacts")
    calls = _explained(raw, _crowd(100))
    assert calls["on_contacts_added"] == 1
    assert calls["apply_suppression"] == 100, "the control: a row trigger is called for each row"


def test_a_claim_reads_no_more_of_a_young_database_the_more_was_sent(
    raw: Raw, address: str, published_steps: PublishedSteps
) -> None:
    """Before the first ANALYZE, whether somebody was merged is no reason to read all e-mails."""
    published_steps("lead", 2)
    raw.execute(_crowd(CROWD))
    claim = (
        "select count(*) from generate_series(1, 3) n cross join lateral"
        f" claim_due('{NOW.isoformat()}'::timestamptz + n * interval '1 second', 1000, 300, null,"
        " gen_random_uuid())"
    )
    calls = _writes(address, claim)
    assert values(raw, "select count(*) from email_sends where status = 'claimed'") == [3000]
    assert "gone_through" not in calls, "nobody was merged: no e-mail had to be looked at"
