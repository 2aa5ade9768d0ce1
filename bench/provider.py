"""The SendGrid stand-in as a process of its own, so that its CPU is nobody else's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psutil

from bench.measuring import PROJECT_ROOT, cpu_of


class Provider:
    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self._process = psutil.Process(pid)
        self._client = httpx.Client(base_url=url + "/__standin", trust_env=False)

    def start_over(self, latency_ms: int) -> None:
        """Forget what was received; every answer takes `latency_ms` from now on."""
        self._client.post("/reset", json={}).raise_for_status()
        self._client.post("/latency", json={"milliseconds": latency_ms}).raise_for_status()

    def received(self) -> dict[str, Any]:
        """Counts: requests, accepted, distinct_send_ids, duplicates."""
        counts: dict[str, Any] = self._client.get("/stats").raise_for_status().json()
        return counts

    def cpu_seconds(self) -> float:
        return cpu_of(self._process)

    def close(self) -> None:
        self._client.close()


@contextmanager
def own_provider() -> Iterator[Provider]:
    command = [sys.executable, "-m", "tests.standins.sendgrid", "--port", "0", "--counts-only"]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        provider = Provider(process.stdout.readline().split()[-1], process.pid)
        try:
            yield provider
        finally:
            provider.close()
    finally:
        process.terminate()
        process.wait()
        if process.stdout:
            process.stdout.close()
