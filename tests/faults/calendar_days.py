"""Days that calendars trip over: 29 February, and nights in which clocks change.

Contacts may be written to between 01:30 and 03:30 of their own time: the hours that a change skips
or repeats.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.faults.points import POINTS
from tests.faults.stage import Row, Stage, Watch
from tests.faults.world import Setting, World

_AMERICA = (("America/New_York", "US"), ("America/St_Johns", "CA"), ("America/Chicago", "US"))
_LORD_HOWE = (("Australia/Lord_Howe", "AU"), ("Australia/Sydney", "AU"))


@dataclass(frozen=True, slots=True)
class Case:
    phase: str
    start: datetime
    places: tuple[tuple[str, str], ...]


CASES = (
    Case("29 February", datetime(2028, 2, 28, 3, tzinfo=UTC), _AMERICA),
    Case("clocks go forward", datetime(2028, 3, 11, 3, tzinfo=UTC), _AMERICA),
    Case("clocks go back", datetime(2028, 11, 4, 3, tzinfo=UTC), _AMERICA),
    # By half an hour, in a window they do not leave.
    Case("half an hour forward", datetime(2028, 9, 29, 12, tzinfo=UTC), _LORD_HOWE),
    Case("half an hour back", datetime(2028, 3, 31, 12, tzinfo=UTC), _LORD_HOWE),
)
_HOURS = 50


def run(stage: Stage, case: Case, *, minutes_a_round: int) -> Row:
    """Fifty hours around the change; now and then a scheduler dies at one of its points."""
    watch = Watch()
    setting = Setting(start=case.start, weights={"client": 0.7, "networking": 0.3})
    rounds = _HOURS * 60 // minutes_a_round
    with stage.world(case.phase, setting) as world:
        for done in range(rounds):
            _a_round(world, watch, case, timedelta(minutes=minutes_a_round))
            stage.progress(case.phase, done, rounds, world)
        world.drain()
        return watch.row(case.phase, world, goal=1)


def _a_round(world: World, watch: Watch, case: Case, step: timedelta) -> None:
    chance = world.randomness
    world.arrive(chance.randint(1, 4), places=case.places)
    if chance.random() < 0.3:
        dying = world.start(point=chance.choice(POINTS))
        watch.faults["kills"] += dying.wait().was_killed
    else:
        world.tick()
    # Seconds off the full minute: a window's first and last moments are not always met exactly.
    world.advance(step + timedelta(seconds=chance.choice((-7, 0, 0, 7))))
