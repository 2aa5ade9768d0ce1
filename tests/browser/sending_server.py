"""A second app, which sends: to the SendGrid stand-in, with links that lead back to itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from crm.settings import load_settings
from db_service import Connection, DbService
from tests.browser.app_server import (
    ROOT,
    free_port,
    prepare,
    running_app,
    server_environment,
)
from tests.quick_folder import quick_folder
from tests.standins.inbound_mail import InboundParse
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.sendgrid_events import EventEmitter


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
def sending_server(
    *, events: EventEmitter | None = None, inbound: InboundParse | None = None
) -> Iterator[SendingServer]:
    """From an empty folder; the scheduler runs when it is asked to. It listens to the webhooks that
    are given."""
    with quick_folder("mpt-crm-sending-") as folder:
        prepare(folder)
        with SendGridStandIn() as standin:
            url = f"http://127.0.0.1:{free_port()}"
            environment = _environment(folder, url, standin) | {
                "SENDGRID_WEBHOOK_PUBLIC_KEY": events.public_key if events else "",
                "SENDGRID_INBOUND_PUBLIC_KEY": inbound.public_key if inbound else "",
            }
            server = SendingServer(url, standin, folder, environment)
            port = int(url.rpartition(":")[2])
            with running_app(folder, port, settings=server.environment):
                yield server
            assert "Traceback" not in (folder / "app.log").read_text()


def _environment(folder: Path, url: str, standin: SendGridStandIn) -> dict[str, str]:
    return server_environment(folder) | {
        "SENDGRID_API_KEY": standin.key,
        "SENDGRID_BASE_URL": standin.url,
        "MAIL_POSTAL_ADDRESS": "1 Main Street, Springfield",
        "PUBLIC_URL": url,
    }


def now() -> datetime:
    return datetime.now(UTC)
