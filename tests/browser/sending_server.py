"""A second app, which sends: to the SendGrid stand-in, with links that lead back to itself."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from crm.settings import load_settings
from db_service import Connection, DbService
from tests.browser.conftest import (
    ROOT,
    _prepare,
    _wait_until_it_answers,
    free_port,
    server_environment,
)
from tests.standins.sendgrid import SendGridStandIn


@dataclass(frozen=True, slots=True)
class SendingServer:
    """The app at `url`, its stand-in, and its database behind the browser's back."""

    url: str
    standin: SendGridStandIn
    folder: Path
    environment: dict[str, str] = field(repr=False)

    @contextmanager
    def database(self) -> Iterator[DbService]:
        """As the scheduler and the routes see it."""
        settings = load_settings(_env_file=None, data_dir=self.folder)
        with closing(Connection(settings)) as connection:
            yield DbService.for_service(connection)

    def tick_at(self, moment: datetime) -> None:
        """One run of the scheduler, as if it were then."""
        command = [sys.executable, "drip_scheduler.py", "--once", "--now", moment.isoformat()]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True)

    def mail_to(self, email: str) -> list[str]:
        """The unsubscribe links of what was accepted for this address, the oldest first."""
        headers = [m.headers for m in self.standin.accepted if m.to == email]
        return [header["List-Unsubscribe"].strip("<>") for header in headers]


@contextmanager
def sending_server() -> Iterator[SendingServer]:
    """From an empty folder; the scheduler runs when it is asked to."""
    folder = Path(tempfile.mkdtemp(prefix="mpt-crm-sending-"))
    try:
        _prepare(folder)
        with SendGridStandIn() as standin:
            url = f"http://127.0.0.1:{free_port()}"
            server = SendingServer(url, standin, folder, _environment(folder, url, standin))
            with _serving(server):
                yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path, url: str, standin: SendGridStandIn) -> dict[str, str]:
    return server_environment(folder) | {
        "SENDGRID_API_KEY": standin.key,
        "SENDGRID_BASE_URL": standin.url,
        "MAIL_POSTAL_ADDRESS": "1 Main Street, Springfield",
        "PUBLIC_URL": url,
    }


@contextmanager
def _serving(server: SendingServer) -> Iterator[None]:
    port = server.url.rpartition(":")[2]
    log = server.folder / "app.log"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", port]
    with (
        log.open("w") as out,
        subprocess.Popen(
            command, cwd=ROOT, env=server.environment, stdout=out, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            _wait_until_it_answers(server.url, process, log)
            yield
        finally:
            process.terminate()
        assert process.wait(timeout=30) == -signal.SIGTERM, log.read_text()
        assert "Traceback" not in log.read_text()


def now() -> datetime:
    return datetime.now(UTC)
