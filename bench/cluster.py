"""A Postgres cluster of the benchmark's own, and fresh copies of a prepared database in it."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from crm.database.embedded import DATABASE_NAME, EmbeddedServer
from crm.database.migrations import migrate

SETTINGS = ("server_version", "shared_buffers", "fsync", "synchronous_commit", "max_wal_size")


class Cluster:
    """The embedded server in a folder of its own. Configured as the product configures it."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedServer.start(folder)
        self.postmaster = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        self._numbers = itertools.count(1)

    def address(self, database: str = DATABASE_NAME) -> str:
        return self._server.address(database)

    def stop(self) -> None:
        self._server.stop()

    def new_database(self, name: str) -> str:
        """An empty database; returns its address."""
        self._administer(f"create database {name}")
        return self.address(name)

    def new_crm_database(self, name: str) -> str:
        """A database with every migration applied; returns its address."""
        address = self.new_database(name)
        migrate(address)
        return address

    @contextmanager
    def copy_of(self, database: str) -> Iterator[str]:
        """The address of a fresh copy, written to disk before it is handed out."""
        name = f"{database}_copy_{next(self._numbers)}"
        self._administer(f"create database {name} template {database} strategy file_copy")
        self._administer("checkpoint")
        try:
            yield self.address(name)
        finally:
            self._administer(f"drop database {name} with (force)")

    def settings(self) -> dict[str, str]:
        with psycopg.connect(self.address("postgres")) as connection:
            rows = connection.execute(
                "select name, current_setting(name) from unnest(%s::text[]) name", (list(SETTINGS),)
            ).fetchall()
        return {str(name): str(value) for name, value in rows}

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    """Runs while the block does; nothing of it is left behind."""
    folder = Path(tempfile.mkdtemp(prefix="mpt-crm-bench-"))
    try:
        cluster = Cluster(folder)
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def one_value(address: str, query: LiteralString, *parameters: object) -> Any:
    """The single value a query answers."""
    with psycopg.connect(address) as connection:
        row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None
