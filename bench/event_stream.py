"""`python -m bench.event_stream [--events 1000000]`: events thrice over, shuffled, over real HTTP.

Each event is told three times, twice word for word and once under a new sg_event_id, all in one
random order, in signed requests of a thousand, to a web process of its own. The state this ends in
is compared with that of a second database which was told every event once, sorted by time. Exit
status 1 if they differ, or if one request in a hundred took a second or more.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psycopg

from bench.cluster import Cluster, own_cluster
from bench.event_crowd import EVENTS_A_SEND, populate_sends
from bench.event_telling import TIMES_TOLD, Told, tell_shuffled, tell_sorted
from bench.measuring import PROJECT_ROOT, peak_memory_mb
from tests.database.event_state import digest_of

RESULTS = PROJECT_ROOT / "build" / "event_stream.json"
SLOWEST_ALLOWED_MS = 1_000.0
SHUFFLED = "shuffled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """Milliseconds are of whole requests; memory is the most ever resident, in 10**6 bytes."""

    events: int
    told: int
    requests: int
    seconds: float
    events_a_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    slowest_ms: float
    server_memory_at_start_mb: float
    server_memory_mb: float
    server_cpu_seconds: float
    client_memory_mb: float
    sorted_seconds: float
    stored: int
    repeated: int
    foreign: int
    quarantined: int
    same_state: bool

    @property
    def is_good(self) -> bool:
        """Every event stored once, the same state, and requests as fast as was promised."""
        counts = (self.stored, self.repeated, self.foreign, self.quarantined)
        expected = (self.events, self.told - self.events, 0, 0)
        return self.same_state and counts == expected and self.p99_ms < SLOWEST_ALLOWED_MS


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.event_stream", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=2, help="requests at once (2)")
    parser.add_argument("--seed", type=int, default=2027)
    wanted = parser.parse_args(arguments)
    # Without this a SIGTERM would leave the cluster and the web process running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with own_cluster() as cluster:
        found = measure_event_stream(
            cluster, events=wanted.events, connections=wanted.connections, seed=wanted.seed
        )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(asdict(found), indent=1))
    print(_as_table(found))
    return 0 if found.is_good else 1


def measure_event_stream(cluster: Cluster, *, events: int, connections: int, seed: int) -> Streamed:
    sends = -(-events // EVENTS_A_SEND)
    _say(f"writing {sends:,} contacts with an e-mail each …")
    address = cluster.new_crm_database(SHUFFLED)
    populate_sends(address, sends)
    with cluster.copy_of(SHUFFLED) as once:
        _say(f"telling {events * TIMES_TOLD:,} events, shuffled …")
        told = tell_shuffled(address, events, connections=connections, seed=seed)
        _say(f"telling {events:,} events, each once and sorted …")
        sorted_seconds = tell_sorted(once, events)
        same_state = _is_same_state(address, once)
    return _found(events, told, sorted_seconds=sorted_seconds, same_state=same_state)


def _is_same_state(shuffled: str, once: str) -> bool:
    with psycopg.connect(shuffled) as one, psycopg.connect(once) as other:
        digests, expected = digest_of(one), digest_of(other)
    for relation, digest in digests.items():
        if digest != expected[relation]:
            _say(f"different: {relation} has {digest}; sorted, it has {expected[relation]}")
    return digests == expected


def _found(events: int, told: Told, *, sorted_seconds: float, same_state: bool) -> Streamed:
    slow = sorted(told.milliseconds)
    return Streamed(
        events=events,
        told=events * TIMES_TOLD,
        requests=len(slow),
        seconds=told.seconds,
        events_a_second=events * TIMES_TOLD / told.seconds,
        p50_ms=_percentile(slow, 50),
        p95_ms=_percentile(slow, 95),
        p99_ms=_percentile(slow, 99),
        slowest_ms=slow[-1],
        server_memory_at_start_mb=told.server["memory_at_start_mb"],
        server_memory_mb=told.server["memory_mb"],
        server_cpu_seconds=told.server["cpu_seconds"],
        client_memory_mb=peak_memory_mb(),
        sorted_seconds=sorted_seconds,
        stored=told.counts["stored"],
        repeated=told.counts["repeated"],
        foreign=told.counts["foreign"],
        quarantined=told.counts["quarantined"],
        same_state=same_state,
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that so many of a hundred do not exceed."""
    return ordered[max(-(-len(ordered) * percent // 100) - 1, 0)]


def _as_table(found: Streamed) -> str:
    rows = [
        f"| {name.replace('_', ' ')} | {value:,.1f} |"
        if isinstance(value, float)
        else f"| {name.replace('_', ' ')} | {value if isinstance(value, bool) else f'{value:,}'} |"
        for name, value in asdict(found).items()
    ]
    return "\n".join(["| event stream | |", "| --- | ---: |", *rows])


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
