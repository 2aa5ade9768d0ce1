"""One machine's clock is hours off, and schedulers on the others work beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.points import POINTS
from tests.faults.stage import Row, Stage, Watch
from tests.faults.world import Setting, World

PHASE = "wrong clocks"
_HOURS_OFF = (-3, 3)
_SETTING = Setting(start=datetime(2028, 9, 4, 6, tzinfo=UTC), weights={"networking": 1})


def run(stage: Stage, *, goal: int) -> Row:
    watch = Watch()
    with stage.world(PHASE, _SETTING) as world:
        for done in range(goal):
            _a_round(world, watch)
            stage.progress(PHASE, done, goal, world)
        world.drain()
        return watch.row(PHASE, world, goal=goal, on_time=False)


def _a_round(world: World, watch: Watch) -> None:
    chance = world.randomness
    world.arrive(chance.randint(6, 12))
    hours = chance.choice(_HOURS_OFF)
    watch.faults[f"{hours:+} hours"] += 1
    off = world.start(skew_seconds=hours * 3600.0, **_perhaps_a_death(world))
    others = [world.start(**_perhaps_a_death(world)) for _ in range(chance.randint(1, 2))]
    for child in (off, *others):
        child.wait()
    world.advance(timedelta(minutes=chance.choice((1, 5, 10, 20, 40))))


def _perhaps_a_death(world: World) -> dict[str, Any]:
    if world.randomness.random() < 0.5:
        return {}
    return {"point": world.randomness.choice(POINTS)}
