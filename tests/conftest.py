"""A real Postgres for every test: one server a run, migrated once, cloned per test."""

import gc
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from crm.database.embedded import EmbeddedServer
from crm.database.gateway import SERVICE, Identity
from crm.database.migrations import migrate
from crm.database.postgres import PostgresDatabase
from db_service import DbService
from tests import cast
from tests.quick_folder import quick_folder
from tests.standins.fixtures import sendgrid_standin
from tests.standins.supabase_fixtures import project, project_url, supabase
from tests.warm_python import WarmPython

__all__ = ["project", "project_url", "sendgrid_standin", "supabase"]

Raw = psycopg.Connection[dict[str, Any]]
AContact = Callable[..., str]
PublishedSteps = Callable[..., list[str]]

_TEMPLATE = "mpt_crm_template"
# Nothing here outlives the run, so nothing needs to survive a crash.
_FAST_AND_CARELESS = (
    "fsync = off",
    "synchronous_commit = off",
    "full_page_writes = off",
    "max_wal_size = '128MB'",
)
_numbers = itertools.count(1)


def pytest_collection_finish() -> None:
    """What is there by now stays: no collection of garbage needs to walk through it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """An embedded server of this run alone (each xdist worker has its own)."""
    # Cloning a database copies ten megabytes: twenty times faster in memory.
    with quick_folder("mpt-crm-tests-") as folder:
        server = EmbeddedServer.start(folder)
        try:
            with _administrator(server) as connection:
                for setting in _FAST_AND_CARELESS:
                    connection.execute(f"alter system set {setting}")
                connection.execute("select pg_reload_conf()")
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def template(server: EmbeddedServer) -> str:
    """The name of a database with every migration applied, the cast of people, and nothing else."""
    with _administrator(server) as connection:
        connection.execute(f"create database {_TEMPLATE}")
    migrate(server.address(_TEMPLATE))
    with psycopg.connect(server.address(_TEMPLATE), autocommit=True) as connection:
        connection.cursor().executemany(
            "insert into profiles (id, email, full_name, role, active) values (%s, %s, %s, %s, %s)",
            cast.PROFILES,
        )
    return _TEMPLATE


@pytest.fixture(scope="session")
def warm_python() -> Iterator[WarmPython]:
    with WarmPython() as python:
        yield python


@pytest.fixture
def empty_address(server: EmbeddedServer) -> Iterator[str]:
    """A database without any migration."""
    yield from _database(server, "template1")


@pytest.fixture
def address(server: EmbeddedServer, template: str) -> Iterator[str]:
    """A fresh, migrated clone."""
    yield from _database(server, template)


@pytest.fixture
def database(address: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(address)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def raw(address: str) -> Iterator[Raw]:
    """A superuser's connection, for what the application itself must never be able to do."""
    with psycopg.connect(address, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
def now() -> datetime:
    return cast.NOW


@pytest.fixture
def service(database: PostgresDatabase) -> DbService:
    return _desk(database, SERVICE)


@pytest.fixture
def alice(database: PostgresDatabase) -> DbService:
    return _desk(database, cast.ALICE)


@pytest.fixture
def bob(database: PostgresDatabase) -> DbService:
    return _desk(database, cast.BOB)


@pytest.fixture
def carol(database: PostgresDatabase) -> DbService:
    return _desk(database, cast.CAROL)


@pytest.fixture
def charlie(database: PostgresDatabase) -> DbService:
    return _desk(database, cast.CHARLIE)


@pytest.fixture
def a_contact(raw: Raw) -> AContact:
    """Adds a contact (owned by Alice unless said otherwise) and returns its id."""

    def add(**fields: Any) -> str:
        number = next(_numbers)
        row = {
            "first_name": "Grace",
            "last_name": f"Hopper {number}",
            "email": f"grace{number}@customer.example",
            "company_name": "Customer Ltd",
            "contact_type": "lead",
            "owner_id": cast.ALICE_ID,
        } | fields
        added = raw.execute(
            f"insert into contacts ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})"
            " returning id::text",
            list(row.values()),
        ).fetchone()
        assert added is not None
        return str(added["id"])

    return add


@pytest.fixture
def published_steps(raw: Raw) -> PublishedSteps:
    """Publishes n minimal e-mails; the first is due at once, each next after `delay_days`."""

    def publish(campaign_key: str, n: int, *, delay_days: int = 7) -> list[str]:
        return [
            _publish(raw, campaign_key, step, 0 if step == 1 else delay_days)
            for step in range(1, n + 1)
        ]

    return publish


def _publish(raw: Raw, campaign_key: str, step: int, delay_days: int) -> str:
    subject = f"{campaign_key} {step}"
    content = {
        "name": f"{campaign_key.title()} e-mail {step}",
        "subject": subject,
        "preheader": "",
        "body": f"E-mail {step}",
        "delay_days": delay_days,
        "content_hash": f"{campaign_key}-{step}-v1",
        "compiled": {
            "subject": subject,
            "html": f"<!DOCTYPE html><title>{subject}</title><p>E-mail {step}</p>",
            "text": f"E-mail {step}",
            "slots": [],
        },
    }
    published = raw.execute(
        "select publish_template(id, %s, %s, %s)::text as id from drip_campaigns where key = %s",
        (step, json.dumps(content), cast.NOW - timedelta(days=30), campaign_key),
    ).fetchone()
    assert published is not None
    return str(published["id"])


def _desk(database: PostgresDatabase, identity: Identity) -> DbService:
    return DbService(database.gateway(identity), identity)


def _administrator(server: EmbeddedServer) -> psycopg.Connection[Any]:
    return psycopg.connect(server.address("postgres"), autocommit=True)


def _database(server: EmbeddedServer, template: str) -> Iterator[str]:
    name = f"mpt_test_{next(_numbers)}"
    with _administrator(server) as connection:
        connection.execute(f"create database {name} template {template} strategy file_copy")
        # Where no p_now is given, the clock of every session stands at NOW.
        connection.execute(f"alter database {name} set mpt.now = '{cast.NOW.isoformat()}'")
        # A test that waits for a lock nobody will release fails instead of hanging.
        connection.execute(f"alter database {name} set lock_timeout = '5s'")
        try:
            yield server.address(name)
        finally:
            connection.execute(f"drop database {name} with (force)")
