"""The app with a recognisable secret in every secret setting, and a log that tells all it can."""

from __future__ import annotations

import signal
import subprocess
import sys
import time as clock
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
import psycopg
from psycopg.rows import dict_row

from crm.database.embedded import EmbeddedServer
from crm.database.migrations import migrate
from tests.browser.app_server import ROOT, free_port, server_environment
from tests.quick_folder import quick_folder
from tests.standins.inbound_mail import InboundParse
from tests.standins.oidc_provider import CLIENT_ID, CLIENT_SECRET, oidc_provider
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.sendgrid_events import EventEmitter

ADMIN = {"sub": "rosa", "email": "rosa.admin@staff.example", "email_verified": True}
SENDGRID_KEY = "SG.nobody-may-read.this-provider-key"
# Setting → its value; each is looked for as a whole, and in the forms in which it travels.
SECRETS = {
    "SENDGRID_API_KEY": SENDGRID_KEY,
    "APP_SECRET_KEYS": "nobody-may-read-this-first-signing-key,nobody-may-read-the-second-key-2",
    "OIDC_CLIENT_SECRET": CLIENT_SECRET,
    "OIDC_COOKIE_SECRET": "nobody-may-read-this-cookie-secret-1",
    "SUPABASE_KEY": "sb_publishable_nobody_may_read_this",
    "SUPABASE_SERVICE_KEY": "sb_secret_nobody_may_read_this",
    "TRIGGER_WEBHOOK_SECRET": "nobody-may-read-this-trigger-secret",
    "SHAREPOINT_CLIENT_SECRET": "nobody-may-read-this-sharepoint-secret",
}
PASSWORD = "nobody-may-read-this-password"
# As `streamlit run`, with every logger of every package at DEBUG before anything is imported.
_TELLING = (
    "import logging, sys; logging.basicConfig(level=logging.DEBUG);"
    " from streamlit.web.cli import main; sys.argv[0] = 'streamlit'; main()"
)


@dataclass(frozen=True, slots=True)
class TellingServer:
    """The app at `url`, what it talks to, and its database behind its back."""

    url: str
    address: str
    log_file: Path
    standin: SendGridStandIn
    events: EventEmitter
    inbound: InboundParse
    environment: dict[str, str] = field(repr=False)

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def rows(self, query: str) -> list[dict[str, Any]]:
        """As the superuser."""
        with psycopg.connect(self.address, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def run(self) -> None:
        """A run of the scheduler, at once and to its end."""
        before = self._finished_runs()
        self.rows("update app_settings set value = to_jsonb(now()) where key = 'run_requested_at'")
        deadline = clock.monotonic() + 60
        while self._finished_runs() == before:
            assert clock.monotonic() < deadline, "the scheduler did not run"
            clock.sleep(0.3)

    @contextmanager
    def without_database(self) -> Iterator[None]:
        """Its connections break, and new ones are refused."""
        parts = urlsplit(self.address)
        name = parts.path.removeprefix("/")
        elsewhere = urlunsplit(parts._replace(path="/postgres"))
        with psycopg.connect(elsewhere, autocommit=True) as connection:
            connection.execute(f"alter database {name} allow_connections false".encode())
            try:
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
                    (name,),
                )
                yield
            finally:
                connection.execute(f"alter database {name} allow_connections true".encode())

    def _finished_runs(self) -> int:
        [row] = self.rows("select count(*) as n from scheduler_runs where finished_at is not null")
        return int(row["n"])


@contextmanager
def telling_server(database_server: EmbeddedServer) -> Iterator[TellingServer]:
    """Over a database of its own on this server, with the e-mail library; nobody signed in yet."""
    with ExitStack() as held:
        folder = held.enter_context(quick_folder("mpt-crm-telling-"))
        standin = held.enter_context(SendGridStandIn(keys=[SENDGRID_KEY]))
        issuer = held.enter_context(
            oidc_provider([ADMIN], port=free_port(), lasts=timedelta(hours=1))
        )
        events, inbound = EventEmitter(), InboundParse()
        url, address = f"http://127.0.0.1:{free_port()}", _migrated(database_server)
        environment = (
            server_environment(folder)
            | SECRETS
            | {
                "DATABASE_URL": _with_password(address),
                "SENDGRID_BASE_URL": standin.url,
                "SENDGRID_WEBHOOK_PUBLIC_KEY": events.public_key,
                "SENDGRID_INBOUND_PUBLIC_KEY": inbound.public_key,
                "OIDC_CLIENT_ID": CLIENT_ID,
                "OIDC_METADATA_URL": f"{issuer}/.well-known/openid-configuration",
                "FIRST_ADMIN_EMAIL": str(ADMIN["email"]),
                "MAIL_POSTAL_ADDRESS": "1 Main Street, Springfield",
                "PUBLIC_URL": url,
            }
        )
        log = folder / "app.log"
        server = TellingServer(url, address, log, standin, events, inbound, environment)
        populate = [sys.executable, "scripts/populate_drip_templates.py"]
        subprocess.run(populate, cwd=ROOT, env=environment, check=True)
        held.enter_context(_serving(server))
        yield server


@contextmanager
def _serving(server: TellingServer) -> Iterator[None]:
    port = server.url.rpartition(":")[2]
    command = [sys.executable, "-c", _TELLING, "run", "app.py", "--server.port", port]
    command += ["--logger.level", "debug"]
    with (
        server.log_file.open("w") as out,
        subprocess.Popen(
            command, cwd=ROOT, env=server.environment, stdout=out, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            _wait_for(server, process)
            yield
        finally:
            process.terminate()
        assert process.wait(timeout=30) == -signal.SIGTERM


def _wait_for(server: TellingServer, process: subprocess.Popen[bytes]) -> None:
    deadline = clock.monotonic() + 60
    while clock.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{server.url}/health", timeout=2).is_success:
                return
        except httpx.HTTPError:
            clock.sleep(0.3)
    raise AssertionError(f"The app did not start:\n{server.log[-3000:]}")


def _migrated(server: EmbeddedServer) -> str:
    with psycopg.connect(server.address("postgres"), autocommit=True) as connection:
        connection.execute("create database telling")
    address = server.address("telling")
    migrate(address)
    return address


def _with_password(address: str) -> str:
    """The server asks nobody for a password; the address carries one all the same."""
    return address.replace("postgres:@", f"postgres:{quote(PASSWORD)}@", 1)
