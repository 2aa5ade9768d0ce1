"""`python -m bench`: every benchmark with a table; `python -m bench engine` only the engine's."""

from __future__ import annotations

import argparse
import os
import sys

from bench.cluster import own_cluster
from bench.django_environment import NoEnvironmentError, python_of_environment
from bench.provider import own_provider
from bench.sending import BARE_LOOP, DJANGO, ENGINE, LATENCIES_MS, PLAIN_SENDGRID, Sending, Sent


def show(s: Sent) -> None:
    print(
        f"{s.program:15} {s.latency_ms:3} ms {s.a_second:8,.0f}/s "
        f"cpu {s.cpu_us:6.1f} µs (own {s.own_cpu_us:.1f} pg {s.postgres_cpu_us:.1f}"
        f" standin {s.provider_cpu_us:.1f}) statements {s.statements_each:.4f} "
        f"calls {s.calls_each:.4f} peak {s.peak_memory_mb:.0f} MB "
        f"requests {s.requests} doubled {s.doubled} load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", default="all", choices=["all", "engine", "sending"])
    parser.add_argument("--emails", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    programs = [ENGINE, BARE_LOOP]
    with own_cluster() as cluster, own_provider() as provider:
        print(cluster.settings())
        sending = Sending(cluster, provider, wanted.emails)
        sending.populate()
        if wanted.what != "engine":
            sending.prepare_django(python_of_environment())
            programs += [PLAIN_SENDGRID, DJANGO]
        for _ in range(wanted.rounds):
            for latency in LATENCIES_MS:
                for program in programs:
                    show(sending.run(program, latency))
            if wanted.what != "engine":
                show(sending.two_django_runs_at_once())
    return 0


if __name__ == "__main__":
    sys.exit(main())
