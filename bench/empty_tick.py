"""What a tick costs when nothing is due, among a million enrollments."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bench.cluster import Cluster
from bench.measuring import NOW
from bench.population import COLUMNS, People, prepare
from bench.timing import TimedDatabase, Timings, milliseconds_of
from crm.database.gateway import SERVICE
from crm.database.postgres import PostgresDatabase
from crm.records.engine import EngineRecords, Settlement
from db_service import DbService

CROWD = "crowd"
REPETITIONS = 20
LATER = NOW + timedelta(hours=2)  # by then a fifth of the crowd is due
AFTERWARDS = LATER + timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class EmptyTick:
    """The claim alone in the database, and the whole call as the scheduler makes it."""

    claim: Timings
    call: Timings

    def as_json(self) -> dict[str, Any]:
        return {"claim": self.claim.as_json(), "call": self.call.as_json()}


def populate_crowd(cluster: Cluster, contacts: int) -> str:
    """So many contacts, each enrolled; one in five is due in an hour, the others in a month.

    Written past the triggers and foreign keys: this is about reading it. Returns the address.
    """
    address = cluster.new_crm_database(CROWD)
    prepare(address)
    with psycopg.connect(address, autocommit=True) as connection:
        with connection.transaction():
            connection.execute("set local session_replication_role = replica")
            with connection.cursor().copy(
                f"copy contacts ({', '.join(COLUMNS)}) from stdin"
            ) as copy:
                for person in People()(contacts):
                    copy.write_row(person)
            connection.execute(_ENROLL, {"soon": NOW + timedelta(hours=1), "now": NOW})
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")
    return address


_ENROLL = """
    insert into campaign_enrollments
      (contact_id, campaign_id, next_step, next_send_at, source, enrolled_at, updated_at)
    select c.id, y.campaign_id, 1 + (c.n / 5 % s.steps)::smallint,
           case when c.n % 5 = 0 then %(soon)s else %(soon)s + interval '30 days' end
             + (c.n % 3000) * interval '1 second',
           'type', %(now)s, %(now)s
    from (select id, contact_type, row_number() over (partition by contact_type order by id) as n
          from contacts) c
    join contact_types y on y.key = c.contact_type
    join (select campaign_id, count(*) as steps from drip_campaign_templates
          where status = 'published' group by campaign_id) s using (campaign_id)
""".replace("% ", "%% ")


def measure_empty_tick(address: str, now: datetime) -> EmptyTick:
    """On fresh connections, so that the first repetition plans everything anew.

    Raises:
        AssertionError: if something was due after all.
    """
    timed = TimedDatabase(address)
    try:
        for _ in range(REPETITIONS):
            assert _claim(EngineRecords(timed.gateway(SERVICE)), now) == 0
        in_database = timed.milliseconds
    finally:
        timed.close()
    database = PostgresDatabase(address)
    try:
        engine = EngineRecords(database.gateway(SERVICE))
        calls = [milliseconds_of(lambda: _claim(engine, now)) for _ in range(REPETITIONS)]
    finally:
        database.close()
    return EmptyTick(Timings.of(in_database), Timings.of(calls))


def _claim(engine: EngineRecords, now: datetime) -> int:
    return len(engine.claim_due(1, str(uuid.uuid4()), limit=1000, lease_seconds=600, now=now))


def process_everything_due(address: str) -> int:
    """Claim, hand over and settle all that is due, with the engine's own statements."""
    database = PostgresDatabase(address)
    try:
        return _process(DbService(database.gateway(SERVICE), SERVICE).engine)
    finally:
        database.close()


def _process(engine: EngineRecords) -> int:
    run = engine.start_run(trigger="command", host="bench", sender={}, now=LATER)
    token, processed = str(uuid.uuid4()), 0
    while claimed := engine.claim_due(run, token, limit=1000, lease_seconds=600, now=LATER):
        values = {send.send_id: ("Ada", "Example Ltd") for send in claimed}
        engine.hand_over(
            token,
            provider="sendgrid",
            request_id=str(uuid.uuid4()),
            values=values,
            leave_by=LATER,
            now=LATER,
        )
        settlements = [
            Settlement(
                send_id=send.send_id,
                status="accepted",
                message_id="bench",
                next_step=send.step,
                next_send_at=LATER + timedelta(days=7),
            )
            for send in claimed
        ]
        processed += engine.settle(run, token, settlements, now=LATER)
    return processed
