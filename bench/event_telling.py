"""Telling a database what the provider tells: thrice and shuffled over HTTP, or once and sorted."""

from __future__ import annotations

import json
import random
import subprocess
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import httpx

from bench.event_crowd import second_of, told
from bench.event_server import TOLD_AT
from bench.measuring import Job, start_child
from crm.database.gateway import SERVICE
from crm.database.postgres import PostgresDatabase
from crm.mail.provider_events import ProviderEvent, parse_batch
from db_service import DbService, IncomingEvent
from tests.standins.sendgrid_events import PATH, EventEmitter, body_of

TIMES_TOLD = 3
REQUEST_SIZE = 1_000
_CHUNK = 5_000
_FIELDS = tuple(field.name for field in fields(ProviderEvent))


@dataclass(frozen=True, slots=True)
class Told:
    """`milliseconds` of whole requests, as the provider sees them; `counts` as they were answered;
    `server` is what the web process said of itself (memory_at_start_mb, memory_mb, cpu_seconds)."""

    seconds: float
    milliseconds: Sequence[float]
    counts: Counter[str]
    server: dict[str, Any]


def tell_shuffled(address: str, events: int, *, connections: int, seed: int) -> Told:
    """Each event three times, all of them in one random order, in requests of a thousand.

    Raises:
        httpx.HTTPStatusError: if a request was not taken.
    """
    emitter = EventEmitter()
    order = array("q", range(events * TIMES_TOLD))  # eight bytes an event: all that is kept
    random.Random(seed).shuffle(order)
    parts = (order[n : n + REQUEST_SIZE] for n in range(0, len(order), REQUEST_SIZE))
    milliseconds: list[float] = []
    counts: Counter[str] = Counter()
    with _web_process(address, emitter.public_key) as (url, server):
        posting = _Posting(url, emitter, events)
        started = time.perf_counter()
        with posting.client, ThreadPoolExecutor(connections) as pool:
            for took, said in pool.map(posting.post, parts):
                milliseconds.append(took)
                counts.update(said)
        seconds = time.perf_counter() - started
    return Told(seconds, milliseconds, counts, server)


class _Posting:
    def __init__(self, url: str, emitter: EventEmitter, events: int) -> None:
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=120)
        self._emitter, self._events = emitter, events

    def post(self, numbers: Sequence[int]) -> tuple[float, dict[str, int]]:
        """Numbers beyond the events repeat them, the last round of them under new ids."""
        last = (TIMES_TOLD - 1) * self._events
        body = body_of([told(n % self._events, again=n >= last) for n in numbers])
        headers = self._emitter.signed_headers(body, int(TOLD_AT.timestamp()))
        started = time.perf_counter()
        answer = self.client.post(PATH, content=body, headers=headers)
        took = (time.perf_counter() - started) * 1000
        return took, answer.raise_for_status().json()


@contextmanager
def _web_process(address: str, public_key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Its address, and what it says of itself: complete when the block has ended."""
    process = start_child("bench.event_server", Job(address=address, text=public_key))
    said: dict[str, Any] = {}
    try:
        assert process.stdout is not None
        start = json.loads(process.stdout.readline())
        said["memory_at_start_mb"] = start["memory_mb"]
        yield start["url"], said
        process.terminate()
        said |= json.loads(process.stdout.readline())
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait()
    if process.stdout:
        process.stdout.close()


def tell_sorted(address: str, events: int) -> float:
    """Each event once, the earliest first, without HTTP. Seconds it took."""
    order = sorted(range(events), key=second_of)
    database = PostgresDatabase(address)
    started = time.perf_counter()
    try:
        records = DbService(database.gateway(SERVICE), SERVICE).events
        for start in range(0, events, _CHUNK):
            body = body_of([told(number) for number in order[start : start + _CHUNK]])
            records.record([_incoming(read) for read in parse_batch(body).events], now=TOLD_AT)
    finally:
        database.close()
    return time.perf_counter() - started


def _incoming(read: ProviderEvent) -> IncomingEvent:
    return IncomingEvent(**{name: getattr(read, name) for name in _FIELDS})
