"""The app as a process of its own on a free port, as `make run` starts it."""

from __future__ import annotations

import atexit
import signal
import socket
import subprocess
import sys
import time as clock
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path

import httpx

from crm.settings import load_settings
from db_service import LOCAL_ADMIN_ID, Connection, DbService, signed_in
from tests.quick_folder import quick_folder

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


class NotStartedError(RuntimeError):
    """The app did not answer; the message is its log."""


def prepare(folder: Path) -> None:
    """An embedded database with the e-mail library, whose campaigns send around the clock."""
    # Keeping owners and times: the database's files belong to its server's user.
    subprocess.run(["cp", "--archive", f"{_prepared()}/.", folder], check=True)


@cache
def _prepared() -> Path:
    """Prepared once a run; a copy takes a tenth of a second."""
    held = ExitStack()
    atexit.register(held.close)
    folder = held.enter_context(quick_folder("mpt-crm-prepared-"))
    _prepare(folder)
    return folder


def _prepare(folder: Path) -> None:
    script = [sys.executable, "scripts/populate_drip_templates.py"]
    subprocess.run(script, cwd=ROOT, env=server_environment(folder), check=True)
    connection = Connection(load_settings(_env_file=None, data_dir=folder))
    try:
        db = DbService.for_user(signed_in(LOCAL_ADMIN_ID), connection)
        for campaign in db.campaigns.overview():
            send_around_the_clock(db, campaign.id)
    finally:
        connection.close()


def send_around_the_clock(db: DbService, campaign_id: str) -> None:
    db.campaigns.set_window(
        campaign_id,
        days=range(1, 8),
        start=time(0),
        end=time(0),
        respect_holidays=False,
        now=datetime.now(UTC),
    )


def server_environment(folder: Path) -> dict[str, str]:
    """Nothing of the developer's own settings reaches the server."""
    return {
        "DATA_DIR": str(folder),
        "PATH": str(Path(sys.executable).parent) + ":/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "DATABASE_URL": "",
        "SENDGRID_API_KEY": "",
    }


@contextmanager
def running_app(
    folder: Path,
    port: int,
    *,
    settings: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
) -> Iterator[str]:
    """Its address. Stops it at the end, and insists that it ended in order."""
    url = f"http://127.0.0.1:{port}"
    log = folder / "app.log"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with (
        log.open("w") as out,
        subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env=server_environment(folder) | dict(settings or {}),
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            _wait_until_it_answers(url, process, log)
            yield url
        finally:
            process.terminate()
        # It shuts down in order and then ends by the signal it got, as a well-behaved server does.
        assert process.wait(timeout=30) == -signal.SIGTERM, log.read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = clock.monotonic() + START_SECONDS
    while clock.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=2).json()["status"] == "ok":
                return
        except (httpx.HTTPError, ValueError):
            clock.sleep(0.3)
    raise NotStartedError(log.read_text())
