"""What every phase of a fault run is given, and what it hands back."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.faults import findings
from tests.faults.broken_rules import break_rule
from tests.faults.checker import Verdict
from tests.faults.database import Cluster
from tests.faults.processes import Nursery
from tests.faults.world import Setting, World, a_world

Say = Callable[[str], None]
_SECONDS_BETWEEN_LINES = 5.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `faults`: what was done to the machines, and how often; fewer than
    the `goal`, or anything wrong in the verdict, is a failure."""

    phase: str
    faults: Mapping[str, int]
    goal: int
    verdict: Verdict
    seconds: float
    notes: Mapping[str, int] = field(default_factory=dict)

    @property
    def fault_count(self) -> int:
        return sum(self.faults.values())

    @property
    def is_clean(self) -> bool:
        return self.verdict.is_clean and self.fault_count >= self.goal


class Stage:
    """The servers of a run, its seed, and the rule its worlds live by (empty: the product's)."""

    def __init__(
        self, cluster: Cluster, nursery: Nursery, *, seed: str, say: Say, rule: str = ""
    ) -> None:
        self.cluster = cluster
        self._nursery = nursery
        self._seed = seed
        self._say = say
        self._rule = rule
        self._said_at = 0.0

    def on(self, cluster: Cluster) -> Stage:
        """The same run on another server."""
        return Stage(cluster, self._nursery, seed=self._seed, say=self._say, rule=self._rule)

    @contextlib.contextmanager
    def world(self, phase: str, setting: Setting, **named: Any) -> Iterator[World]:
        address = self.cluster.new_database()
        if self._rule:
            with psycopg.connect(address, autocommit=True) as connection:
                break_rule(connection, self._rule)
        if through := named.pop("through", None):
            named["through"] = through(address)
        seed = f"{self._seed}/{phase}"
        with a_world(setting, address=address, nursery=self._nursery, seed=seed, **named) as world:
            yield world

    def progress(self, phase: str, done: int, goal: int, world: World) -> None:
        """A line every few seconds."""
        if time.monotonic() - self._said_at > _SECONDS_BETWEEN_LINES:
            self._said_at = time.monotonic()
            accepted = len(world.provider.accepted)
            self._say(
                f"{phase}: {done:,} of {goal:,}; {accepted:,} accepted; {world.now:%d %b %H:%M}"
            )


class Watch:
    """Seconds since it was made, and tallies of faults and of what came up beside them."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self.faults: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()

    def row(self, phase: str, world: World, *, goal: int, **rules: Any) -> Row:
        verdict = world.verdict(**rules)
        notes = {
            "events posted": world.emitter.posts,
            "posts failed": world.emitter.failures,
            "events given up": world.emitter.given_up,
            "webhook kills": world.webhook.kills,
            "requests": world.provider.requests,
            "requests on idle connections": world.provider.dropped,
            **findings.decisions_in(world.database),
            **self.notes,
        }
        seconds = time.monotonic() - self._since
        return Row(phase, dict(self.faults), goal, verdict, seconds, notes)
