"""A Supabase project in front of the test's own database; tests/conftest.py imports these."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from crm.database.embedded import EmbeddedServer
from crm.database.supabase import SupabaseDatabase
from tests.standins.supabase_lite import PUBLISHABLE_KEY, SECRET_KEY, SupabaseStandIn


@pytest.fixture(scope="session")
def supabase(server: EmbeddedServer) -> Iterator[SupabaseStandIn]:
    """The REST API over every database of this run's server; a third of a second to start."""
    socket_folder = parse_qs(urlsplit(server.address()).query)["host"][0]
    with SupabaseStandIn(Path(socket_folder)) as standin:
        yield standin


@pytest.fixture
def project_url(supabase: SupabaseStandIn, address: str) -> Iterator[str]:
    """This test's database as a Supabase project."""
    url = supabase.url(database_of(address))
    yield url
    supabase.forget(url)


@pytest.fixture
def project(project_url: str) -> Iterator[SupabaseDatabase]:
    database = SupabaseDatabase(project_url, PUBLISHABLE_KEY, SECRET_KEY)
    try:
        yield database
    finally:
        database.close()


def database_of(address: str) -> str:
    return urlsplit(address).path.removeprefix("/")
