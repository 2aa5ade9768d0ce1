"""SIGSTOP for longer than the lease, then SIGCONT: a scheduler that wakes up in another time."""

from __future__ import annotations

import signal
import time
from concurrent.futures import wait
from datetime import UTC, datetime, timedelta

from tests.faults.points import POINTS
from tests.faults.processes import Child
from tests.faults.stage import Row, Stage, Watch
from tests.faults.world import Setting, World

PHASE = "pauses beyond the lease"

_SETTING = Setting(
    start=datetime(2028, 5, 2, 6, tzinfo=UTC),
    weights={"networking": 0.7, "lead": 0.3},
    lease_seconds=600,
)
_MINUTES = (11, 30, 65, 90, 200, 700)
_HELD_SECONDS = 2.0
_STEPS = 3


def run(stage: Stage, *, goal: int) -> Row:
    watch = Watch()
    with stage.world(PHASE, _SETTING) as world:
        rounds = 0
        while watch.faults.total() < goal and rounds < goal * 3:
            _a_round(world, watch, rounds)
            rounds += 1
            stage.progress(PHASE, watch.faults.total(), goal, world)
        world.drain()
        return watch.row(PHASE, world, goal=goal)


def _a_round(world: World, watch: Watch, number: int) -> None:
    """Some fall asleep; time passes in steps, others work; the sleepers wake up, all at once."""
    chance = world.randomness
    world.arrive(chance.randint(8, 20))
    points = [POINTS[number % len(POINTS)], *chance.sample(POINTS, chance.randint(0, 1))]
    sleepers = [world.start(point=p, signal_number=signal.SIGSTOP) for p in points]
    sleepers += [_stopped_from_outside(world) for _ in range(chance.randint(0, 1))]
    asleep = [child for child in sleepers if _falls_asleep(child)]
    for child in asleep:
        watch.faults[child.order.point or "at random"] += 1
    held_up = _meanwhile(world, timedelta(minutes=chance.choice(_MINUTES)))
    watch.notes["others held up"] += len(held_up)
    for child in asleep:
        child.signal(signal.SIGCONT)
    for child in [*sleepers, *held_up]:
        _see_to_its_end(child)
    world.advance(timedelta(minutes=chance.choice((1, 5, 20))))


def _stopped_from_outside(world: World) -> Child:
    child = world.start()
    child.pid.result(10)
    time.sleep(world.randomness.uniform(0.01, 0.12))
    child.signal(signal.SIGSTOP)
    return child


def _falls_asleep(child: Child) -> bool:
    """False: it ended before it came to its point, or waits for a row that a sleeper holds."""
    until = time.monotonic() + _HELD_SECONDS
    while not child.end.done() and time.monotonic() < until:
        if child.is_stopped():
            return True
        time.sleep(0.002)
    return False


def _see_to_its_end(child: Child) -> None:
    """One that was held up may come to its point only now."""
    while not child.end.done():
        if child.is_stopped():
            child.signal(signal.SIGCONT)
        time.sleep(0.01)
    child.wait()


def _meanwhile(world: World, lasting: timedelta) -> list[Child]:
    """In three steps, with a tick of somebody awake after each. Returns whoever is held up: one
    that sleeps inside a transaction may hold a row the others want."""
    held_up = []
    for _ in range(_STEPS):
        world.advance(lasting / _STEPS, all_done=False)
        world.arrive(3)
        awake = world.start()
        if wait([awake.end], timeout=_HELD_SECONDS).not_done:
            held_up.append(awake)
    return held_up
