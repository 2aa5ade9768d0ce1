"""Everything one run of the benchmarks found, and the targets it is held against."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.contact_lists import ContactLists
from bench.contact_writes import ContactWrites
from bench.empty_tick import EmptyTick
from bench.pages import PageTimes
from bench.sending import BARE_LOOP, DJANGO, ENGINE, PLAIN_SENDGRID, Sent


@dataclass(frozen=True, slots=True)
class Target:
    """`holds` is None where there is no figure to hold against."""

    what: str
    found: str
    wanted: str
    holds: bool | None


@dataclass(slots=True)
class Findings:
    """Filled in as the benchmarks go."""

    machine: dict[str, Any]
    sent: list[Sent] = field(default_factory=list)
    django_missing: str = ""
    crowd: int = 0
    processed: int = 0
    empty_tick: EmptyTick | None = None
    empty_tick_after: EmptyTick | None = None
    lists: ContactLists | None = None
    writes: list[ContactWrites] = field(default_factory=list)
    pages: PageTimes | None = None

    def of(self, program: str, latency_ms: int) -> list[Sent]:
        """One a round, oldest first."""
        return [s for s in self.sent if (s.program, s.latency_ms) == (program, latency_ms)]

    def median(self, program: str, latency_ms: int, value: Callable[[Sent], float]) -> float:
        return statistics.median(value(s) for s in self.of(program, latency_ms))

    def ratio(self, program: str, latency_ms: int) -> float:
        """How many times as fast the engine was: the median over rounds, each with its own
        neighbours, because the machine drifts from round to round."""
        rounds = zip(self.of(ENGINE, latency_ms), self.of(program, latency_ms), strict=True)
        return statistics.median(engine.a_second / other.a_second for engine, other in rounds)

    def targets(self) -> list[Target]:
        found = []
        if self.of(ENGINE, 80):
            found += self._speed_targets() + self._cost_targets()
        return found + self._tick_targets() + self._page_targets()

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": self.machine,
            "sent": [s.as_json() for s in self.sent],
            "django_missing": self.django_missing,
            "crowd": self.crowd,
            "processed": self.processed,
            "empty_tick": self.empty_tick and self.empty_tick.as_json(),
            "empty_tick_after": self.empty_tick_after and self.empty_tick_after.as_json(),
            "lists": self.lists and self.lists.as_json(),
            "pages": self.pages and self.pages.as_json(),
            "writes": [w.as_json() for w in self.writes],
            "targets": [
                {"what": t.what, "found": t.found, "wanted": t.wanted, "holds": t.holds}
                for t in self.targets()
            ],
        }

    def _speed_targets(self) -> list[Target]:
        wanted = [
            (BARE_LOOP, 80, 0.6),
            (BARE_LOOP, 0, 0.6),
            (PLAIN_SENDGRID, 80, 800.0),
            (PLAIN_SENDGRID, 0, None),
            (DJANGO, 80, 800.0),
            (DJANGO, 0, 60.0),
        ]
        return [
            self._speed_target(program, latency, times)
            for program, latency, times in wanted
            if self.of(program, latency)
        ]

    def _speed_target(self, program: str, latency_ms: int, wanted: float | None) -> Target:
        ratio = self.ratio(program, latency_ms)
        show = "{:.0%}".format if program == BARE_LOOP else "{:,.0f} ×".format
        return Target(
            f"Engine against {program.replace('_', ' ')}, {latency_ms} ms",
            show(ratio),
            "–" if wanted is None else f"≥ {show(wanted)}",
            None if wanted is None else ratio >= wanted,
        )

    def _cost_targets(self) -> list[Target]:
        runs = [s for s in self.sent if s.program == ENGINE]
        statements = statistics.median(s.statements_each for s in runs)
        cpu = statistics.median(s.cpu_us for s in runs)
        doubled = sum(s.doubled for s in runs)
        memory = max(s.peak_memory_mb for s in runs)
        return [
            Target("SQL statements an e-mail", f"{statements:.4f}", "≤ 0.02", statements <= 0.02),
            Target("CPU an e-mail, engine and Postgres", f"{cpu:.0f} µs", "≤ 120 µs", cpu <= 120),
            Target("Peak memory of the engine", f"{memory:.0f} MB", "< 300 MB", memory < 300),
            Target("Doubled by the engine", f"{doubled}", "0", doubled == 0),
        ]

    def _page_targets(self) -> list[Target]:
        if self.pages is None:
            return []
        return [
            Target(
                f"{what}, p95", f"{beside.page.p95:,.0f} ms", f"< {most} ms", beside.page.p95 < most
            )
            for what, beside, most in self.pages.promised()
        ]

    def _tick_targets(self) -> list[Target]:
        pairs = [
            (f"Empty tick over {self.crowd:,} enrollments", self.empty_tick),
            (f"The same right after {self.processed:,} were processed", self.empty_tick_after),
        ]
        return [
            Target(
                what,
                f"{t.claim.p50:.2f} ms (worst {t.claim.worst:.1f})",
                "< 10 ms",
                t.claim.p50 < 10,
            )
            for what, t in pairs
            if t is not None
        ]
