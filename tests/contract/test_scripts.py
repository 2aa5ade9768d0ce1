"""The operators' commands as black boxes: what they print, what they change, how they end."""

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crm.database.migrations import all_migrations
from db_service import DbService
from scripts.populate_drip_templates import LIBRARY, populate
from tests.cast import NOW
from tests.conftest import Raw
from tests.database.sending import values
from tests.scheduler.processes import Command, environment_for, fails_in_one_line
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.sendgrid_records import unauthorized
from tests.warm_python import Answer, WarmPython

CSV = (
    "First Name,Last Name,Email,Company Name,Email Opted Out\n"
    "Ada,Byron,ada@engines.example,Engines Ltd,\n"
    "Grace,Hopper,grace@navy.example,Navy Yard,false\n"
    "Gone,Already,gone@optout.example,Optout,true\n"
    "No,Address,not-an-address,Nowhere,\n"
    "Ada,Again,ADA@engines.example,Engines Ltd,\n"
)


@pytest.fixture
def command(warm_python: WarmPython, address: str, tmp_path: Path) -> Command:
    return Command(warm_python, address, tmp_path / "data")


@pytest.fixture
def populated(service: DbService) -> None:
    populate(service, LIBRARY, dry_run=False, now=NOW)


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
    fails_in_one_line(answer, 1, broken.name, str(len(text) + 2), words)
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
    assert counts["rejected"] == 2
    reasons = rejects.read_text("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in reasons[1:]] == ['"5"', '"6"']
    assert "not-an-address" in reasons[1]
    assert "same address" in reasons[2]
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
    fails_in_one_line(command("scripts/import_contacts.py", file), 1)
    assert values(raw, "select count(*) from contacts") == [0]


def test_an_unknown_type_is_named_with_the_known_ones(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(CSV)
    answer = command("scripts/import_contacts.py", file, "--type", "leed")
    fails_in_one_line(answer, 1, "leed", "lead")


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
    fails_in_one_line(command("scripts/simple_drip_test.py", *arguments), 1, *words)


FILE = "<a contact file>"
NEEDING_A_DATABASE: dict[str, tuple[int, *tuple[str, ...]]] = {
    "migrate": (1, "scripts/migrate.py", "--status"),
    "check": (1, "scripts/check_drip_tables.py"),
    "populate": (1, "scripts/populate_drip_templates.py"),
    "import": (1, "scripts/import_contacts.py", FILE),
    "test e-mail": (1, "scripts/simple_drip_test.py", "--to", "me@mpt.example"),
    "once": (2, "drip_scheduler.py", "--once"),
    "dry run": (2, "drip_scheduler.py", "--once", "--dry-run"),
}


def test_an_unreachable_database_is_one_line_for_every_command(
    warm_python: WarmPython, tmp_path: Path
) -> None:
    """All at once, since each waits some seconds for an answer."""
    people = tmp_path / "people.csv"
    people.write_text(CSV)
    environment = environment_for(
        "postgresql://mpt:hidden-word@127.0.0.1:9/nowhere?connect_timeout=1", DATA_DIR=str(tmp_path)
    )

    def run(arguments: Sequence[object]) -> Answer:
        return warm_python.run([people if a == FILE else a for a in arguments], environment)

    with ThreadPoolExecutor(len(NEEDING_A_DATABASE)) as threads:
        answers = threads.map(run, [rest for _, *rest in NEEDING_A_DATABASE.values()])
    for (name, (status, *_)), answer in zip(NEEDING_A_DATABASE.items(), answers, strict=True):
        words = answer.stderr
        assert answer.returncode == status, (name, words)
        assert "Traceback" not in words, (name, words)
        assert "hidden-word" not in words, name
        assert "cannot be reached" in words.strip().splitlines()[-1], (name, words)
