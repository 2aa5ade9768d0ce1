"""Measured program: the least any sender on this schema must do, as a ceiling to compare with.

It claims with a lease, posts substitutions prepared beforehand, and marks the rows; no decisions,
no rendering, no timeline, no consent looked at twice. One process, four requests in flight.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import psycopg

from bench.engine_run import settings_for
from bench.measuring import NOW, Job, measured, peak_memory_mb, report
from bench.prepared_mail import PreparedMail, prepared_mails
from tests.standins.sendgrid import KEY

BATCH = 1000
IN_FLIGHT = 4
LEASE = timedelta(minutes=10)

CREATE = """
    create table bare_sends (
      id bigint generated always as identity primary key,
      enrollment_id uuid not null,
      status text not null default 'claimed',
      lease_until timestamptz,
      message_id text
    ) with (fillfactor = 60)
"""
CLAIM = """
    with due as (
      select e.id, c.email from campaign_enrollments e join contacts c on c.id = e.contact_id
      where e.campaign_id = %(campaign)s and e.next_step = %(step)s
        and e.status = 'active' and e.next_send_at <= %(now)s
      order by e.next_send_at limit %(limit)s for no key update of e skip locked),
    claimed as (
      update campaign_enrollments e set next_send_at = null from due where e.id = due.id
      returning e.id, due.email),
    leased as (
      insert into bare_sends (enrollment_id, lease_until)
      select id, %(lease)s from claimed returning id, enrollment_id)
    select leased.id, claimed.email from leased join claimed on claimed.id = leased.enrollment_id
"""
MARK = """
    with done as (
      update bare_sends set status = 'accepted', message_id = %(message)s, lease_until = null
      where id = any(%(sends)s) returning enrollment_id)
    update campaign_enrollments e
    set last_step = e.next_step, next_step = e.next_step + 1, last_sent_at = %(now)s,
        next_send_at = %(next)s
    from done where e.id = done.enrollment_id
"""


@dataclass(frozen=True, slots=True)
class Batch:
    mail: PreparedMail
    sends: list[tuple[int, str]]


class BareLoop:
    def __init__(self, job: Job, mails: list[PreparedMail]) -> None:
        self._address = job.address
        self._mails = mails
        self._client = httpx.Client(
            base_url=job.provider,
            headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
            timeout=30.0,
            trust_env=False,
        )
        self._threads = threading.local()
        self._connections: list[psycopg.Connection[Any]] = []
        self.statements = 0

    def run(self) -> None:
        in_flight: set[Future[None]] = set()
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            for batch in self._batches():
                if len(in_flight) == IN_FLIGHT:
                    done, in_flight = wait(in_flight, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
                in_flight.add(pool.submit(self._post, batch))
            for future in in_flight:
                future.result()

    def close(self) -> None:
        self._client.close()
        for connection in self._connections:
            connection.close()

    def _batches(self) -> Iterator[Batch]:
        for mail in self._mails:
            while sends := self._claim(mail):
                yield Batch(mail, sends)

    def _claim(self, mail: PreparedMail) -> list[tuple[int, str]]:
        wanted = {
            "campaign": mail.campaign_id,
            "step": mail.step,
            "now": NOW,
            "limit": BATCH,
            "lease": NOW + LEASE,
        }
        return self._connection().execute(CLAIM, wanted).fetchall()

    def _post(self, batch: Batch) -> None:
        prepared = batch.mail.substitutions
        personalizations = [
            {
                "to": [{"email": email}],
                "custom_args": {"send_id": str(send)},
                "substitutions": prepared[n % len(prepared)],
            }
            for n, (send, email) in enumerate(batch.sends)
        ]
        body = json.dumps(batch.mail.envelope | {"personalizations": personalizations}).encode()
        answer = self._client.post("/v3/mail/send", content=body).raise_for_status()
        marks = {
            "message": answer.headers["X-Message-Id"],
            "sends": [send for send, _ in batch.sends],
            "now": NOW,
            "next": NOW + timedelta(days=7),
        }
        self._connection().execute(MARK, marks)

    def _connection(self) -> psycopg.Connection[Any]:
        self.statements += 1
        if not hasattr(self._threads, "connection"):
            self._threads.connection = psycopg.connect(self._address, autocommit=True)
            self._connections.append(self._threads.connection)
        connection: psycopg.Connection[Any] = self._threads.connection
        return connection


def main() -> None:
    job = Job.from_command_line()
    with psycopg.connect(job.address, autocommit=True) as connection:
        connection.execute(CREATE)
    loop = BareLoop(job, prepared_mails(settings_for(job)))
    with measured(job.postmaster) as meter:
        loop.run()
    loop.close()
    report(
        wall=meter.usage.wall,
        own_cpu=meter.usage.own_cpu,
        postgres_cpu=meter.usage.postgres_cpu,
        statements=loop.statements,
        calls=loop.statements,
        peak_memory_mb=peak_memory_mb(),
    )


if __name__ == "__main__":
    main()
