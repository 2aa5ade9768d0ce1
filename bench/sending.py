"""The sending benchmarks: the engine beside the bare loop, round after round."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, LiteralString

from bench.cluster import Cluster, one_value
from bench.measuring import Job, run_child
from bench.population import add_contacts, enroll_everybody, prepare
from bench.provider import Provider

LATENCIES_MS = (80, 0)
POPULATION = "population"

_ONCE: LiteralString = """
    select count(*) = %s and count(distinct enrollment_id) = count(*)
           and count(*) filter (where status <> 'accepted') = 0
    from email_sends
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One measured program at one latency in one round."""

    program: str
    latency_ms: int
    emails: int
    seconds: float
    own_cpu_us: float = 0.0
    postgres_cpu_us: float = 0.0
    provider_cpu_us: float = 0.0
    statements: float = 0.0
    calls: float = 0.0
    peak_memory_mb: float = 0.0
    requests: int = 0
    doubled: int = 0
    each_exactly_once: bool = True

    @property
    def a_second(self) -> float:
        return self.emails / self.seconds

    @property
    def cpu_us(self) -> float:
        """Of the program and Postgres together, an e-mail."""
        return self.own_cpu_us + self.postgres_cpu_us

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"a_second": self.a_second, "cpu_us": self.cpu_us}


def populate_cluster(cluster: Cluster, emails: int) -> None:
    """The database every round starts from: so many contacts, all of them due."""
    address = cluster.new_crm_database(POPULATION)
    prepare(address)
    add_contacts(address, emails)
    enroll_everybody(address)


def run_engine(cluster: Cluster, provider: Provider, emails: int, latency_ms: int) -> Sent:
    return _run("engine", cluster, provider, emails, latency_ms)


def run_bare_loop(cluster: Cluster, provider: Provider, emails: int, latency_ms: int) -> Sent:
    return _run("bare_loop", cluster, provider, emails, latency_ms)


def _run(program: str, cluster: Cluster, provider: Provider, emails: int, latency_ms: int) -> Sent:
    module = {"engine": "bench.engine_run", "bare_loop": "bench.bare_loop"}[program]
    provider.start_over(latency_ms)
    provider_cpu = provider.cpu_seconds()
    with cluster.copy_of(POPULATION) as address:
        job = Job(address=address, provider=provider.url, postmaster=cluster.postmaster)
        found = run_child(module, job)
        provider_cpu = provider.cpu_seconds() - provider_cpu
        received = provider.received()
        once = received["accepted"] == received["distinct_send_ids"] == emails
        if program == "engine":
            once = once and bool(one_value(address, _ONCE, emails))
    return Sent(
        program=program,
        latency_ms=latency_ms,
        emails=emails,
        seconds=found["wall"],
        own_cpu_us=found["own_cpu"] / emails * 1e6,
        postgres_cpu_us=found["postgres_cpu"] / emails * 1e6,
        provider_cpu_us=provider_cpu / emails * 1e6,
        statements=found["statements"] / emails,
        calls=found["calls"] / emails,
        peak_memory_mb=found["peak_memory_mb"],
        requests=received["requests"],
        doubled=received["duplicates"],
        each_exactly_once=once,
    )
