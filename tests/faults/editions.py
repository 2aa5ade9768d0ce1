"""How much of everything a run does, and the run itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial

from tests.faults import (
    calendar_days,
    commit_cuts,
    kills,
    long_silence,
    pauses,
    provider_trouble,
    server_stops,
    wrong_clocks,
)
from tests.faults.database import own_cluster
from tests.faults.processes import Nursery
from tests.faults.stage import Row, Say, Stage

Phase = Callable[[Stage], Row]
EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """Faults of each kind; the calendar's days are walked in rounds of so many minutes."""

    kills: int
    kills_at_each_point: int
    pauses: int
    provider_trouble: int
    server_stops: int
    commit_cuts: int
    wrong_clocks: int
    kills_after_silence: int
    calendar_minutes: int
    calendar_cases: Sequence[calendar_days.Case] = calendar_days.CASES
    kills_under_a_rule: int = 300


EDITIONS = {
    # About a minute.
    "short": Edition(
        kills=90,
        kills_at_each_point=4,
        pauses=5,
        provider_trouble=9,
        server_stops=2,
        commit_cuts=12,
        wrong_clocks=6,
        kills_after_silence=4,
        calendar_minutes=150,
        calendar_cases=calendar_days.CASES[1:3],
        kills_under_a_rule=60,
    ),
    # Three or four minutes on two cores.
    "default": Edition(
        kills=1_200,
        kills_at_each_point=40,
        pauses=50,
        provider_trouble=40,
        server_stops=15,
        commit_cuts=60,
        wrong_clocks=40,
        kills_after_silence=15,
        calendar_minutes=50,
    ),
    "full": Edition(
        kills=10_000,
        kills_at_each_point=200,
        pauses=300,
        provider_trouble=500,
        server_stops=200,
        commit_cuts=500,
        wrong_clocks=300,
        kills_after_silence=100,
        calendar_minutes=20,
        kills_under_a_rule=1_000,
    ),
}


def run(edition: Edition, *, seed: str, say: Say) -> list[Row]:
    """Every phase, each in a world of its own; two at a time, the longest first."""
    with own_cluster() as cluster, Nursery() as nursery:
        stage = Stage(cluster, nursery, seed=seed, say=say)
        return _two_at_a_time(nursery, [partial(phase, stage) for phase in _phases(edition)])


def run_under_rules(edition: Edition, rules: Sequence[str], *, seed: str, say: Say) -> list[Row]:
    """Kills alone: by the product's own rule (EVIDENCE), or by broken ones in its place."""
    goal = edition.kills_under_a_rule
    with own_cluster() as cluster, Nursery() as nursery:

        def stage(rule: str) -> Stage:
            broken = "" if rule == EVIDENCE else rule
            return Stage(cluster, nursery, seed=seed, say=say, rule=broken)

        return _two_at_a_time(
            nursery,
            [partial(kills.run_plain, stage(r), goal=goal, phase=f"kills, {r}") for r in rules],
        )


def _two_at_a_time(nursery: Nursery, work: Sequence[Callable[[], Row]]) -> list[Row]:
    """The first failure, or an interruption, ends everything: the nursery takes its children with
    it, and the phase beside it cannot go on."""
    with ThreadPoolExecutor(2) as lanes:
        under_way = [lanes.submit(phase) for phase in work]
        try:
            wait(under_way, return_when=FIRST_EXCEPTION)
            for phase in (p for p in under_way if p.done()):
                phase.result()
        except BaseException:
            lanes.shutdown(wait=False, cancel_futures=True)
            nursery.close()
            raise
        return [phase.result() for phase in under_way]


def _phases(edition: Edition) -> list[Phase]:
    return [
        partial(kills.run, goal=edition.kills, at_each_point=edition.kills_at_each_point),
        partial(pauses.run, goal=edition.pauses),
        partial(provider_trouble.run, goal=edition.provider_trouble),
        partial(_on_a_careful_server, goal=edition.server_stops),
        partial(commit_cuts.run, goal=edition.commit_cuts),
        partial(wrong_clocks.run, goal=edition.wrong_clocks),
        partial(long_silence.run, goal=edition.kills_after_silence),
        *(
            partial(calendar_days.run, case=case, minutes_a_round=edition.calendar_minutes)
            for case in edition.calendar_cases
        ),
    ]


def _on_a_careful_server(stage: Stage, *, goal: int) -> Row:
    with own_cluster(careful=True) as cluster:
        return server_stops.run(stage.on(cluster), goal=goal)
