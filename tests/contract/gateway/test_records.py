"""Every method of every record class answers the same over either adapter."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

import crm.records
from crm.database.embedded import EmbeddedServer
from crm.database.gateway import SERVICE
from crm.database.postgres import PostgresDatabase
from crm.database.supabase import SupabaseDatabase
from db_service import DbService
from tests import cast
from tests.contract.gateway.conftest import database_of, with_token
from tests.contract.gateway.story import Cast
from tests.contract.gateway.telling import Told
from tests.standins.supabase_lite import PUBLISHABLE_KEY, SECRET_KEY, SupabaseStandIn

# In both tellings the same rows have the same identifiers, and so the same order; the audit log's
# clock stands, so that even the chain's hashes are the same.
_COUNTED_IDS = """
create sequence private.story_ids;
grant usage on private.story_ids to authenticated, service_role;
create or replace function private.uuid_v7() returns uuid language sql volatile as $$
  select ('01a00000-0000-7000-8000-' || lpad(to_hex(nextval('private.story_ids')), 12, '0'))::uuid
$$;
create or replace function private.server_clock() returns timestamptz language sql volatile
set search_path = '' as $$ select timestamptz '2026-03-10 15:00+00' $$"""


@pytest.fixture(scope="module")
def over_postgres(server: EmbeddedServer, template: str) -> Told:
    with _clone(server, template, "story_over_postgres") as address:
        database = PostgresDatabase(address)
        try:
            desks = [
                DbService(database.gateway(who), who) for who in (SERVICE, cast.ALICE, cast.BOB)
            ]
            return Cast(*desks).tell()
        finally:
            database.close()


@pytest.fixture(scope="module")
def over_supabase(server: EmbeddedServer, template: str, supabase: SupabaseStandIn) -> Told:
    with _clone(server, template, "story_over_supabase") as address:
        url = supabase.url(database_of(address))
        database = SupabaseDatabase(url, PUBLISHABLE_KEY, SECRET_KEY)
        try:
            people = [SERVICE, with_token(cast.ALICE), with_token(cast.BOB)]
            return Cast(*(DbService(database.gateway(who), who) for who in people)).tell()
        finally:
            database.close()
            supabase.forget(url)


def test_the_same_story_is_told_over_both(over_postgres: Told, over_supabase: Told) -> None:
    for number, (expected, told) in enumerate(zip(over_postgres, over_supabase, strict=True)):
        assert told == expected, f"call {number}"


def test_the_story_leaves_no_method_out(over_postgres: Told) -> None:
    assert _methods() - {title for title, _ in over_postgres} == set()


def test_the_story_has_answers_of_substance(over_postgres: Told) -> None:
    """Where every answer of a method is empty or a refusal, equality says little."""
    empty = {"[]", "0", "None", "False", "set()", ""}
    telling = {
        title
        for title, answer in over_postgres
        if answer not in empty and not answer.partition(": ")[0].endswith("Error")
    }
    silent = {
        "ActivityRecords.add_note",
        "ActivityRecords.add_task",
        "ActivityRecords.log",
        # How many changes still wait to be counted: none.
        "AnalyticsRecords.catch_up",
        "AppSettingRecords.resume_sending",
        "DiscoveryRecords.change_form",
        "EngineRecords.finish_run",
        "EngineRecords.halt_sending",
        "EventRecords.quarantine",
        "PeopleRecords.add",
        "PeopleRecords.invite",
        "SchedulerRunRecords.request",
        "TemplateRecords.reorder",
        # How many were concerned: nobody.
        "EventRecords.rescore",
        "TemplateRecords.retire",
        # Which migrations are missing: none.
        "InstallationRecords.pending_migrations",
        # There is an admin already.
        "PeopleRecords.invite_first_admin",
    }
    assert _methods() - telling - silent == set()


def _methods() -> set[str]:
    modules = [
        importlib.import_module(f"crm.records.{module.name}")
        for module in pkgutil.iter_modules(crm.records.__path__)
    ]
    return {
        f"{kind.__name__}.{name}"
        for module in modules
        for kind in vars(module).values()
        if inspect.isclass(kind) and kind.__name__.endswith("Records")
        for name, _ in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@contextmanager
def _clone(server: EmbeddedServer, template: str, name: str) -> Iterator[str]:
    with psycopg.connect(server.address("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name} template {template} strategy file_copy")
        connection.execute(f"alter database {name} set mpt.now = '{cast.NOW.isoformat()}'")
        try:
            with psycopg.connect(server.address(name), autocommit=True) as clone:
                clone.execute(_COUNTED_IDS)
            yield server.address(name)
        finally:
            connection.execute(f"drop database {name} with (force)")
