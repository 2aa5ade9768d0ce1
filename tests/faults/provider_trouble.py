"""A provider that misbehaves: busy, unwell before or after accepting, silent, gone, or mad."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.faults.stage import Row, Stage, Watch
from tests.faults.world import Setting, World
from tests.standins import sendgrid_records as answers
from tests.standins.sendgrid_records import Scripted

PHASE = "provider trouble"
_PATIENCE_SECONDS = 0.25
_LATER_THAN_PATIENCE_SECONDS = 0.5
_SETTING = Setting(
    start=datetime(2028, 6, 5, 6, tzinfo=UTC), weights={"networking": 0.7, "lead": 0.3}
)

_TROUBLE: dict[str, Callable[[], Scripted]] = {
    "429": lambda: answers.rate_limited(retry_after="90"),
    "503 not accepted": answers.server_error,
    "500 after accepting": lambda: answers.server_error(500, accept=True),
    "timeout after accepting": lambda: answers.slow(_LATER_THAN_PATIENCE_SECONDS),
    "dropped before accepting": answers.drop_before_accepting,
    "dropped after accepting": answers.drop_after_accepting,
    "dropped while reading": answers.drop_while_reading,
    "garbage": answers.garbage,
    "redirect": lambda: answers.redirect("https://elsewhere.example/"),
    "401": answers.unauthorized,
}


def run(stage: Stage, *, goal: int) -> Row:
    watch = Watch()
    with stage.world(PHASE, _SETTING) as world:
        rounds = 0
        while watch.faults.total() < goal and rounds < goal * 3:
            _a_round(world, watch.faults)
            rounds += 1
            stage.progress(PHASE, watch.faults.total(), goal, world)
        world.drain()
        return watch.row(PHASE, world, goal=goal)


def _a_round(world: World, done: Counter[str]) -> None:
    chance = world.randomness
    world.arrive(chance.randint(3, 10))
    fewest = sorted(_TROUBLE, key=lambda name: done[name])
    name = chance.choice(fewest[:4])
    # Some good answers first, so that it strikes in the middle of a run, too.
    script = [Scripted()] * chance.choice((0, 0, 1, 2)) + [_TROUBLE[name]()]
    world.provider.answer_next(*script)
    children = [world.start(patience=_PATIENCE_SECONDS) for _ in range(chance.choice((1, 1, 2)))]
    for child in children:
        child.wait()
    if not world.provider.forget_script():
        done[name] += 1
    _lift_halt(world)
    world.advance(timedelta(minutes=chance.choice((2, 11, 15, 30))))


def _lift_halt(world: World) -> None:
    """After a refused key an admin has looked, and lets sending go on."""
    world.database.execute("update app_settings set value = 'null' where key = 'sending_halt'")
