"""The short edition of the fault runs, and the proof that its checker can fail."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crm.settings import PROJECT_ROOT
from tests.faults.checker import KINDS
from tests.faults.points import POINTS

# Minutes of both cores: `make faults` runs them, and so does every landing.
pytestmark = pytest.mark.faults
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}
_TIMEOUT_SECONDS = 900

Phases = dict[str, dict[str, Any]]


def _run(folder: Path, *arguments: str) -> tuple[int, Phases, str]:
    """The command's exit code, its figures by phase, and what it printed."""
    figures = folder / "faults.json"
    answer = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--edition", "short", "--json", figures, *arguments],
        cwd=PROJECT_ROOT,
        env=_ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    said = answer.stdout + answer.stderr
    assert figures.exists(), said
    phases = json.loads(figures.read_text())["phases"]
    return answer.returncode, {phase["phase"]: phase for phase in phases}, said


def test_nothing_is_lost_or_sent_twice_whatever_is_killed_paused_cut_or_misled(
    tmp_path: Path,
) -> None:
    code, phases, said = _run(tmp_path)
    assert {name: wrong for name, p in phases.items() if (wrong := _what_is_wrong(p))} == {}, said
    assert code == 0, said
    for phase in phases.values():
        assert phase["faults"] >= phase["goal"] > 0, said
        assert phase["accepted"] + phase["expired"] == phase["sends"] > 0, said
        assert phase["held"] == 0, said
    killed = phases["kills"]["faults_by_kind"]
    assert {point for point in POINTS if killed.get(point, 0) < 4} == set()
    assert killed["at random"] > 0
    # All ways out of an interrupted send were taken, so none of them stood idle in this run.
    judged = phases["kills"]["notes"]
    assert min(judged[r] for r in ("lease_expired", "unconfirmed", "proven_not_sent")) > 0
    assert phases["three days down"]["expired"] > 0


def _what_is_wrong(phase: dict[str, Any]) -> dict[str, int]:
    return {kind: many for kind, many in phase["wrong"].items() if many}


@pytest.fixture(scope="module")
def by_rule(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Phases, str]:
    rules = ("evidence", "retry_on_expiry", "never_retry")
    return _run(tmp_path_factory.mktemp("rules"), "--rule", *rules)


def test_the_checker_finds_duplicates_where_expired_leases_are_simply_retried(
    by_rule: tuple[int, Phases, str],
) -> None:
    code, phases, said = by_rule
    assert phases["kills, retry_on_expiry"]["wrong"]["duplicated"] > 0, said
    assert code == 1


def test_the_checker_finds_losses_where_nothing_is_ever_sent_again(
    by_rule: tuple[int, Phases, str],
) -> None:
    _, phases, said = by_rule
    assert phases["kills, never_retry"]["wrong"]["lost"] > 0, said
    assert phases["kills, never_retry"]["wrong"]["duplicated"] == 0, said


def test_the_rule_of_evidence_passes_where_the_others_fail(
    by_rule: tuple[int, Phases, str],
) -> None:
    _, phases, said = by_rule
    assert phases["kills, evidence"]["wrong"] == dict.fromkeys(KINDS, 0), said
