"""`python -m bench`: every benchmark with a table; `python -m bench engine` only the engine's."""

from __future__ import annotations

import argparse
import os
import sys

from bench.cluster import own_cluster
from bench.provider import own_provider
from bench.sending import LATENCIES_MS, populate_cluster, run_bare_loop, run_engine


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", default="all", choices=["all", "engine"])
    parser.add_argument("--emails", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    with own_cluster() as cluster, own_provider() as provider:
        print(cluster.settings())
        populate_cluster(cluster, wanted.emails)
        for _ in range(wanted.rounds):
            for latency in LATENCIES_MS:
                for run in (run_engine, run_bare_loop):
                    s = run(cluster, provider, wanted.emails, latency)
                    print(
                        f"{s.program:10} {s.latency_ms:3} ms {s.a_second:8,.0f}/s "
                        f"cpu {s.cpu_us:6.1f} µs (own {s.own_cpu_us:.1f} pg {s.postgres_cpu_us:.1f}"
                        f" standin {s.provider_cpu_us:.1f}) statements {s.statements:.4f} "
                        f"calls {s.calls:.4f} peak {s.peak_memory_mb:.0f} MB "
                        f"requests {s.requests} once {s.each_exactly_once} "
                        f"load {os.getloadavg()[0]:.1f}",
                        flush=True,
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
