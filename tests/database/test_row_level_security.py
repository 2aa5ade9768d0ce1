"""The matrix of DESIGN section 5, every cell; then what columns, views and functions add to it."""

import pytest
from psycopg import errors

from crm.database.errors import NotAllowedError, RuleBrokenError
from crm.database.gateway import Identity, signed_in
from crm.database.postgres import PostgresDatabase
from db_service import DbService
from tests import cast
from tests.conftest import Raw
from tests.database import access_matrix as matrix
from tests.database.access_breaking import operations_with, policies_of
from tests.database.access_direct import become, directly
from tests.database.access_probes import ALICES_CONTACT, FIRST
from tests.database.sending import SlowScheduler, values


@pytest.fixture(autouse=True)
def stage(raw: Raw) -> None:
    matrix.set_the_stage(raw)


@pytest.mark.parametrize("table", matrix.MATRIX)
def test_every_cell_is_as_designed(raw: Raw, table: str) -> None:
    assert matrix.differences(directly(raw), table) == []


def test_the_matrix_names_every_table(raw: Raw) -> None:
    tables = values(raw, "select tablename from pg_tables where schemaname = 'public'")
    assert set(tables) == set(matrix.MATRIX) == set(matrix.ALL_PROBES)


# Negative controls: with a policy or a grant broken, the check above must speak up.
SABOTAGE = {
    "drop policy own_or_admin_change on contacts": (
        "contacts",
        {"sales U own: refused", "admin U own: refused", "admin U others: refused"},
    ),
    "create policy oops on contacts for update to authenticated using (true)": (
        "contacts",
        {"sales U others: allowed"},
    ),
    "alter table email_sends disable row level security": (
        "email_sends",
        {"sales R others: allowed", "outsider R own: allowed", "outsider R others: allowed"},
    ),
    "grant select on audit_log to anon;"
    " create policy oops on audit_log for select to anon using (true)": (
        "audit_log",
        {"anon R own: allowed", "anon R others: allowed"},
    ),
    "grant delete on suppressions to service_role": (
        "suppressions",
        {"service D own: allowed", "service D others: allowed"},
    ),
    "revoke insert on email_events from service_role": (
        "email_events",
        {"service I own: refused", "service I others: refused"},
    ),
    "drop policy own_or_admin_add on activities;"
    " create policy oops on activities for insert to authenticated"
    " with check ((select private.is_staff()))": (
        "activities",
        {"sales I others: allowed"},
    ),
}


@pytest.mark.parametrize("sabotage", SABOTAGE)
def test_a_broken_policy_is_reported(raw: Raw, sabotage: str) -> None:
    table, expected = SABOTAGE[sabotage]
    raw.execute(sabotage.encode())
    assert expected <= set(matrix.differences(directly(raw), table))


@pytest.mark.faults
@pytest.mark.parametrize("table", matrix.MATRIX)
def test_every_policy_dropped_or_widened_is_reported(raw: Raw, table: str) -> None:
    policies = policies_of(raw, table)
    assert policies, "row-level security without a policy is a table nobody can use"
    for policy in policies:
        for breaking, word in ((policy.dropped(), "refused"), (policy.widened(), "allowed")):
            found = _broken(raw, table, breaking)
            assert operations_with(word, found) >= set(policy.operations), breaking


@pytest.mark.faults
@pytest.mark.parametrize("table", matrix.MATRIX)
def test_a_table_without_its_guard_is_reported(raw: Raw, table: str) -> None:
    off = _broken(raw, table, f"alter table {table} disable row level security".encode())
    assert "outsider R others: allowed" in off
    granted = _broken(raw, table, f"grant select on {table} to anon".encode())
    assert granted == ["anon R own: let in", "anon R others: let in"]


def _broken(raw: Raw, table: str, breaking: bytes) -> list[str]:
    with raw.transaction(force_rollback=True):
        raw.execute(breaking)
        return matrix.differences(directly(raw), table)


def test_a_person_without_any_profile_sees_nothing(database: PostgresDatabase) -> None:
    stranger = signed_in("5f5f5f5f-0000-4000-8000-000000000000")
    for relation in ("contacts", "contact_list", "enrollment_list"):
        assert database.gateway(stranger).count(relation) == 0


# Columns


@pytest.mark.parametrize(
    ("identity", "change"),
    [
        (Identity("service_role"), "contacts set first_name = 'x'"),
        (Identity("service_role"), "contacts set email = 'x@customer.example'"),
        (cast.BOB, "activities set summary = 'x'"),
        (cast.ALICE, "activities set summary = 'x'"),
        (cast.ALICE, "discovery_submissions set answers = '{}'"),
        (cast.BOB, "discovery_submissions set email = 'x@customer.example'"),
        (cast.BOB, "app_settings set is_secret = false"),
    ],
)
def test_columns_beyond_ones_part_cannot_be_written(
    raw: Raw, identity: Identity, change: str
) -> None:
    with raw.transaction(force_rollback=True):
        become(raw, identity)
        with pytest.raises(errors.InsufficientPrivilege):
            raw.execute(f"update {change}".encode())


def test_colleagues_see_names_and_not_addresses(database: PostgresDatabase) -> None:
    alice, bob = database.gateway(cast.ALICE), database.gateway(cast.BOB)
    assert alice.count("profiles") == 4
    for column in ("email", "phone"):
        with pytest.raises(NotAllowedError):
            alice.select("profiles", columns=[column])
    assert [r["email"] for r in alice.select("staff_directory")] == ["alice@mpt.example"]
    assert len(bob.select("staff_directory")) == 4


def test_nobody_changes_their_own_role(database: PostgresDatabase) -> None:
    for person, role in ((cast.ALICE, "admin"), (cast.BOB, "sales")):
        with pytest.raises(RuleBrokenError, match="own role"):
            database.gateway(person).update(
                "profiles", {"role": role}, where={"id": person.user_id}
            )
    changed = database.gateway(cast.BOB).update(
        "profiles", {"role": "admin"}, where={"id": cast.ALICE_ID}, returning=["id"]
    )
    assert changed == [{"id": cast.ALICE_ID}]


def test_a_webhook_secret_can_be_written_and_never_read(database: PostgresDatabase) -> None:
    bob = database.gateway(cast.BOB)
    bob.update("webhook_endpoints", {"secret": "new"}, where={"id": FIRST})
    with pytest.raises(NotAllowedError):
        bob.select("webhook_endpoints", columns=["secret"])
    signing = database.gateway(Identity("service_role")).select(
        "webhook_endpoints", columns=["secret"], where={"id": FIRST}
    )
    assert signing == [{"secret": "new"}], "the service signs with it"


def test_secrets_stay_out_of_the_settings_everybody_reads(
    raw: Raw, database: PostgresDatabase
) -> None:
    raw.execute("insert into app_settings (key, value, is_secret) values ('pin', '1', true)")
    keys = {r["key"] for r in database.gateway(cast.ALICE).select("app_settings_public")}
    assert "default_country" in keys
    assert "pin" not in keys
    assert database.gateway(cast.CHARLIE).select("app_settings_public") == []


def test_a_sales_person_cannot_lift_a_suppression_by_writing_the_contact(
    raw: Raw, database: PostgresDatabase
) -> None:
    raw.execute(
        "insert into suppressions (email, reason) values ('a@customer.example', 'complaint')"
    )
    database.gateway(cast.ALICE).update(
        "contacts", {"email_status": "ok"}, where={"id": ALICES_CONTACT}
    )
    status = values(raw, "select email_status from contacts where id = %s", ALICES_CONTACT)
    assert status == ["complained"]


# Views and functions


def test_views_show_outsiders_nothing_and_anonymous_visitors_are_refused(
    raw: Raw, database: PostgresDatabase
) -> None:
    views = values(raw, "select viewname from pg_views where schemaname = 'public'")
    assert len(views) >= 6
    for view in views:
        assert database.gateway(cast.CHARLIE).select(view) == [], view
        with pytest.raises(NotAllowedError):
            database.gateway(cast.ANON).select(view)


def test_views_act_with_the_readers_rights(database: PostgresDatabase) -> None:
    seen = database.gateway(cast.ALICE).select("send_list", columns=["contact_id"])
    assert seen == [{"contact_id": ALICES_CONTACT}]


def test_the_engine_belongs_to_the_scheduler_alone(
    alice: DbService, bob: DbService, charlie: DbService
) -> None:
    for desk in (alice, bob, charlie):
        with pytest.raises(NotAllowedError):
            SlowScheduler(desk)
        with pytest.raises(NotAllowedError):
            desk.engine.halt_sending("because", now=cast.NOW)


def test_outsiders_change_nothing_through_functions(raw: Raw, charlie: DbService) -> None:
    contact = ALICES_CONTACT
    outcome = charlie.enrollments.enroll([contact], campaign_id=None, source="manual", now=cast.NOW)
    assert [o.outcome for o in outcome] == ["not_yours"]
    assert charlie.enrollments.change([FIRST], "stop", now=cast.NOW) == 0
    with pytest.raises(NotAllowedError):
        charlie.enrollments.restart(FIRST, now=cast.NOW)
    with pytest.raises(NotAllowedError):
        charlie.scheduler_runs.request(now=cast.NOW)


def test_anonymous_visitors_execute_nothing(raw: Raw) -> None:
    callable_by_anon = values(
        raw,
        "select oid::regprocedure::text from pg_proc"
        " where pronamespace in ('public'::regnamespace, 'private'::regnamespace)"
        " and has_function_privilege('anon', oid, 'execute')",
    )
    assert callable_by_anon == []


def test_anonymous_visitors_have_no_grant_on_any_relation(raw: Raw) -> None:
    reachable = (
        "select relname from pg_class where relnamespace in"
        " ('public'::regnamespace, 'private'::regnamespace) and case"
        " when relkind = 'S' then has_sequence_privilege('anon', oid, 'usage, select, update')"
        " when relkind in ('r', 'p', 'v', 'm') then has_any_column_privilege('anon', oid,"
        " 'select, insert, update, references') or has_table_privilege('anon', oid,"
        " 'delete, truncate, trigger') end"
    )
    assert values(raw, reachable) == []
    raw.execute("grant insert (email) on suppressions to anon")
    assert values(raw, reachable) == ["suppressions"]
