"""What one program costs: wall time, its own CPU, that of Postgres, and its peak memory.

Every program under measurement is a process of its own. It is told its job as JSON, measures
itself from the first claim to the last settled row, and prints what it found as one JSON line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

PROJECT_ROOT = Path(__file__).resolve().parent.parent

# A Tuesday afternoon without a holiday in any country of the population: nobody's e-mail waits.
NOW = datetime(2027, 3, 16, 15, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Which database and provider a measured program works with, and for how long or on what."""

    address: str = ""
    provider: str = ""
    postmaster: int = 0
    seconds: float = 0.0
    rows: int = 0
    text: str = ""

    @classmethod
    def from_command_line(cls) -> Job:
        return cls(**json.loads(sys.argv[1]))


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of wall clock and of CPU between the start and the end of a measurement."""

    wall: float
    own_cpu: float
    postgres_cpu: float


class Meter:
    """Filled in when its `measured` block ends."""

    usage: Usage


@contextmanager
def measured(postmaster: int) -> Iterator[Meter]:
    """Around the work to be measured. `postmaster`: the pid of the cluster, 0 for none."""
    meter = Meter()
    postgres = cpu_of_cluster(postmaster)
    own = time.process_time()
    wall = time.perf_counter()
    yield meter
    meter.usage = Usage(
        time.perf_counter() - wall,
        time.process_time() - own,
        cpu_of_cluster(postmaster) - postgres,
    )


def cpu_of_cluster(postmaster: int) -> float:
    """Seconds of CPU all processes of a cluster have used, those that ended included."""
    if not postmaster:
        return 0.0
    server = psutil.Process(postmaster)
    total = 0.0
    for backend in server.children():
        try:
            total += cpu_of(backend)
        except psutil.NoSuchProcess:  # it ended: the postmaster's own account has it now
            continue
    ended = server.cpu_times()
    return total + cpu_of(server) + float(ended.children_user + ended.children_system)


def cpu_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def peak_memory_mb() -> float:
    """The most this process ever had resident, in megabytes (10**6 bytes).

    Not ru_maxrss: Linux hands the parent's peak down through exec.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("This system does not report a peak; the benchmarks need Linux.")


def clock_from(start: datetime) -> Any:
    """A clock that reads `start` now and runs on from there."""
    zero = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - zero)


def report(**found: Any) -> None:
    """The one line a measured program prints."""
    print(json.dumps(found), flush=True)


def start_child(module: str, job: Job, python: str | None = None) -> subprocess.Popen[str]:
    """Start `python -m module` with its job; stderr is shown as it comes."""
    return subprocess.Popen(
        [python or sys.executable, "-m", module, json.dumps(asdict(job))],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def result_of(child: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a measured program.

    Raises:
        RuntimeError: if it failed; its own words are on stderr already.
    """
    try:
        output, _ = child.communicate()
    except BaseException:
        child.kill()
        child.wait()
        raise
    if child.returncode:
        raise RuntimeError(f"A measured program failed with exit code {child.returncode}.")
    found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return found


def run_child(module: str, job: Job, python: str | None = None) -> dict[str, Any]:
    return result_of(start_child(module, job, python))
