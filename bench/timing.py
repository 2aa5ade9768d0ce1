"""Repeated timings in milliseconds, and the database time of single gateway calls."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from crm.database.gateway import Identity, Row
from crm.database.postgres import PostgresDatabase


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds of several repetitions."""

    first: float
    p50: float
    p95: float
    worst: float
    repetitions: int

    @classmethod
    def of(cls, milliseconds: Sequence[float]) -> Timings:
        ordered = sorted(milliseconds)
        p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
        return cls(milliseconds[0], statistics.median(ordered), p95, ordered[-1], len(milliseconds))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a page took, and a bare query for the same, in milliseconds."""

    page: Timings
    bare: Timings

    @property
    def ratio(self) -> float:
        return self.page.p50 / self.bare.p50

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": self.ratio}


def milliseconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


class TimedDatabase(PostgresDatabase):
    """Answers on one plain connection and notes what each statement took from sending it to the
    last row of its answer: the gateway's pool check, BEGIN, role and COMMIT are not part of it."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.milliseconds: list[float] = []
        self._timed = psycopg.connect(address, row_factory=dict_row)

    def run(self, identity: Identity, query: sql.Composed, parameters: Sequence[Any]) -> list[Row]:
        rows: list[Row] = []

        def answer() -> None:
            nonlocal rows
            cursor = self._timed.execute(query, parameters)
            rows = cursor.fetchall() if cursor.description else []

        with self._timed.transaction():
            self._timed.execute(
                "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
                (identity.role, identity.claims_json()),
            )
            self.milliseconds.append(milliseconds_of(answer))
        return rows

    def close(self) -> None:
        self._timed.close()
        super().close()
