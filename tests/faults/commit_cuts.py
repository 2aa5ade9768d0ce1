"""Connections cut during COMMIT, on the scheduler's way to the database and on the webhook's."""

from __future__ import annotations

import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.faults.commit_cutter import CommitCutter
from tests.faults.stage import Row, Stage, Watch
from tests.faults.world import Setting, World

PHASE = "cuts during COMMIT"
_SETTING = Setting(
    start=datetime(2028, 8, 7, 6, tzinfo=UTC), weights={"networking": 0.7, "lead": 0.3}
)
_CHANCES = (0.0, 0.05, 0.15, 0.3)


def run(stage: Stage, *, goal: int) -> Row:
    watch = Watch()
    with tempfile.TemporaryDirectory(prefix="mpt-crm-cutter-") as folder:
        cutter = CommitCutter(stage.cluster.socket_folder, Path(folder), random.Random(goal))
        with cutter, stage.world(PHASE, _SETTING, through=cutter.address) as world:
            rounds = 0
            while cutter.cuts.total() < goal and rounds < goal * 3:
                _a_round(world, cutter)
                rounds += 1
                stage.progress(PHASE, cutter.cuts.total(), goal, world)
            watch.faults.update(cutter.cuts)
            world.drain()
            return watch.row(PHASE, world, goal=goal)


def _a_round(world: World, cutter: CommitCutter) -> None:
    chance = world.randomness
    world.arrive(chance.randint(4, 10))
    cutter.chance = chance.choice(_CHANCES)
    children = [world.start() for _ in range(chance.choice((1, 2, 3, 4)))]
    for child in children:
        child.wait()
    world.advance(timedelta(minutes=chance.choice((1, 3, 10, 20))))
    cutter.chance = 0.0
