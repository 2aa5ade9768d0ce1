"""SIGKILL at every named point of a tick, and from outside at any moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.points import ONCE_A_TICK, POINTS
from tests.faults.processes import Child
from tests.faults.stage import Row, Stage, Watch
from tests.faults.world import Setting, World

PHASE = "kills"
AT_RANDOM = "at random"
_RANDOM_SHARE = 0.15
_CLEAN_SHARE = 0.1
_ARRIVALS_A_SCHEDULER = 2
_SCHEDULERS_AT_ONCE = (1, 2, 2, 3, 3, 4, 4, 5, 6, 8)

# Two days before 29 February 2028, two weeks before clocks change in America.
SETTING = Setting(
    start=datetime(2028, 2, 27, 6, tzinfo=UTC),
    weights={"networking": 0.55, "lead": 0.3, "prospect": 0.1, "client": 0.05},
    latency_seconds=0.002,
)


def run(stage: Stage, *, goal: int, at_each_point: int = 0) -> Row:
    """Ends with `goal` kills, `at_each_point` at least at each point, and everything sent."""
    return _kill(stage, PHASE, SETTING, goal=goal, at_each_point=at_each_point, days_after=12)


def run_plain(stage: Stage, *, goal: int, phase: str) -> Row:
    """Without send windows, so that three days are enough to see what a rule makes of it."""
    setting = replace(SETTING, weights={"networking": 1})
    return _kill(stage, phase, setting, goal=goal, at_each_point=0, days_after=3)


def _kill(
    stage: Stage,
    phase: str,
    setting: Setting,
    *,
    goal: int,
    at_each_point: int,
    days_after: float,
) -> Row:
    watch = Watch()
    with stage.world(phase, setting) as world:
        rounds = 0
        while _is_short_of(watch.faults, goal, at_each_point) and rounds < goal * 3:
            _a_round(world, watch.faults)
            rounds += 1
            stage.progress(phase, watch.faults.total(), goal, world)
        world.drain(most_days=days_after)
        return watch.row(phase, world, goal=goal)


def _is_short_of(done: Counter[str], goal: int, at_each_point: int) -> bool:
    return done.total() < goal or any(done[point] < at_each_point for point in POINTS)


def _a_round(world: World, done: Counter[str]) -> None:
    """Several schedulers at once, most of them to die; then some minutes pass."""
    chance = world.randomness
    count = chance.choice(_SCHEDULERS_AT_ONCE)
    for arrival in world.arrive(count * _ARRIVALS_A_SCHEDULER):
        if chance.random() < 0.01:
            world.stop_contact(arrival)
    children = [world.start(**_death(world, done)) for _ in range(count)]
    for child in children:
        if child.wait().was_killed:
            done[_place_of(child)] += 1
    perhaps_an_outage(world)
    world.advance(timedelta(seconds=chance.choice((20, 150, 300, 600, 1200))))


def _place_of(child: Child) -> str:
    return child.order.point or AT_RANDOM


def _death(world: World, done: Counter[str]) -> dict[str, Any]:
    chance = world.randomness
    lot = chance.random()
    if lot < _CLEAN_SHARE:
        return {}
    if lot < _CLEAN_SHARE + _RANDOM_SHARE:
        return {"kill_after": chance.uniform(0.005, 0.15)}
    fewest = sorted(POINTS, key=lambda point: done[point])
    point = chance.choice(fewest[: len(fewest) // 2])
    passes = 1 if point in ONCE_A_TICK else chance.choices((1, 2, 3), (0.75, 0.2, 0.05))[0]
    return {"point": point, "passes": passes}


def perhaps_an_outage(world: World) -> None:
    """Now and then nobody answers the webhook: for seconds, for an hour, for a night."""
    chance = world.randomness
    if world.webhook.is_up and chance.random() < 0.015:
        minutes = chance.choice((0.2, 2, 15, 60, 300, 720))
        world.begin_outage(timedelta(minutes=minutes))
