"""check_drip_tables.py with nothing but SUPABASE_*: the same answers as over a direct way."""

import json
import os
import subprocess
import sys

import pytest

from crm.database.gateway import SERVICE, Identity
from crm.database.health_checks import PUBLISHED_EMAILS, check_health
from crm.database.postgres import PostgresDatabase
from crm.database.supabase import SupabaseDatabase
from crm.settings import PROJECT_ROOT
from db_service import NotAllowedError
from tests import cast
from tests.conftest import PublishedSteps, Raw
from tests.contract.gateway.conftest import with_token
from tests.standins.supabase_fixtures import database_of
from tests.standins.supabase_lite import PUBLISHABLE_KEY, SECRET_KEY, SupabaseStandIn


def _run(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROJECT_ROOT / "scripts" / "check_drip_tables.py"), *options],
        cwd="/",
        env={
            "PATH": os.defpath,
            "SUPABASE_URL": url,
            "SUPABASE_KEY": PUBLISHABLE_KEY,
            "SUPABASE_SERVICE_KEY": SECRET_KEY,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def library(published_steps: PublishedSteps) -> None:
    for campaign, emails in PUBLISHED_EMAILS.items():
        published_steps(campaign, emails)


def test_both_ways_give_one_report(
    database: PostgresDatabase, project: SupabaseDatabase, raw: Raw, address: str
) -> None:
    raw.execute("drop table webhook_deliveries")
    raw.execute("drop function public.claim_due")
    raw.execute("grant select on contacts to anon")
    raw.execute("alter policy staff_read on projects using (true)")
    raw.execute("delete from supabase_migrations.schema_migrations where name = 'engine'")
    directly = check_health(database.gateway(SERVICE), address)
    over_rest = check_health(project.gateway(SERVICE))
    assert directly == over_rest
    assert {finding.check for finding in over_rest.findings} >= {
        "table",
        "function",
        "exposed",
        "lint",
        "migration",
        "published e-mails",
    }


@pytest.mark.usefixtures("library")
def test_the_script_is_green_then_red_with_the_name(project_url: str, raw: Raw) -> None:
    green = _run(project_url)
    assert (green.returncode, green.stderr) == (0, ""), green.stdout
    assert "All is well." in green.stdout
    raw.execute("drop policy staff_read on contacts")
    red = _run(project_url, "--json")
    told = json.loads(red.stdout)
    assert (red.returncode, told["ok"]) == (1, False)
    assert told["findings"] == [
        {"check": "policy", "name": "contacts.staff_read", "problem": "missing"}
    ]


def test_it_is_one_request(project: SupabaseDatabase) -> None:
    before = project.connections.request_count
    check_health(project.gateway(SERVICE))
    assert project.connections.request_count - before == 1


def test_a_project_that_was_never_migrated_is_told_to_run_the_migrations(
    supabase: SupabaseStandIn, empty_address: str
) -> None:
    url = supabase.url(database_of(empty_address))
    try:
        answer = _run(url)
    finally:
        supabase.forget(url)
    assert answer.returncode == 1
    assert "function public.health_report: missing" in answer.stdout
    assert "run the migrations" in answer.stdout
    assert answer.stderr == ""


def test_an_unreachable_project_gets_one_line() -> None:
    answer = _run("http://127.0.0.1:1")
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    assert "cannot be reached" in answer.stderr


@pytest.mark.parametrize("identity", [cast.ANON, cast.BOB], ids=["anon", "admin"])
def test_nobody_but_the_service_may_ask(project: SupabaseDatabase, identity: Identity) -> None:
    gateway = project.gateway(with_token(identity))
    with pytest.raises(NotAllowedError):
        check_health(gateway)
