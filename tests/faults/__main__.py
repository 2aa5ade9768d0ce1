"""`python -m tests.faults`: break everything, count what was lost or sent twice (`make faults`)."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from crm.settings import PROJECT_ROOT
from tests.faults.broken_rules import RULES
from tests.faults.editions import EDITIONS, EVIDENCE, run, run_under_rules
from tests.faults.stage import Row
from tests.faults.table import as_json, examples, faults_by_kind, table


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill, pause, cut and mislead the real scheduler.")
    parser.add_argument("--edition", choices=EDITIONS, default="default")
    parser.add_argument("--seed", default="1")
    parser.add_argument(
        "--rule",
        nargs="+",
        choices=(EVIDENCE, *RULES),
        default=[],
        help="kills alone, by this rule about expired leases",
    )
    parser.add_argument("--json", type=Path, default=PROJECT_ROOT / "build" / "faults.json")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 if anything was wrong, or fewer faults came about than asked for."""
    wanted = _arguments(arguments)
    # Ended from outside, it still takes its servers and processes with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    edition = EDITIONS[wanted.edition]
    started = time.monotonic()
    if wanted.rule:
        rows = run_under_rules(edition, wanted.rule, seed=wanted.seed, say=_say)
    else:
        rows = run(edition, seed=wanted.seed, say=_say)
    _report(rows)
    _write(wanted, rows, time.monotonic() - started)
    return 0 if all(row.is_clean for row in rows) else 1


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command's output


def _report(rows: Sequence[Row]) -> None:
    for row in rows:
        _say(faults_by_kind(row))
    _say(f"\n{table(rows)}\n")
    for line in (line for row in rows for line in examples(row)):
        _say(line)
    if all(row.is_clean for row in rows):
        _say("Nothing lost, nothing sent twice, nobody written to after they said stop.")


def _write(wanted: argparse.Namespace, rows: Sequence[Row], seconds: float) -> None:
    figures = {
        "edition": wanted.edition,
        "seed": wanted.seed,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "seconds": round(seconds, 1),
        "phases": [as_json(row) for row in rows],
    }
    wanted.json.parent.mkdir(parents=True, exist_ok=True)
    wanted.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
