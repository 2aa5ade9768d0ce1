"""No scheduler runs for three days; then everything that piled up is caught up with.

Contacts keep arriving meanwhile. Windows and the daily cap hold all the same, and e-mails that
expire after a day are left out, not sent late.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.faults.load import publish
from tests.faults.points import POINTS
from tests.faults.stage import Row, Stage, Watch
from tests.faults.world import Setting, World

PHASE = "three days down"
_SETTING = Setting(
    start=datetime(2028, 5, 22, 13, tzinfo=UTC),
    weights={"networking": 0.3, "lead": 0.4, "prospect": 0.3},
    batch_size=20,
)
_DOWN = timedelta(days=3)
_EXPIRING = "lead"


def run(stage: Stage, *, goal: int) -> Row:
    """`goal` kills while catching up."""
    watch = Watch()
    with stage.world(PHASE, _SETTING) as world:
        world.plans[_EXPIRING] = replace(world.plans[_EXPIRING], expires_after=1)
        publish(world.database, world.plans[_EXPIRING])
        _an_ordinary_day(world)
        for _ in range(12):
            world.arrive(4)
            world.advance(_DOWN / 12)
        watch.notes["days down"] = _DOWN.days
        while watch.faults["kills"] < goal:
            _catch_up(world, watch)
            stage.progress(PHASE, watch.faults["kills"], goal, world)
        world.drain()
        return watch.row(PHASE, world, goal=goal)


def _an_ordinary_day(world: World) -> None:
    for _ in range(12):
        world.arrive(8)
        world.tick()
        world.advance(timedelta(hours=2))


def _catch_up(world: World, watch: Watch) -> None:
    chance = world.randomness
    world.arrive(2)
    children = [world.start(point=chance.choice(POINTS)) for _ in range(2)] + [world.start()]
    for child in children:
        watch.faults["kills"] += child.wait().was_killed
    world.advance(timedelta(minutes=chance.choice((3, 10, 30))))
