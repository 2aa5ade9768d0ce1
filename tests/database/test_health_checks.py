"""check_drip_tables.py: green on a whole database, red with the right name on each fault."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crm.database.gateway import SERVICE
from crm.database.health_checks import PUBLISHED_EMAILS, Finding, HealthReport, check_health
from crm.database.migrations import all_migrations
from crm.database.postgres import PostgresDatabase
from db_service import DbService
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.access_matrix import MATRIX
from tests.database.sending import SlowScheduler

Health = Callable[[], HealthReport]
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_drip_tables.py"


@pytest.fixture(autouse=True)
def whole(published_steps: PublishedSteps, a_contact: AContact, service: DbService) -> None:
    """A database in use: the library is published, e-mails were sent, one is under way."""
    for campaign, emails in PUBLISHED_EMAILS.items():
        published_steps(campaign, emails)
        a_contact(contact_type=campaign)
    scheduler = SlowScheduler(service)
    scheduler.send_all(next_step=2)
    scheduler.claim()


@pytest.fixture
def health(database: PostgresDatabase, address: str) -> Health:
    return lambda: check_health(database.gateway(SERVICE), address)


def _red(report: HealthReport) -> set[tuple[str, str]]:
    return {(finding.check, finding.name) for finding in report.findings}


def test_a_whole_database_is_green(health: Health) -> None:
    report = health()
    assert report.findings == ()
    assert report.checked["table"] == len(MATRIX)
    assert all(count > 0 for count in report.checked.values()), "nothing was looked at"


SABOTAGE = {
    "drop table webhook_deliveries": ("table", "webhook_deliveries"),
    "alter table contacts drop column notes cascade": ("column", "contacts.notes"),
    "drop view send_content": ("view", "send_content"),
    "drop index contacts_search": ("index", "contacts_search"),
    "drop index one_live_enrollment_a_campaign": ("index", "one_live_enrollment_a_campaign"),
    "alter table email_sends drop constraint one_email_a_step_and_run": (
        "constraint",
        "email_sends.one_email_a_step_and_run",
    ),
    "alter table contacts drop constraint contacts_email_check": (
        "constraint",
        "contacts.contacts_email_check",
    ),
    "drop function claim_due": ("function", "public.claim_due"),
    "drop function private.changeable": ("function", "private.changeable"),
    "drop trigger on_contacts_changed on contacts": ("trigger", "contacts.on_contacts_changed"),
    "alter table contacts disable trigger on_contacts_added": (
        "trigger",
        "contacts.on_contacts_added",
    ),
    "alter table projects disable row level security": ("row-level security", "projects"),
    "alter table projects no force row level security": ("forced row-level security", "projects"),
    "drop policy staff_read on contacts": ("policy", "contacts.staff_read"),
    "delete from drip_campaign_templates where step = 8": ("published e-mails", "networking"),
    "update drip_campaign_templates set status = 'retired' where step = 4": (
        "published e-mails",
        "client",
    ),
    "grant select on contacts to anon": ("exposed", "tables open to anonymous visitors"),
    "grant execute on function claim_due to public": (
        "exposed",
        "functions open to anonymous visitors",
    ),
    """create or replace function private.is_admin() returns boolean
       language sql stable security definer set search_path = '' as 'select true'""": (
        "function text",
        "private.is_admin",
    ),
    "delete from supabase_migrations.schema_migrations where name = 'engine'": (
        "migration",
        next(m.title for m in all_migrations() if m.name == "engine"),
    ),
}


@pytest.mark.parametrize("sabotage", SABOTAGE)
def test_each_fault_is_named(health: Health, raw: Raw, sabotage: str) -> None:
    raw.execute(sabotage.encode())
    assert SABOTAGE[sabotage] in _red(health())


def test_only_what_is_off_is_named(health: Health, raw: Raw) -> None:
    raw.execute("drop index contacts_search")
    raw.execute("grant select on contacts to anon")
    assert _red(health()) == {
        ("index", "contacts_search"),
        ("exposed", "tables open to anonymous visitors"),
    }


def test_a_missing_table_takes_no_other_question_with_it(health: Health, raw: Raw) -> None:
    raw.execute("drop table email_sends cascade")
    raw.execute("drop index contacts_search")
    raw.execute("set session_replication_role = replica")
    raw.execute("update contacts set contact_type = 'gone'")
    report = health()
    assert {
        ("table", "email_sends"),
        ("index", "contacts_search"),
        ("stray", "contacts of an unknown type"),
        ("stray", "sends without a contact"),
    } <= _red(report)
    unasked = Finding(
        "stray",
        "sends without a contact",
        'cannot be checked: relation "public.email_sends" does not exist',
    )
    assert unasked in report.findings


def test_a_database_set_up_in_the_sql_editor_has_no_record_and_is_whole(
    health: Health, raw: Raw
) -> None:
    raw.execute("drop schema supabase_migrations cascade")
    assert health().findings == ()
    # Then a file that was left out shows by what it makes, or by the text of a function.
    raw.execute(
        "create or replace function private.is_admin() returns boolean"
        " language sql stable security definer set search_path = '' as 'select true'"
    )
    assert _red(health()) == {("function text", "private.is_admin")}


def test_nothing_of_the_check_can_write(raw: Raw) -> None:
    stable = raw.execute(
        "select provolatile from pg_proc where proname in ('health_report', 'health_questions')"
    ).fetchall()
    assert {row["provolatile"] for row in stable} == {"s", "i"}


def test_the_check_asks_exactly_the_questions_that_are_tried_here(raw: Raw) -> None:
    asked = raw.execute(
        "select name from private.health_questions() where kind in ('stray', 'invariant')"
    ).fetchall()
    assert {row["name"] for row in asked} == set(ROWS_OFF)


# Rows that constraints and triggers would refuse, written past them.
_A_STRANGER = "gen_random_uuid()"
ROWS_OFF = {
    "sends without an enrollment": f"update email_sends set enrollment_id = {_A_STRANGER}",
    "sends without a contact": f"update email_sends set contact_id = {_A_STRANGER}",
    "sends without a campaign": f"update email_sends set campaign_id = {_A_STRANGER}",
    "sends without their template version": f"update email_sends set template_id = {_A_STRANGER}",
    "sends of another contact, campaign or run than their enrollment": """
        update email_sends set run = 2""",
    "events without their send": f"""
        insert into email_events (send_id, event, occurred_at)
        values ({_A_STRANGER}, 'open', now())""",
    "enrollments without a contact": f"""
        update campaign_enrollments set contact_id = {_A_STRANGER}""",
    "enrollments without a campaign": f"""
        update campaign_enrollments set campaign_id = {_A_STRANGER}""",
    "contact types mapped to a missing campaign": f"""
        update contact_types set campaign_id = {_A_STRANGER}""",
    "contacts of an unknown type": "update contacts set contact_type = 'gone'",
    "contacts twice live in one campaign": """
        drop index one_live_enrollment_a_campaign;
        insert into campaign_enrollments (contact_id, campaign_id, status)
        select contact_id, campaign_id, 'paused' from campaign_enrollments""",
    "contacts active in two type campaigns": """
        drop index one_active_type_campaign;
        drop index one_live_enrollment_a_campaign;
        insert into campaign_enrollments (contact_id, campaign_id)
        select contact_id, campaign_id from campaign_enrollments""",
    "enrollments that wait for one that has ended": """
        update campaign_enrollments
        set status = 'paused', reason = 'waits_for_other', waits_for = gen_random_uuid()""",
    "contacts with one e-mail twice": """
        alter table email_sends drop constraint one_email_a_step_and_run;
        update email_sends
        set contact_id = (select contact_id from email_sends limit 1), step = 1,
            campaign_id = (select campaign_id from email_sends limit 1)""",
    "active enrollments of contacts who may not be written to": """
        update contacts set archived_at = now()""",
    "contacts marked ok whose address is suppressed": """
        insert into suppressions (email, reason) select email, 'manual' from contacts""",
    "active enrollments without a date and without an e-mail under way": """
        update campaign_enrollments set next_send_at = null""",
    "live enrollments whose next e-mail is not published": """
        update campaign_enrollments set next_step = 99""",
    "e-mails that went out without their merge values": """
        update email_sends set merge_values = null""",
    "published e-mails that share a place": """
        drop index one_published_step_a_position;
        update drip_campaign_templates set position = 1""",
    "staff without an active admin": "update profiles set role = 'sales'",
}


@pytest.mark.parametrize("name", ROWS_OFF)
def test_each_row_that_is_off_is_counted_under_its_name(
    health: Health, raw: Raw, name: str
) -> None:
    raw.execute("set session_replication_role = replica")
    raw.execute(ROWS_OFF[name].encode())
    found = [f for f in health().findings if f.name == name]
    assert len(found) == 1
    assert found[0].check in {"stray", "invariant"}
    assert found[0].problem[0].isdigit()


def test_of_many_things_some_are_named_and_all_are_counted(
    health: Health, raw: Raw, a_contact: AContact
) -> None:
    for _ in range(120):
        a_contact()
    raw.execute("set session_replication_role = replica")
    raw.execute("update contacts set contact_type = 'gone'")
    [found] = [f for f in health().findings if f.name == "contacts of an unknown type"]
    assert found.problem.startswith("124 (")
    assert found.problem.endswith(", …)")
    assert found.problem.count(",") == 5


def _run(address: str, *options: str) -> subprocess.CompletedProcess[str]:
    # From another folder, as operators do; the environment of the developer stays out of it.
    return subprocess.run(
        [sys.executable, str(SCRIPT), *options],
        cwd="/",
        env={"PATH": os.defpath, "DATABASE_URL": address},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_is_green_then_red_with_the_name(address: str, raw: Raw) -> None:
    green = _run(address)
    assert (green.returncode, green.stderr) == (0, "")
    assert "All is well." in green.stdout
    raw.execute("drop index contacts_search")
    red = _run(address)
    assert red.returncode == 1
    assert "index contacts_search: missing" in red.stdout


def test_the_script_answers_programs_in_json(address: str, raw: Raw) -> None:
    raw.execute("drop policy staff_read on contacts")
    answer = _run(address, "--json")
    told = json.loads(answer.stdout)
    assert (answer.returncode, told["ok"]) == (1, False)
    assert told["findings"] == [
        {"check": "policy", "name": "contacts.staff_read", "problem": "missing"}
    ]


def test_an_unreachable_database_gets_one_line() -> None:
    answer = _run("postgresql://nobody@127.0.0.1:1/nothing")
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    assert "cannot be reached" in answer.stderr


def test_a_database_without_tables_lists_what_is_pending_without_a_traceback(
    empty_address: str,
) -> None:
    answer = _run(empty_address)
    assert answer.returncode == 1
    for migration in all_migrations():
        assert f"migration {migration.title}: not applied; run scripts/migrate.py" in answer.stdout
    assert "function public.health_report: missing" in answer.stdout
    assert answer.stderr == ""
