"""The commands tell no secret, whatever is wrong with a setting or with what it leads to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.scheduler.processes import environment_for
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.sendgrid_records import unauthorized
from tests.warm_python import Answer, WarmPython

Run = Callable[[tuple[str, ...], dict[str, str]], Answer]

WORD = "nobody-may-read-this"
A_KEY = f"{WORD}-0123456789-0123456789-0123456789"
NOWHERE = f"postgresql://mpt:{WORD}@127.0.0.1:9/nowhere?connect_timeout=1"
FILE = "<a contact file>"

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("scripts/migrate.py", "--status"),
    ("scripts/check_drip_tables.py",),
    ("scripts/check_drip_tables.py", "--json"),
    ("scripts/populate_drip_templates.py",),
    ("scripts/import_contacts.py", FILE),
    ("scripts/simple_drip_test.py", "--to", "me@mpt.example"),
    ("scripts/sync_suppressions.py",),
    ("scripts/explain.py", "me@mpt.example"),
    ("scripts/rescore_events.py",),
    ("scripts/reorder_steps.py", "lead", "1", "2"),
    ("scripts/verify_audit.py",),
    ("drip_scheduler.py", "--once"),
)
_PROJECT = {
    "SUPABASE_URL": "http://127.0.0.1:9",
    "SUPABASE_KEY": f"sb_publishable_{WORD}",
    "SUPABASE_SERVICE_KEY": f"sb_secret_{WORD}",
}
# What is wrong → the settings; each has the word in a place that is a secret.
TROUBLE: dict[str, dict[str, str]] = {
    "the database is away": {"DATABASE_URL": NOWHERE},
    "the project is away": {"DATABASE_URL": "", **_PROJECT},
    "another kind of database": {"DATABASE_URL": f"mysql://mpt:{WORD}@127.0.0.1/x"},
    "a bare @ in the password": {"DATABASE_URL": f"postgresql://mpt:1@{WORD}@127.0.0.1/x"},
    "a bare / in the password": {"DATABASE_URL": f"postgresql://mpt:{WORD}/1@127.0.0.1/x"},
    "a bare % in the password": {"DATABASE_URL": f"postgresql://mpt:100%{WORD}@127.0.0.1/x"},
    "a bare ? in the password": {"DATABASE_URL": f"postgresql://mpt:1a?{WORD}@127.0.0.1/x"},
    "a bare [ in the password": {"DATABASE_URL": f"postgresql://mpt:[{WORD}@127.0.0.1/x"},
    "a port that is none": {"DATABASE_URL": f"postgresql://mpt:{WORD}@127.0.0.1:port/x"},
    "a key with a space": {"SENDGRID_API_KEY": f"SG.{WORD} and more"},
    "a signing key that is short": {"APP_SECRET_KEYS": WORD},
    "a password in an address": {"SUPABASE_URL": f"https://mpt:{WORD}@project.example"},
    "half a sign-in": {"OIDC_CLIENT_ID": "crm", "OIDC_CLIENT_SECRET": WORD},
    "a public key that is a private one": {"SENDGRID_WEBHOOK_PUBLIC_KEY": WORD},
    "a true that is none": {"DRIP_ENABLED": WORD},
}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text("First Name,Last Name,Email\nAda,Byron,ada@engines.example\n")
    return file


@pytest.fixture
def run(warm_python: WarmPython, people: Path) -> Run:
    def run(arguments: tuple[str, ...], environment: dict[str, str]) -> Answer:
        return warm_python.run([people if a == FILE else a for a in arguments], environment)

    return run


@pytest.mark.parametrize("trouble", TROUBLE)
def test_no_command_tells_a_secret_while_it_says_what_is_wrong(
    trouble: str, run: Run, tmp_path: Path
) -> None:
    environment = environment_for("", DATA_DIR=str(tmp_path)) | TROUBLE[trouble]
    # Settings are read in one place, so two commands stand for all where it ends there.
    away = trouble.endswith("is away")
    commands = COMMANDS if away else (COMMANDS[1], COMMANDS[-1])
    with ThreadPoolExecutor(len(commands)) as threads:
        answers = list(threads.map(lambda c: run(c, environment), commands))
    for command, answer in zip(commands, answers, strict=True):
        told = answer.stdout + answer.stderr
        assert answer.returncode != 0, (command, told)
        assert told.strip(), command
        assert WORD not in told, command
        assert "Traceback" not in told, (command, told)


def test_no_command_tells_the_key_that_the_provider_refuses(
    address: str, run: Run, tmp_path: Path
) -> None:
    with SendGridStandIn(keys=["SG.another.key"]) as standin:
        standin.answer_next(unauthorized(), times=1)
        environment = environment_for(
            address,
            DATA_DIR=str(tmp_path),
            SENDGRID_API_KEY=f"SG.{WORD}",
            SENDGRID_BASE_URL=standin.url,
            APP_SECRET_KEYS=A_KEY,
        )
        populated = run(("scripts/populate_drip_templates.py",), environment)
        assert populated.returncode == 0, populated.stderr
        for command in (
            ("scripts/simple_drip_test.py", "--to", "me@mpt.example"),
            ("scripts/sync_suppressions.py",),
        ):
            answer = run(command, environment)
            assert answer.returncode != 0, (command, answer.stdout)
            assert WORD not in answer.stdout + answer.stderr
            assert "Traceback" not in answer.stderr
