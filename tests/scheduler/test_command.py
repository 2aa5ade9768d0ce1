"""`python drip_scheduler.py` as a black box: one JSON line, exit codes, clear words."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from crm.settings import PROJECT_ROOT
from tests.cast import NOW
from tests.conftest import Raw
from tests.database.sending import values
from tests.scheduler.processes import Command, environment_for, fails_in_one_line
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.sendgrid_records import unauthorized
from tests.warm_python import WarmPython


@pytest.fixture
def command(warm_python: WarmPython, address: str, tmp_path: Path) -> Command:
    return Command(warm_python, address, tmp_path / "data")


@pytest.fixture
def three_leads(library: None, raw: Raw) -> None:
    """Due at NOW."""
    raw.execute(
        "insert into contacts (first_name, email, contact_type)"
        " select 'Lead', 'lead' || n || '@customer.example', 'lead' from generate_series(1, 3) n"
    )


def test_a_dry_run_says_what_is_due_and_touches_nothing(
    command: Command, three_leads: None, raw: Raw
) -> None:
    answer = command("drip_scheduler.py", "--once", "--dry-run", "--now", NOW.isoformat())
    report = json.loads(answer.stdout)
    assert (report["dry_run"], report["due"]) == (True, 3)
    assert [(s["campaign"], s["step"], s["due"]) for s in report["steps"]] == [("lead", 1, 3)]
    assert values(raw, "select count(*) from scheduler_runs") == [0]
    assert values(raw, "select count(*) from email_sends") == [0]


def test_once_prints_one_json_line_and_writes_to_the_outbox(
    command: Command, three_leads: None, tmp_path: Path
) -> None:
    answer = command("drip_scheduler.py", "--once", "--now", NOW.isoformat())
    assert answer.returncode == 0, answer.stderr
    assert len(answer.stdout.splitlines()) == 1
    report = json.loads(answer.stdout)
    assert (report["accepted"], report["requests"], report["error"]) == (3, 1, "")
    day = tmp_path / "data" / "outbox" / f"{NOW:%Y-%m-%d}"
    assert len(list(day.glob("*.eml"))) == 3
    again = json.loads(command("drip_scheduler.py", "--once", "--now", NOW.isoformat()).stdout)
    assert again["claimed"] == 0


@pytest.mark.parametrize(
    "moment", ["2026-03-10T15:00:00", "2026-03-10T15:00Z", "2026-03-10T11:00-04:00"]
)
def test_a_moment_without_a_zone_is_utc(command: Command, three_leads: None, moment: str) -> None:
    answer = command("drip_scheduler.py", "--once", "--dry-run", "--now", moment)
    assert json.loads(answer.stdout)["due"] == 3


def test_a_run_that_ended_early_says_why_and_exits_with_one(
    command: Command, three_leads: None, sendgrid_standin: SendGridStandIn
) -> None:
    sendgrid_standin.answer_next(unauthorized())
    once = ("drip_scheduler.py", "--once", "--now", NOW.isoformat())
    answer = command(*once, standin=sendgrid_standin)
    assert answer.returncode == 1
    assert "credits exceeded" in json.loads(answer.stdout)["error"]
    assert "customer.example" not in answer.stdout + answer.stderr, "no address in a log"
    assert sendgrid_standin.key not in answer.stdout + answer.stderr
    halted = command(*once, standin=sendgrid_standin)
    assert halted.returncode == 1
    assert "All sending is stopped" in json.loads(halted.stdout)["error"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DRIP_ENABLED", "maybe"),
        ("PUBLIC_URL", "crm.example"),
        ("DATABASE_URL", "mysql://u:hidden@h/d"),
    ],
)
def test_a_malformed_setting_stops_a_command_with_one_line(
    address: str, name: str, value: str, tmp_path: Path
) -> None:
    answer = subprocess.run(
        [sys.executable, "drip_scheduler.py", "--once"],
        cwd=PROJECT_ROOT,
        env=environment_for(address, DATA_DIR=str(tmp_path)) | {name: value},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    fails_in_one_line(answer, 2, name)
    assert value not in answer.stderr


def test_a_database_without_our_tables_is_told_to_be_migrated(
    command: Command, empty_address: str
) -> None:
    answer = command("drip_scheduler.py", "--once", database=empty_address)
    fails_in_one_line(answer, 2, "scripts/migrate.py")
