"""The sending benchmarks: the engine beside three other ways, round after round."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, LiteralString

from bench.cluster import Cluster, one_value
from bench.engine_run import settings_for
from bench.measuring import Job, result_of, run_child, start_child
from bench.population import add_contacts, enroll_everybody, prepare
from bench.prepared_mail import prepared_mails
from bench.provider import Provider

ENGINE, BARE_LOOP, PLAIN_SENDGRID, DJANGO = "engine", "bare_loop", "plain_sendgrid", "django_drip"
LATENCIES_MS = (80, 0)
POPULATION = "population"
PLAIN_SECONDS = 4.0
DJANGO_USERS = {80: 60, 0: 600}  # a few seconds each

_ONCE: LiteralString = """
    select count(*) = %s and count(distinct enrollment_id) = count(*)
           and count(*) filter (where status <> 'accepted') = 0
    from email_sends
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One program at one latency in one round; numbers that end in _us or _each are an e-mail's."""

    program: str
    latency_ms: int
    emails: int
    seconds: float
    own_cpu_us: float
    postgres_cpu_us: float
    provider_cpu_us: float
    statements_each: float
    calls_each: float
    peak_memory_mb: float
    requests: int
    doubled: int
    load: float

    @property
    def a_second(self) -> float:
        return self.emails / self.seconds

    @property
    def cpu_us(self) -> float:
        """Of the program and Postgres together."""
        return self.own_cpu_us + self.postgres_cpu_us

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"a_second": self.a_second, "cpu_us": self.cpu_us}


class NotOnceError(RuntimeError):
    """An e-mail was lost or doubled: no speed is worth reporting then."""


class Sending:
    """Runs programs against one cluster and one provider; every run starts from the same rows."""

    def __init__(self, cluster: Cluster, provider: Provider, emails: int) -> None:
        self._cluster = cluster
        self._provider = provider
        self._emails = emails
        self._django_python: Path | None = None

    def populate(self) -> None:
        """So many contacts, all of them due for one e-mail."""
        address = self._cluster.new_crm_database(POPULATION)
        prepare(address)
        add_contacts(address, self._emails)
        enroll_everybody(address)

    def prepare_django(self, python: Path) -> None:
        """Users who are all due for one drip, which is an e-mail of our library."""
        self._django_python = python
        mail = prepared_mails(settings_for(Job(address=self._cluster.address(POPULATION))))[0]
        for users in DJANGO_USERS.values():
            address = self._cluster.new_database(_django_database(users))
            html = "Dear {{ user.first_name }}, " + mail.finished(0).html
            job = Job(address=address, rows=users, text=html)
            run_child("bench.django_drip", job, str(python))

    def run(self, program: str, latency_ms: int) -> Sent:
        """One measurement.

        Raises:
            NotOnceError: if the provider or the database saw an e-mail not exactly once.
        """
        self._provider.start_over(latency_ms)
        provider_cpu = self._provider.cpu_seconds()
        with self._cluster.copy_of(self._database(program, latency_ms)) as address:
            found = run_child(f"bench.{_MODULES[program]}", self._job(address), self._with(program))
            provider_cpu = self._provider.cpu_seconds() - provider_cpu
            sent = self._sent(program, latency_ms, found, provider_cpu)
            if program == ENGINE and not one_value(address, _ONCE, self._emails):
                raise NotOnceError("The engine did not settle every send exactly once.")
        return sent

    def two_django_runs_at_once(self) -> Sent:
        """Two `send_drips` over the same users, started together."""
        self._provider.start_over(0)
        with self._cluster.copy_of(self._database(DJANGO, 0)) as address:
            both = [
                start_child("bench.django_drip", self._job(address), self._with(DJANGO))
                for _ in range(2)
            ]
            try:
                first, second = [result_of(child) for child in both]
            finally:
                for child in both:
                    child.kill()
                    child.wait()
        longer = max(first, second, key=lambda found: float(found["wall"]))
        return self._sent("two " + DJANGO, 0, longer, 0.0)

    def _with(self, program: str) -> str | None:
        return str(self._django_python) if program == DJANGO else None

    def _database(self, program: str, latency_ms: int) -> str:
        return _django_database(DJANGO_USERS[latency_ms]) if program == DJANGO else POPULATION

    def _job(self, address: str) -> Job:
        return Job(
            address=address,
            provider=self._provider.url,
            postmaster=self._cluster.postmaster,
            seconds=PLAIN_SECONDS,
        )

    def _sent(
        self, program: str, latency_ms: int, found: dict[str, Any], provider_cpu: float
    ) -> Sent:
        received = self._provider.received()
        emails = int(received["accepted"])
        if program in {ENGINE, BARE_LOOP} and not (
            emails == received["distinct_send_ids"] == self._emails
        ):
            raise NotOnceError(f"{program}: {emails} e-mails arrived instead of {self._emails}.")
        return Sent(
            program=program,
            latency_ms=latency_ms,
            emails=emails,
            seconds=found["wall"],
            own_cpu_us=found["own_cpu"] / emails * 1e6,
            postgres_cpu_us=found["postgres_cpu"] / emails * 1e6,
            provider_cpu_us=provider_cpu / emails * 1e6,
            statements_each=found["statements"] / emails,
            calls_each=found["calls"] / emails,
            peak_memory_mb=found["peak_memory_mb"],
            requests=received["requests"],
            doubled=0 if program == PLAIN_SENDGRID else received["duplicates"],
            load=os.getloadavg()[0],
        )


_MODULES = {
    ENGINE: "engine_run",
    BARE_LOOP: "bare_loop",
    PLAIN_SENDGRID: "plain_sendgrid",
    DJANGO: "django_drip",
}


def _django_database(users: int) -> str:
    return f"django_{users}"
