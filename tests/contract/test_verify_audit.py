"""scripts/verify_audit.py as operators and their monitoring call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Raw
from tests.database.tampering import make_entries, tamper
from tests.scheduler.processes import Command
from tests.warm_python import WarmPython

SCRIPT = "scripts/verify_audit.py"


@pytest.fixture
def command(warm_python: WarmPython, address: str, tmp_path: Path) -> Command:
    return Command(warm_python, address, tmp_path / "data")


@pytest.fixture
def six_entries(raw: Raw) -> None:
    tamper(raw, "truncate audit_log")
    make_entries(raw, 6)


def test_a_whole_chain_is_one_line_with_its_head(
    command: Command, six_entries: None, raw: Raw
) -> None:
    whole = command(SCRIPT)
    assert whole.returncode == 0, whole.stderr
    line = whole.stdout.strip()
    assert line.startswith("6 entries, chain whole, head ")
    head = line.rpartition(" ")[2]
    make_entries(raw, 1)
    later = command(SCRIPT, "--expect", head, "--json")
    assert later.returncode == 0
    answer = json.loads(later.stdout)
    assert (answer["ok"], answer["entries"], answer["problem"]) == (True, 7, "")
    assert answer["head"] != head


@pytest.mark.parametrize(
    ("statement", "problem", "number", "words"),
    [
        (
            "update audit_log set after = null where number = 2",
            "changed",
            2,
            "entry 2 is not as it was written",
        ),
        ("delete from audit_log where number = 3", "missing", 3, "entry 3 is missing"),
        (
            "insert into audit_log (number, recorded_at, actor_kind, actor_name, relation, row_key,"
            " operation, previous_hash, hash) values (7, now(), 'operator', '', 'x', 'x',"
            " 'DELETE', 'x', 'x')",
            "added",
            7,
            "entry 7 does not follow from the one before it",
        ),
    ],
)
def test_a_break_is_named_by_number_and_kind(
    command: Command,
    six_entries: None,
    raw: Raw,
    statement: str,
    problem: str,
    number: int,
    words: str,
) -> None:
    tamper(raw, statement)
    broken = command(SCRIPT)
    assert (broken.returncode, words in broken.stdout) == (1, True), broken.stdout
    answer = json.loads(command(SCRIPT, "--json").stdout)
    assert (answer["ok"], answer["problem"], answer["broken_at"]) == (False, problem, number)


def test_a_cut_tail_is_found_with_the_head_noted_before(
    command: Command, six_entries: None, raw: Raw
) -> None:
    head = command(SCRIPT).stdout.split()[-1]
    tamper(raw, "delete from audit_log where number > 4")
    assert command(SCRIPT).returncode == 0
    cut = command(SCRIPT, "--expect", head)
    assert cut.returncode == 1
    assert "4 entries, chain broken: the expected head is nowhere in it" in cut.stdout


def test_an_empty_log_is_whole_and_says_so(command: Command, raw: Raw) -> None:
    tamper(raw, "truncate audit_log")
    assert command(SCRIPT).stdout == "0 entries, chain whole, head (the log is empty)\n"


def test_what_keeps_it_from_checking_is_told_in_one_line(command: Command, tmp_path: Path) -> None:
    mistyped = command(SCRIPT, "--expect", "0123")
    assert mistyped.returncode == 2
    assert "64 hexadecimal digits" in mistyped.stderr
    nowhere = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"
    unreachable = command(SCRIPT, database=nowhere)
    assert unreachable.returncode == 2
    assert "Traceback" not in unreachable.stderr
    assert "cannot be reached" in unreachable.stderr.splitlines()[-1]
    answer = json.loads(command(SCRIPT, "--json", database=nowhere).stdout)
    assert answer["ok"] is False
