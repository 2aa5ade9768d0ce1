"""The operators' commands with a Supabase project alone, as processes of their own."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from db_service import DbService
from scripts.populate_drip_templates import LIBRARY, populate
from tests.cast import NOW
from tests.conftest import Raw
from tests.contract.supabase_only import NEW_KEYS, OLDER_KEYS, Keys, supabase_environment
from tests.database.sending import values
from tests.scheduler.processes import fails_in_one_line
from tests.standins.sendgrid import SendGridStandIn
from tests.warm_python import Answer, WarmPython

Run = Callable[..., Answer]
# A search path is all a Python of ours needs of the machine around it.
MACHINE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}
CSV = """\
First Name,Last Name,Email,Time Zone,Email Opted Out
Ada,Byron,ada@engines.example,America/New_York,
Grace,Hopper,grace@navy.example,America/New_York,false
Gone,Already,gone@optout.example,,true
No,Address,not-an-address,,
"""


@pytest.fixture
def run(warm_python: WarmPython, project_url: str, tmp_path: Path) -> Run:
    """A command of the project; without a stand-in there is no SendGrid key."""

    def command(
        *arguments: object, standin: SendGridStandIn | None = None, keys: Keys = NEW_KEYS
    ) -> Answer:
        ours = supabase_environment(project_url, keys, standin, DATA_DIR=str(tmp_path))
        return warm_python.run(arguments, MACHINE | ours)

    return command


@pytest.fixture
def library(service: DbService) -> None:
    populate(service, LIBRARY, dry_run=False, now=NOW - timedelta(days=30))


def _said(answer: Answer) -> str:
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.mark.parametrize("keys", [NEW_KEYS, OLDER_KEYS], ids=["new keys", "older keys"])
def test_from_an_empty_project_to_the_answer_why(
    run: Run, raw: Raw, sendgrid_standin: SendGridStandIn, tmp_path: Path, keys: Keys
) -> None:
    file, rejects = tmp_path / "people.csv", tmp_path / "rejects.csv"
    file.write_text(CSV)
    assert _said(run("scripts/populate_drip_templates.py", keys=keys)).startswith("23 e-mail(s)")
    arguments = (file, "--type", "lead", "--enroll", "--rejects", rejects)
    told = _said(run("scripts/import_contacts.py", *arguments, keys=keys))
    assert "imported 2" in told
    assert "suppressed 1" in told
    assert "not-an-address" in rejects.read_text("utf-8-sig")

    # The import stamped its enrollments with the real time: the run acts as if it were later.
    raw.execute("update campaign_enrollments set next_send_at = %s", (NOW,))
    once = ("drip_scheduler.py", "--once", "--now", NOW.isoformat())
    assert json.loads(_said(run(*once, "--dry-run", keys=keys)))["due"] == 2
    report = json.loads(_said(run(*once, standin=sendgrid_standin, keys=keys)))
    assert (report["accepted"], report["error"]) == (2, "")
    assert {mail.to for mail in sendgrid_standin.accepted} == {
        "ada@engines.example",
        "grace@navy.example",
    }
    why = _said(run("scripts/explain.py", "ada@engines.example", "1", keys=keys))
    assert why.startswith("1 of 6  Lead")
    assert "Sent" in why


def test_what_else_an_operator_runs(
    run: Run, raw: Raw, library: None, sendgrid_standin: SendGridStandIn, tmp_path: Path
) -> None:
    assert _said(run("scripts/rescore_events.py")) == "0 opens and clicks changed\n"
    assert _said(run("scripts/reorder_steps.py", "client", "1", "3", "2", "4")) == (
        "client: 1 3 2 4\n"
    )
    retired = _said(run("scripts/reorder_steps.py", "client", "--retire", "4"))
    assert retired.startswith("client: step 4 retired")
    again = _said(run("scripts/populate_drip_templates.py", "--dry-run"))
    assert "1 e-mail(s) would be published, 22 unchanged." in again

    test_mail = ("scripts/simple_drip_test.py", "--to", "me@mpt.example", "--campaign", "lead")
    assert _said(run(*test_mail)).startswith("outbox: Accepted")
    assert len(list((tmp_path / "outbox").rglob("*.eml"))) == 1
    assert _said(run(*test_mail, standin=sendgrid_standin)).startswith("sendgrid: Accepted")
    assert values(raw, "select count(*) from email_sends") == [0]


def test_the_suppression_lists_are_brought_together(
    run: Run, raw: Raw, sendgrid_standin: SendGridStandIn
) -> None:
    raw.execute(
        "insert into suppressions (email, reason, source)"
        " select n || '@here.example', 'manual', 'x' from generate_series(1, 1500) n"
    )
    sendgrid_standin.suppressions.add("bounces", ["theirs@there.example"])
    compared = run("scripts/sync_suppressions.py", "--json", standin=sendgrid_standin)
    told = json.loads(compared.stdout)
    assert (compared.returncode, told["only_here"], told["only_at_sendgrid"]) == (1, 1500, 1)
    settled = _said(run("scripts/sync_suppressions.py", "--apply", standin=sendgrid_standin))
    assert "Added 1 here and 1,500 at SendGrid." in settled
    theirs = "select reason from suppressions where email = 'theirs@there.example'"
    assert values(raw, theirs) == ["hard_bounce"]


def test_what_needs_a_database_of_its_own_says_so(run: Run, raw: Raw) -> None:
    """Migrations need a direct connection, and demo data is for the embedded database alone."""
    for arguments in ((), ("--status",)):
        answer = run("scripts/migrate.py", *arguments)
        fails_in_one_line(answer, 1, "DATABASE_URL: not set", "SQL editor")
    demo = run("scripts/load_demo_data.py")
    assert demo.returncode == 1
    assert "embedded database" in demo.stdout
    assert values(raw, "select count(*) from contacts") == [0]


def test_a_project_that_cannot_be_reached_is_one_line(
    warm_python: WarmPython, tmp_path: Path
) -> None:
    environment = MACHINE | supabase_environment("http://127.0.0.1:9", DATA_DIR=str(tmp_path))
    commands = [
        ("drip_scheduler.py", "--once"),
        ("scripts/populate_drip_templates.py",),
        ("scripts/explain.py", "ada@engines.example"),
    ]
    for arguments in commands:
        answer = warm_python.run(arguments, environment)
        assert answer.returncode in {1, 2}, arguments
        assert "Supabase cannot be reached" in answer.stderr.strip().splitlines()[-1]
        assert "Traceback" not in answer.stderr
        assert "sb_secret" not in answer.stdout + answer.stderr
