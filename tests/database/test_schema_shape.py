"""Properties every part of the schema shares, and the twins it has in Python and in schema.sql."""

import re
from enum import StrEnum

import pytest

from crm.database.expected_schema import SCHEMA_FILE
from crm.records import states
from scripts.dump_schema import schema_of
from tests.conftest import Raw
from tests.database.sending import one, values

# Inlined into column defaults: no SET clause, every name qualified (see the foundation migration).
INLINED = {"clock", "uuid_v7", "user_id", "is_activity"}

ENUMS: dict[type[StrEnum], tuple[str, str]] = {
    states.EmailStatus: ("contacts", "email_status"),
    states.CampaignStatus: ("drip_campaigns", "status"),
    states.EnrollmentStatus: ("campaign_enrollments", "status"),
    states.EnrollmentReason: ("campaign_enrollments", "reason"),
    states.SwitchPolicy: ("type_switches", "policy"),
    states.SendStatus: ("email_sends", "status"),
    states.TemplateStatus: ("drip_campaign_templates", "status"),
    states.RunStatus: ("scheduler_runs", "status"),
}


def test_the_replay_of_all_migrations_equals_the_schema_file(address: str) -> None:
    assert schema_of(address) == SCHEMA_FILE.read_text(), "run scripts/dump_schema.py"


def test_the_schema_file_notices_a_difference(address: str, raw: Raw) -> None:
    raw.execute("drop index contacts_search")
    assert schema_of(address) != SCHEMA_FILE.read_text()


@pytest.mark.parametrize("enum", ENUMS)
def test_each_enum_equals_its_check(raw: Raw, enum: type[StrEnum]) -> None:
    table, column = ENUMS[enum]
    definition = values(
        raw,
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = %s::regclass and conname = %s",
        table,
        f"{table}_{column}_check",
    )[0]
    assert set(re.findall(r"'([^']*)'::text", definition)) == {str(member) for member in enum}


def test_every_enum_of_the_records_is_compared() -> None:
    declared = {
        enum
        for enum in vars(states).values()
        if isinstance(enum, type) and issubclass(enum, StrEnum)
    }
    assert declared - {StrEnum} == set(ENUMS)


def test_row_level_security_is_on_and_forced_everywhere(raw: Raw) -> None:
    open_tables = values(
        raw,
        """
        select relname from pg_class
        where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
          and not (relrowsecurity and relforcerowsecurity)""",
    )
    assert open_tables == []


def test_every_view_acts_with_the_readers_rights_or_names_who_may_read(raw: Raw) -> None:
    own_rights = values(
        raw,
        "select relname from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace"
        " and not coalesce(reloptions, '{}') @> '{security_invoker=true}'",
    )
    definitions = [values(raw, "select pg_get_viewdef(%s::regclass)", v)[0] for v in own_rights]
    assert all("private.is_staff()" in d or "private.is_admin()" in d for d in definitions)


def test_functions_with_their_owners_rights_have_an_empty_search_path(raw: Raw) -> None:
    loose = values(
        raw,
        "select oid::regprocedure::text from pg_proc"
        " where pronamespace::regnamespace::text in ('public', 'private') and prosecdef"
        " and not coalesce(proconfig, '{}') @> array['search_path=\"\"']",
    )
    assert loose == []


def test_only_the_inlined_functions_go_without_a_search_path(raw: Raw) -> None:
    rows = raw.execute(
        "select proname, prosecdef from pg_proc"
        " where pronamespace::regnamespace::text in ('public', 'private')"
        " and not coalesce(proconfig, '{}') @> array['search_path=\"\"']"
    ).fetchall()
    assert {row["proname"] for row in rows} == INLINED
    assert not any(row["prosecdef"] for row in rows)


def test_no_function_is_executable_by_everybody(raw: Raw) -> None:
    public = values(
        raw,
        "select p.oid::regprocedure::text from pg_proc p"
        " cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        " where p.pronamespace::regnamespace::text in ('public', 'private')"
        " and (a.grantee = 0 or a.grantee = 'anon'::regrole)",
    )
    assert public == []


def test_functions_of_later_migrations_start_closed(raw: Raw) -> None:
    for schema in ("public", "private"):
        raw.execute(f"create function {schema}.newcomer() returns int language sql as 'select 1'")
        for role in ("anon", "authenticated", "service_role"):
            open_to = one(
                raw,
                f"select has_function_privilege(%s, '{schema}.newcomer()', 'execute') as x",
                role,
            )
            assert open_to["x"] is False, (schema, role)


def test_every_column_a_policy_asks_for_leads_an_index(raw: Raw) -> None:
    used = raw.execute(
        """
        select distinct p.polrelid::regclass::text as relation, a.attname, p.polrelid, a.attnum
        from pg_policy p
        join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
          and d.refclassid = 'pg_class'::regclass and d.refobjid = p.polrelid and d.refobjsubid > 0
        join pg_attribute a on a.attrelid = p.polrelid and a.attnum = d.refobjsubid"""
    ).fetchall()
    names = {(row["relation"], row["attname"]) for row in used}
    assert ("contacts", "owner_id") in names, "the question finds what it should"
    without = [
        (row["relation"], row["attname"])
        for row in used
        if not values(
            raw,
            "select 1 from pg_index where indrelid = %s and indkey[0] = %s",
            row["polrelid"],
            row["attnum"],
        )
    ]
    assert without == []


def test_no_policy_reads_what_a_person_may_write_about_themselves(raw: Raw) -> None:
    policies = values(raw, "select coalesce(qual, '') || coalesce(with_check, '') from pg_policies")
    assert policies
    assert not any("user_metadata" in policy for policy in policies)


def test_helpers_of_policies_run_once_a_statement(raw: Raw) -> None:
    """Written as (select helper()) they are an InitPlan; called bare, they run for every row."""
    policies = values(raw, "select coalesce(qual, '') || coalesce(with_check, '') from pg_policies")
    for policy in policies:
        bare = re.sub(r"\( ?SELECT private\.\w+\(\) AS \w+\)", "", policy)
        assert "private." not in bare, policy


def test_every_foreign_key_to_contacts_can_follow_a_deletion_by_index(raw: Raw) -> None:
    slow = values(
        raw,
        "select c.conrelid::regclass || '.' || c.conname from pg_constraint c"
        " where c.contype = 'f' and c.confrelid = 'contacts'::regclass and not exists"
        " (select from pg_index i where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1])",
    )
    assert slow == []
