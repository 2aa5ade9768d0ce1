"""`scripts/reorder_steps.py` as a black box: the order, what is taken out, and how it refuses."""

from pathlib import Path

import pytest

from tests.conftest import PublishedSteps, Raw
from tests.database.sending import values
from tests.scheduler.processes import Command, fails_in_one_line
from tests.warm_python import WarmPython

REORDER = "scripts/reorder_steps.py"
ORDER = (
    "select step from drip_campaign_templates t join drip_campaigns d on d.id = t.campaign_id"
    " where d.key = 'lead' and t.status = 'published' order by t.position"
)


@pytest.fixture
def command(
    warm_python: WarmPython, address: str, tmp_path: Path, published_steps: PublishedSteps
) -> Command:
    published_steps("lead", 3)
    return Command(warm_python, address, tmp_path / "data")


def test_the_e_mails_stand_in_the_order_named(command: Command, raw: Raw) -> None:
    answer = command(REORDER, "lead", 3, 1, 2)
    assert (answer.returncode, answer.stdout) == (0, "lead: 3 1 2\n")
    assert values(raw, ORDER) == [3, 1, 2]


def test_one_is_taken_out_and_the_others_close_up(command: Command, raw: Raw) -> None:
    answer = command(REORDER, "lead", "--retire", 2)
    assert answer.returncode == 0
    assert "step 2 retired; 0 contact(s) waited" in answer.stdout
    assert values(raw, ORDER) == [1, 3]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("lead", 1, 2), "every published step of lead once: 1 2 3"),
        (("lead", 1, 1, 2, 3), "every published step of lead once: 1 2 3"),
        (("lead", "--retire", 9), "no published step 9"),
        (("nonsense", 1), "no campaign nonsense"),
        (("lead",), "either the steps in their new order or --retire"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(
    command: Command, raw: Raw, arguments: tuple[object, ...], words: str
) -> None:
    fails_in_one_line(command(REORDER, *arguments), 2, words)
    assert values(raw, ORDER) == [1, 2, 3]
