"""`scripts/explain.py` as a black box: whom it finds, what it prints, how it ends."""

import json
from pathlib import Path

import pytest

from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.scheduler.processes import Command, environment_for, fails_in_one_line
from tests.warm_python import WarmPython

EXPLAIN = "scripts/explain.py"


@pytest.fixture
def command(warm_python: WarmPython, address: str, tmp_path: Path) -> Command:
    return Command(warm_python, address, tmp_path / "data")


@pytest.fixture
def ada(a_contact: AContact, published_steps: PublishedSteps) -> str:
    """In Lead since NOW, half a year and more ago: its first e-mail is long due."""
    published_steps("lead", 6, delay_days=3)
    return a_contact(first_name="Ada", last_name="Byron", email="ada@engines.example")


LINES = [
    "1 of 6  Lead · Lead e-mail 1 — Due since Tue 10 Mar 2026, 11:00; it leaves with the next run"
    " within the sending hours.",
    *(
        f"{n} of 6  Lead · Lead e-mail {n} — Follows 3 days after e-mail {n - 1}."
        for n in range(2, 7)
    ),
]


def test_a_contact_is_found_by_address_id_and_name(command: Command, ada: str) -> None:
    for wanted in ("Ada@Engines.example ", ada, "ada  byron", "Byron"):
        answer = command(EXPLAIN, wanted)
        assert (answer.returncode, answer.stderr) == (0, ""), wanted
        assert answer.stdout.splitlines() == LINES, wanted


def test_one_step_alone_and_one_campaign_alone(command: Command, ada: str) -> None:
    assert command(EXPLAIN, ada, 3).stdout.splitlines() == [LINES[2]]
    assert command(EXPLAIN, ada, "--campaign", "lead").stdout.splitlines() == LINES


def test_times_are_on_the_contact_s_own_clock(command: Command, ada: str, raw: Raw) -> None:
    raw.execute("update contacts set time_zone = 'Asia/Tokyo'")
    assert "Due since Wed 11 Mar 2026, 00:00;" in command(EXPLAIN, ada, 1).stdout


def test_json_has_the_same_answer_for_programs(command: Command, ada: str) -> None:
    told = json.loads(command(EXPLAIN, ada, 2, "--json").stdout)
    assert told == {
        "steps": [
            {
                "campaign_key": "lead",
                "campaign_name": "Lead",
                "step": 2,
                "place": 2,
                "steps": 6,
                "template_name": "Lead e-mail 2",
                "standing": "waiting",
                "sentence": "Follows 3 days after e-mail 1.",
            }
        ],
        "not_enrolled": None,
    }


def test_an_archived_contact_is_found_and_told_why(command: Command, ada: str, raw: Raw) -> None:
    raw.execute("update contacts set archived_at = %s", [NOW])
    assert command(EXPLAIN, "Ada Byron", 2).stdout == (
        "2 of 6  Lead · Lead e-mail 2 — Not sent: Lead ended on Tue 10 Mar 2026, 11:00, before this"
        " e-mail, because the contact was archived.\n"
    )


def test_a_contact_outside_every_campaign_is_told_why_in_a_line(
    command: Command, a_contact: AContact
) -> None:
    answer = command(EXPLAIN, a_contact(email=None))
    assert answer.stdout == (
        "No campaign writes to this contact: the contact has no e-mail address.\n"
    )


def test_nobody_and_not_one_alone_end_in_one_line(
    command: Command, ada: str, a_contact: AContact
) -> None:
    a_contact(first_name="Ada", last_name="Byron", email="second@engines.example")
    for nobody in ("da@engines.example", "Ad", "00000000-0000-4000-8000-00000000dead", "%"):
        fails_in_one_line(command(EXPLAIN, nobody), 2, "There is no such contact.")
    answer = command(EXPLAIN, "Ada Byron")
    fails_in_one_line(answer, 2, "Several contacts", "A*** B*** (a***)", "A*** B*** (s***)")
    assert "engines.example" not in answer.stderr
    assert "Byron" not in answer.stderr


def test_a_step_or_campaign_that_is_not_there_ends_in_one_line(command: Command, ada: str) -> None:
    fails_in_one_line(command(EXPLAIN, ada, 7), 2, "has an e-mail 7")
    fails_in_one_line(command(EXPLAIN, ada, "--campaign", "client"), 2, "client")


def test_an_unreachable_database_ends_in_one_line(command: Command) -> None:
    nowhere = "postgresql://mpt:hidden-word@127.0.0.1:9/nowhere?connect_timeout=1"
    answer = command(EXPLAIN, "Ada", database=nowhere)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "cannot be reached" in answer.stderr.strip().splitlines()[-1]
    assert "hidden-word" not in answer.stderr
    assert "hidden-word" in environment_for(nowhere)["DATABASE_URL"], "there was a word to hide"
