"""A real server process with its own embedded database, and a real Chromium that drives it."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time as clock
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from pydantic_settings import BaseSettings

from crm.settings import load_settings
from db_service import LOCAL_ADMIN_ID, Connection, DbService, signed_in

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
_CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

expect.set_options(timeout=20_000)


class _Machine(BaseSettings):
    """Where this run happens: in CI nothing may be skipped."""

    ci: bool = False


@pytest.fixture(scope="session")
def chromium() -> str:
    for name in _CHROMIUMS:
        if path := shutil.which(name):
            return path
    reason = "No Chromium was found; install it (Debian: apt-get install chromium)."
    if _Machine().ci:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser_type_launch_args(chromium: str) -> dict[str, Any]:
    return {"executable_path": chromium, "args": list(_CHROMIUM_ARGUMENTS)}


@pytest.fixture
def browser_context_args(app_url: str) -> dict[str, Any]:
    return {
        "base_url": app_url,
        "viewport": {"width": 1440, "height": 1000},
        "timezone_id": "America/New_York",
        "accept_downloads": True,
    }


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    """An embedded database with the e-mail library, whose campaigns send around the clock."""
    # Not pytest's own folder: a second run tightens its rights, and the server is another user.
    folder = Path(tempfile.mkdtemp(prefix="mpt-crm-browser-"))
    _prepare(folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _prepare(folder: Path) -> None:
    _command(folder, "scripts/populate_drip_templates.py")
    connection = Connection(load_settings(_env_file=None, data_dir=folder))
    try:
        db = DbService.for_user(signed_in(LOCAL_ADMIN_ID), connection)
        for campaign in db.campaigns.overview():
            db.campaigns.set_window(
                campaign.id,
                days=range(1, 8),
                start=time(0),
                end=time(0),
                respect_holidays=False,
                now=datetime.now(UTC),
            )
    finally:
        connection.close()


def _command(folder: Path, script: str) -> None:
    subprocess.run([sys.executable, script], cwd=ROOT, env=server_environment(folder), check=True)


def server_environment(folder: Path) -> dict[str, str]:
    """Nothing of the developer's own settings reaches the server."""
    return {
        "DATA_DIR": str(folder),
        "PATH": str(Path(sys.executable).parent) + ":/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "DATABASE_URL": "",
        "SENDGRID_API_KEY": "",
    }


@pytest.fixture(scope="session")
def app_url(data_dir: Path) -> Iterator[str]:
    """The app as `make run` starts it, on a free port."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = data_dir / "app.log"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with (
        log.open("w") as out,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=server_environment(data_dir),
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
        assert "Traceback" not in log.read_text()


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
    pytest.fail(f"The app did not start:\n{log.read_text()}")


@pytest.fixture
def opened(page: Page) -> Page:
    """The contacts page, ready to use."""
    page.goto("/contacts")
    expect(page.get_by_role("heading", name="Contacts")).to_be_visible()
    return page
