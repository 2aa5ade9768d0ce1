"""The rules by which check_drip_tables.py looks for open doors: each finds what it is made for."""

import pytest

from crm.database.accepted_findings import ACCEPTED
from crm.database.gateway import SERVICE
from crm.database.health_checks import check_health
from crm.database.postgres import PostgresDatabase
from tests.conftest import Raw

_A_POLICY = "create policy extra on projects for insert to authenticated with check"

# Rule → how to break it, and the name that is then told.
BROKEN: dict[str, list[tuple[str, str]]] = {
    "tables open to anonymous visitors": [
        ("grant delete on contacts to anon", "contacts"),
        ("grant select (first_name) on contacts to anon", "contacts"),
        ("grant insert on contact_list to public", "contact_list"),
    ],
    "functions open to anonymous visitors": [
        ("grant execute on function claim_due to public", "claim_due"),
        ("grant execute on function private.is_admin to anon", "is_admin"),
    ],
    "sequences open to anonymous visitors": [
        ("grant usage on sequence scheduler_runs_id_seq to anon", "scheduler_runs_id_seq")
    ],
    "helper schemas open to anonymous visitors": [
        ("grant usage on schema private to anon", "private")
    ],
    "tables without row-level security": [
        ("create table notes (id int primary key)", "notes"),
        ("alter table contacts disable row level security", "contacts"),
    ],
    "tables whose owner is above their policies": [
        ("alter table contacts no force row level security", "contacts")
    ],
    "tables with row-level security and without a policy": [
        (
            "create table notes (id int primary key);"
            " alter table notes enable row level security, force row level security",
            "notes",
        )
    ],
    "policies that nobody asks, for row-level security is off": [
        ("alter table projects disable row level security", "projects.staff_read")
    ],
    "policies that let everything pass": [
        ("alter policy staff_read on contacts using (true)", "contacts.staff_read"),
        ("alter policy staff_add on contacts with check (true)", "contacts.staff_add"),
    ],
    "policies for everybody instead of a role": [
        ("alter policy staff_read on contacts to public", "contacts.staff_read"),
        ("alter policy staff_read on contacts to anon, authenticated", "contacts.staff_read"),
    ],
    "policies that ask who it is once a row": [
        (f"{_A_POLICY} (private.is_admin())", "projects.extra"),
        (f"{_A_POLICY} (owner_id = private.user_id())", "projects.extra"),
        (
            f"{_A_POLICY} (owner_id = (current_setting('request.jwt.claim.sub'))::uuid)",
            "projects.extra",
        ),
        (
            "create schema auth; create function auth.uid() returns uuid language sql as"
            f" 'select null::uuid'; {_A_POLICY} (owner_id = auth.uid())",
            "projects.extra",
        ),
    ],
    "policies that believe what people write about themselves": [
        (
            f"{_A_POLICY} ((select current_setting('request.jwt.claims')::jsonb)"
            " -> 'user_metadata' ->> 'role' = 'admin')",
            "projects.extra",
        )
    ],
    "tables where several policies allow one thing to one role": [
        (
            "create policy extra on projects for all to authenticated"
            " using ((select private.is_admin()))",
            "projects authenticated select",
        ),
        (
            "create policy extra on projects for delete using ((select private.is_admin()))",
            "projects authenticated delete",
        ),
    ],
    "functions without a fixed search path": [
        ("create function loose() returns int language sql as 'select 1'", "public.loose"),
        (
            "create function private.loose() returns int language sql set search_path = public"
            " as 'select 1'",
            "private.loose",
        ),
    ],
    "functions with their owner's rights for everybody": [
        ("grant execute on function unsubscribe_contact to anon", "public.unsubscribe_contact")
    ],
    "functions with their owner's rights that never ask who calls": [
        (
            "grant execute on function unsubscribe_contact to authenticated",
            "public.unsubscribe_contact",
        )
    ],
    "views with their owner's rights": [
        ("create view loose as select * from contacts", "loose"),
        ("alter view contact_list set (security_invoker = false)", "contact_list"),
    ],
    "views that show the accounts of Supabase Auth": [
        (
            "create schema auth; create table auth.users (id uuid primary key);"
            " create view accounts with (security_invoker = true) as select * from auth.users",
            "accounts",
        )
    ],
    "materialized views and foreign tables in the API": [
        (
            "create materialized view everybody as select * from contacts;"
            " grant select on everybody to authenticated",
            "everybody",
        )
    ],
    "extensions in the schema of the API": [
        ("create extension citext with schema public", "citext"),
        ("alter extension pg_trgm set schema public", "pg_trgm"),
    ],
    "tables without a primary key": [
        ("alter table projects drop constraint projects_pkey cascade", "projects")
    ],
    "foreign keys without an index": [
        ("drop index contacts_owner", "contacts.contacts_owner_id_fkey"),
        ("drop index enrollments_of_contact", "campaign_enrollments."),
        (
            "drop index contacts_owner;"
            " create index contacts_owner on contacts (owner_id) where archived_at is null",
            "contacts.contacts_owner_id_fkey",
        ),
    ],
    "indexes that are there twice": [
        ("create index again on contacts (created_by)", "again = contacts_created_by")
    ],
    "tables whose rows this check cannot see": [
        (
            "create role shy; grant create, usage on schema public, private to shy;"
            " alter function public.health_report() owner to shy;"
            " grant execute on function private.health_questions() to shy",
            "account_days",
        )
    ],
}


def _found(database: PostgresDatabase) -> dict[str, str]:
    report = check_health(database.gateway(SERVICE))
    return {f.name: f.problem for f in report.findings if f.check in {"lint", "exposed"}}


def test_the_schema_breaks_no_rule(database: PostgresDatabase) -> None:
    assert _found(database) == {}


@pytest.mark.parametrize(
    ("rule", "breach", "named"),
    [(rule, *breach) for rule, breaches in BROKEN.items() for breach in breaches],
)
def test_a_breach_is_named_under_its_rule(
    database: PostgresDatabase, raw: Raw, rule: str, breach: str, named: str
) -> None:
    try:
        raw.execute(breach.encode())
        assert named in _found(database)[rule]
    finally:
        # Roles belong to the server, not to this database.
        raw.execute("drop owned by shy; drop role shy" if "role shy" in breach else "select 1")


def test_every_rule_is_broken_here(raw: Raw) -> None:
    rules = raw.execute(
        "select name from private.health_questions() where kind in ('lint', 'exposed')"
    ).fetchall()
    assert {row["name"] for row in rules} == set(BROKEN)


def test_helpers_in_a_select_of_their_own_are_fine(database: PostgresDatabase, raw: Raw) -> None:
    raw.execute(
        f"{_A_POLICY} ((select private.is_admin()) and owner_id = (select private.user_id())"
        " and contact_id in (select private.my_contact_ids()))".encode()
    )
    assert "policies that ask who it is once a row" not in _found(database)


def test_an_index_of_the_rows_that_have_a_value_serves_a_foreign_key(
    database: PostgresDatabase, raw: Raw
) -> None:
    raw.execute("drop index contacts_owner")
    raw.execute("create index contacts_owner on contacts (owner_id) where owner_id is not null")
    assert "foreign keys without an index" not in _found(database)


def test_every_accepted_finding_is_still_found_and_has_its_reason(raw: Raw) -> None:
    answers = raw.execute("select name, ids from health_report() where kind = 'lint'").fetchall()
    ids = {row["name"]: set(row["ids"]) for row in answers}
    assert {
        (rule, name) for rule, names in ACCEPTED.items() for name in names if name not in ids[rule]
    } == set()
    assert all(len(why) > 20 for names in ACCEPTED.values() for why in names.values())


def test_an_accepted_finding_hides_no_other_of_its_rule(
    database: PostgresDatabase, raw: Raw
) -> None:
    raw.execute("create function loose() returns int language sql as 'select 1'")
    assert _found(database)["functions without a fixed search path"] == "1 (public.loose)"


def test_nobody_but_the_service_may_ask(raw: Raw) -> None:
    may = raw.execute(
        "select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role')"
        " and (has_function_privilege(rolname, 'public.health_report()', 'execute')"
        " or has_function_privilege(rolname, 'private.health_questions()', 'execute'))"
    ).fetchall()
    assert [row["rolname"] for row in may] == ["service_role"]
