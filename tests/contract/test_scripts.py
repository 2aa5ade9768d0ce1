"""The operators' commands as black boxes: what they print, what they change, how they end."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crm.database.migrations import all_migrations
from crm.settings import PROJECT_ROOT
from tests.cast import NOW
from tests.conftest import Raw
from tests.database.sending import values
from tests.scheduler.processes import environment_for
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.sendgrid_records import unauthorized

Answer = subprocess.CompletedProcess[str]
Command = Callable[..., Answer]

LIBRARY = PROJECT_ROOT / "templates"
CSV = (
    "First Name,Last Name,Email,Company Name,Email Opted Out\n"
    "Ada,Byron,ada@engines.example,Engines Ltd,\n"
    "Grace,Hopper,grace@navy.example,Navy Yard,false\n"
    "Gone,Already,gone@optout.example,Optout,true\n"
    "No,Address,not-an-address,Nowhere,\n"
    "Ada,Again,ADA@engines.example,Engines Ltd,\n"
)


@pytest.fixture
def command(address: str, tmp_path: Path) -> Command:
    """Runs a command of the project on the test's own database, without a SendGrid key."""

    def run(
        *arguments: object, database: str = address, standin: SendGridStandIn | None = None
    ) -> Answer:
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=PROJECT_ROOT,
            env=environment_for(database, standin, DATA_DIR=str(tmp_path / "data")),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def populated(command: Command) -> None:
    loaded = command("scripts/populate_drip_templates.py")
    assert loaded.returncode == 0, loaded.stderr


def _fails_in_one_line(answer: Answer, code: int, *words: str) -> None:
    assert answer.returncode == code, answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in answer.stderr


def test_migrate_says_what_is_pending_applies_it_and_then_has_nothing_to_do(
    command: Command, empty_address: str
) -> None:
    titles = [migration.title for migration in all_migrations()]
    before = command("scripts/migrate.py", "--status", database=empty_address)
    assert before.stdout.splitlines() == [f"pending  {title}" for title in titles]
    applied = command("scripts/migrate.py", database=empty_address)
    assert applied.returncode == 0, applied.stderr
    assert [f"applied {title}" for title in titles] == applied.stdout.splitlines()[:-1]
    after = command("scripts/migrate.py", "--status", database=empty_address)
    assert after.stdout.splitlines() == [f"applied  {title}" for title in titles]
    again = command("scripts/migrate.py", database=empty_address)
    assert (again.returncode, again.stdout.startswith("0 migration(s) applied")) == (0, True)


def test_populate_loads_the_whole_library_once(command: Command, raw: Raw) -> None:
    first = command("scripts/populate_drip_templates.py")
    assert first.stdout == "23 e-mail(s) published, 0 unchanged.\n"
    again = command("scripts/populate_drip_templates.py")
    assert again.stdout == "0 e-mail(s) published, 23 unchanged.\n"
    counts = raw.execute(
        "select d.key, count(*) as n from drip_campaign_templates t"
        " join drip_campaigns d on d.id = t.campaign_id where t.status = 'published' group by d.key"
    ).fetchall()
    assert {row["key"]: row["n"] for row in counts} == {
        "networking": 8,
        "lead": 6,
        "prospect": 5,
        "client": 4,
    }


def test_populate_shows_a_changed_text_as_a_diff_and_a_dry_run_changes_nothing(
    command: Command, populated: None, raw: Raw, tmp_path: Path
) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(LIBRARY, folder)
    changed = next((folder / "lead").glob("01-*.md"))
    changed.write_text(changed.read_text().rstrip() + "\n\nOne more line.\n")
    dry = command("scripts/populate_drip_templates.py", "--dry-run", "--folder", folder)
    assert "+One more line." in dry.stdout
    assert dry.stdout.endswith("1 e-mail(s) would be published, 22 unchanged.\n")
    assert values(raw, "select count(*) from drip_campaign_templates") == [23]
    real = command("scripts/populate_drip_templates.py", "--folder", folder)
    assert real.stdout == "1 e-mail(s) published, 22 unchanged.\n"
    assert values(
        raw,
        "select status from drip_campaign_templates where version = 2 or status = 'retired'"
        " order by version",
    ) == ["retired", "published"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Dear {{ contact.first_name", "unexpected"),
        ("Dear {{ contact.frist_name }},", "did you mean contact.first_name"),
        ("{% for x in contact %}{% endfor %}", "loops are not available"),
    ],
)
def test_a_fault_in_a_template_names_file_and_line_and_publishes_nothing(
    command: Command, raw: Raw, tmp_path: Path, line: str, words: str
) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(LIBRARY, folder)
    broken = next((folder / "prospect").glob("03-*.md"))
    text = broken.read_text().rstrip().splitlines()
    broken.write_text("\n".join([*text, "", line, ""]))
    answer = command("scripts/populate_drip_templates.py", "--folder", folder)
    _fails_in_one_line(answer, 1, broken.name, str(len(text) + 2), words)
    assert values(raw, "select count(*) from drip_campaign_templates") == [0]


def _counts(answer: Answer) -> dict[str, int]:
    line = next(x for x in answer.stdout.splitlines() if x.startswith("read "))
    words = line.replace(",", "").split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


def test_import_adds_up_and_again_changes_nothing(
    command: Command, populated: None, raw: Raw, tmp_path: Path
) -> None:
    file, rejects = tmp_path / "people.csv", tmp_path / "no.csv"
    file.write_text(CSV)
    arguments = ("scripts/import_contacts.py", file, "--type", "lead", "--enroll")
    first = command(*arguments, "--rejects", rejects)
    assert first.returncode == 0, first.stderr
    counts = _counts(first)
    assert counts.pop("read") == 5 == sum(counts.values())
    assert counts["rejected"] == 1
    assert "not-an-address" in rejects.read_text("utf-8-sig")
    assert "5" in rejects.read_text("utf-8-sig"), "the row's number"
    people = "select email from contacts where email_status = 'ok' order by email"
    assert values(raw, people) == ["ada@engines.example", "grace@navy.example"]
    assert values(raw, "select email from suppressions") == ["gone@optout.example"]
    assert values(raw, "select count(*) from campaign_enrollments") == [2]

    before = values(raw, "select md5(string_agg(c::text, '' order by c.id)) from contacts c")
    again = _counts(command(*arguments, "--rejects", rejects))
    assert (again["imported"], again["updated"]) == (0, 0)
    assert again.pop("read") == 5 == sum(again.values())
    assert values(raw, "select count(*) from campaign_enrollments") == [2]
    assert (
        values(raw, "select md5(string_agg(c::text, '' order by c.id)) from contacts c") == before
    )


def test_import_without_enroll_enrolls_nobody(
    command: Command, populated: None, raw: Raw, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(CSV)
    rejects = tmp_path / "no.csv"
    assert command("scripts/import_contacts.py", file, "--rejects", rejects).returncode == 0
    assert values(raw, "select count(*) from campaign_enrollments") == [0]


FILES = {
    "missing": None,
    "empty": b"",
    "binary": bytes(range(256)) * 20,
    "broken utf-16": "First Name,Email\nAda,a@b.example\n".encode("utf-16")[:-1],
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_cannot_be_read_gets_one_clear_line(
    command: Command, raw: Raw, tmp_path: Path, kind: str
) -> None:
    file, content = tmp_path / "people.csv", FILES[kind]
    if content is not None:
        file.write_bytes(content)
    _fails_in_one_line(command("scripts/import_contacts.py", file), 1)
    assert values(raw, "select count(*) from contacts") == [0]


def test_an_unknown_type_is_named_with_the_known_ones(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(CSV)
    answer = command("scripts/import_contacts.py", file, "--type", "leed")
    _fails_in_one_line(answer, 1, "leed", "lead")


def test_a_test_e_mail_goes_to_the_outbox_without_a_key(
    command: Command, populated: None, raw: Raw, tmp_path: Path
) -> None:
    answer = command("scripts/simple_drip_test.py", "--to", "me@mpt.example")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("outbox: Accepted")
    mails = list((tmp_path / "data" / "outbox").rglob("*.eml"))
    assert len(mails) == 1
    assert b"me@mpt.example" in mails[0].read_bytes()
    assert values(raw, "select count(*) from email_sends") == [0]


def test_a_test_e_mail_goes_to_sendgrid_with_a_key_and_its_answer_is_shown(
    command: Command, populated: None, sendgrid_standin: SendGridStandIn
) -> None:
    arguments = ("scripts/simple_drip_test.py", "--to", "me@mpt.example", "--campaign", "lead")
    answer = command(*arguments, "--step", "2", standin=sendgrid_standin)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("sendgrid: Accepted")
    assert [mail.to for mail in sendgrid_standin.accepted] == ["me@mpt.example"]
    assert "{{" not in sendgrid_standin.accepted[0].text
    sendgrid_standin.answer_next(unauthorized())
    refused = command(*arguments, standin=sendgrid_standin)
    assert refused.returncode == 1
    assert "Unauthorized" in refused.stdout
    assert "credits exceeded" in refused.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "nobody"), ("address",)),
        (("--to", "me@mpt.example", "--step", "99"), ("--step 99",)),
        (("--to", "me@mpt.example", "--campaign", "nothing"), ("--campaign nothing",)),
    ],
)
def test_a_test_e_mail_that_cannot_be_made_says_why(
    command: Command, populated: None, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    _fails_in_one_line(command("scripts/simple_drip_test.py", *arguments), 1, *words)


@pytest.fixture
def three_leads(populated: None, raw: Raw) -> None:
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
    _fails_in_one_line(answer, 2, name)
    assert value not in answer.stderr


NEEDING_A_DATABASE = {
    "migrate": (1, "scripts/migrate.py", "--status"),
    "check": (1, "scripts/check_drip_tables.py"),
    "populate": (1, "scripts/populate_drip_templates.py"),
    "import": (1, "scripts/import_contacts.py", "README.md"),
    "test e-mail": (1, "scripts/simple_drip_test.py", "--to", "me@mpt.example"),
    "once": (2, "drip_scheduler.py", "--once"),
    "dry run": (2, "drip_scheduler.py", "--once", "--dry-run"),
}


def test_an_unreachable_database_is_one_line_for_every_command(tmp_path: Path) -> None:
    """All at once, since each waits some seconds for an answer."""
    people = tmp_path / "people.csv"
    people.write_text(CSV)
    environment = environment_for(
        "postgresql://mpt:hidden-word@127.0.0.1:9/nowhere", DATA_DIR=str(tmp_path)
    )
    started = {
        name: subprocess.Popen(
            [sys.executable, *(str(people) if a == "README.md" else a for a in arguments)],
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, (_, *arguments) in NEEDING_A_DATABASE.items()
    }
    for name, process in started.items():
        _, words = process.communicate(timeout=60)
        assert process.returncode == NEEDING_A_DATABASE[name][0], (name, words)
        assert "Traceback" not in words, (name, words)
        assert "hidden-word" not in words, name
        assert "cannot be reached" in words.strip().splitlines()[-1], (name, words)


def test_a_database_without_our_tables_is_told_to_be_migrated(
    command: Command, empty_address: str
) -> None:
    answer = command("drip_scheduler.py", "--once", database=empty_address)
    _fails_in_one_line(answer, 2, "scripts/migrate.py")
