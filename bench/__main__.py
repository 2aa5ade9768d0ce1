"""`python -m bench [all|engine|sending|tick|contacts|pages]`: tables, and build/bench.json.

`engine` is the engine beside the bare loop alone. Needs Linux; starts a Postgres cluster and a
provider of its own and stops them again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from bench.cluster import Cluster, own_cluster
from bench.contact_lists import measure_contact_lists
from bench.contact_writes import measure_contact_writes, populate_library
from bench.django_environment import NoEnvironmentError, python_of_environment
from bench.empty_tick import (
    AFTERWARDS,
    measure_empty_tick,
    populate_crowd,
    process_everything_due,
)
from bench.findings import Findings
from bench.measuring import NOW, PROJECT_ROOT
from bench.pages import measure_pages, populate_million
from bench.provider import own_provider
from bench.sending import BARE_LOOP, DJANGO, ENGINE, LATENCIES_MS, PLAIN_SENDGRID, Sending
from bench.tables import as_markdown

RESULTS = PROJECT_ROOT / "build" / "bench.json"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything; `--quick` takes a tenth."""

    emails: int
    crowd: int
    import_rows: int
    inserted: int
    rounds: int


def main(arguments: Sequence[str] | None = None) -> int:
    wanted = _arguments(arguments)
    # Without this a SIGTERM would leave the cluster and the provider running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    share = 10 if wanted.quick else 1
    sizes = Sizes(
        emails=wanted.emails or 100_000 // share,
        crowd=1_000_000 // share,
        import_rows=100_000 // share,
        inserted=50_000 // share,
        rounds=wanted.rounds,
    )
    with own_cluster() as cluster:
        findings = Findings(_machine(cluster))
        if wanted.what in {"all", "engine", "sending"}:
            _measure_sending(cluster, findings, sizes, beside_others=wanted.what != "engine")
        if wanted.what in {"all", "contacts"}:
            _measure_writes(cluster, findings, sizes)
        if wanted.what in {"all", "contacts", "tick"}:
            _measure_crowd(cluster, findings, sizes, lists=wanted.what != "tick")
        if wanted.what in {"all", "pages"}:
            _say(f"writing a CRM of {sizes.crowd:,} contacts …")
            address = populate_million(cluster, sizes.crowd)
            findings.pages = measure_pages(address, sizes.crowd)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(findings.as_json(), indent=1, ensure_ascii=False))
    print(as_markdown(findings))
    return 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    choices = ["all", "engine", "sending", "tick", "contacts", "pages"]
    parser.add_argument("what", nargs="?", default="all", choices=choices)
    parser.add_argument("--emails", type=int, help="due e-mails a run of the engine (100,000)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved repetitions (3)")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    return parser.parse_args(arguments)


def _machine(cluster: Cluster) -> dict[str, object]:
    settings = cluster.settings()
    return {
        "cores": os.cpu_count(),
        "memory GB": round(psutil.virtual_memory().total / 1e9),
        "Python": platform.python_version(),
        "Postgres": settings.pop("server_version"),
        **settings,
    }


def _measure_sending(
    cluster: Cluster, findings: Findings, sizes: Sizes, *, beside_others: bool
) -> None:
    programs = [ENGINE, BARE_LOOP]
    with own_provider() as provider:
        sending = Sending(cluster, provider, sizes.emails)
        sending.populate()
        if beside_others:
            programs.append(PLAIN_SENDGRID)
            try:
                sending.prepare_django(python_of_environment())
                programs.append(DJANGO)
            except NoEnvironmentError as error:
                findings.django_missing = str(error)
        for number in range(1, sizes.rounds + 1):
            _one_round(sending, findings, programs, number)


def _one_round(sending: Sending, findings: Findings, programs: list[str], number: int) -> None:
    for latency in LATENCIES_MS:
        for program in programs:
            sent = sending.run(program, latency)
            findings.sent.append(sent)
            _say(
                f"round {number}: {program} at {latency} ms: {sent.a_second:,.0f}/s, CPU "
                f"{sent.own_cpu_us:.1f} + {sent.postgres_cpu_us:.1f} µs, load {sent.load:.1f}"
            )
    if DJANGO in programs:
        findings.sent.append(sending.two_django_runs_at_once())


def _measure_writes(cluster: Cluster, findings: Findings, sizes: Sizes) -> None:
    populate_library(cluster)
    for number in range(1, sizes.rounds + 1):
        written = measure_contact_writes(cluster, rows=sizes.import_rows, inserted=sizes.inserted)
        findings.writes.append(written)
        _say(
            f"round {number}: import {written.import_seconds:.1f} s, "
            f"insert {written.insert_seconds:.1f} s, "
            f"with enrolling {written.insert_and_enroll_seconds:.1f} s"
        )


def _measure_crowd(cluster: Cluster, findings: Findings, sizes: Sizes, *, lists: bool) -> None:
    _say(f"writing {sizes.crowd:,} contacts with their enrollments …")
    address = populate_crowd(cluster, sizes.crowd)
    findings.crowd = sizes.crowd
    findings.empty_tick = measure_empty_tick(address, NOW)
    if lists:
        findings.lists = measure_contact_lists(address)
    findings.processed = process_everything_due(address)
    findings.empty_tick_after = measure_empty_tick(address, AFTERWARDS)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
