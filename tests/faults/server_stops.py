"""Postgres stopped at once in the middle of anything, and started again."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from tests.faults.stage import Row, Stage, Watch
from tests.faults.world import Setting, World

PHASE = "Postgres stops"
_SETTING = Setting(
    start=datetime(2028, 7, 3, 6, tzinfo=UTC),
    weights={"networking": 0.7, "lead": 0.3},
    latency_seconds=0.005,
)


def run(stage: Stage, *, goal: int) -> Row:
    """`stage` needs a careful cluster: what was committed must be there after the start."""
    watch = Watch()
    with stage.world(PHASE, _SETTING) as world:
        for done in range(goal):
            _a_round(stage, world, watch)
            stage.progress(PHASE, done, goal, world)
        world.drain()
        return watch.row(PHASE, world, goal=goal)


def _a_round(stage: Stage, world: World, watch: Watch) -> None:
    chance = world.randomness
    world.arrive(chance.randint(8, 16))
    children = [world.start() for _ in range(chance.choice((1, 2, 2, 3)))]
    in_events = chance.random() < 0.25
    watch.faults["while events come in" if in_events else "while sending"] += 1
    stop = threading.Thread(
        target=_stop_and_start,
        args=(stage, chance.uniform(0.01, 0.15), chance.choice((0.0, 0.0, 0.3))),
    )
    if not in_events:
        stop.start()
    for child in children:
        child.wait()
    if in_events:
        stop.start()
        while stop.is_alive():
            world.advance(timedelta(seconds=20))
    stop.join()
    world.reconnect()
    world.tick()
    world.advance(timedelta(minutes=chance.choice((2, 5, 20, 40))))


def _stop_and_start(stage: Stage, after: float, down_for: float) -> None:
    time.sleep(after)
    stage.cluster.stop_at_once()
    time.sleep(down_for)
    stage.cluster.start_again()
