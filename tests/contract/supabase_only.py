"""A process that knows a Supabase project and no database: its settings, and its routes served."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from tests.standins.sendgrid import SendGridStandIn
from tests.standins.supabase_lite import PUBLISHABLE_KEY, SECRET_KEY, token

_A_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Keys:
    """A project's two keys."""

    public: str
    service: str


NEW_KEYS = Keys(PUBLISHABLE_KEY, SECRET_KEY)
OLDER_KEYS = Keys(
    token(None, role="anon", lasts=_A_YEAR), token(None, role="service_role", lasts=_A_YEAR)
)


def supabase_environment(
    project_url: str, keys: Keys = NEW_KEYS, standin: SendGridStandIn | None = None, **more: str
) -> dict[str, str]:
    """Everything an operator sets who has a project and no address of its database."""
    ours = {
        "SUPABASE_URL": project_url,
        "SUPABASE_KEY": keys.public,
        "SUPABASE_SERVICE_KEY": keys.service,
        "APP_SECRET_KEYS": "a-key-of-the-tests-with-32-characters",
        "PUBLIC_URL": "https://crm.mpt.example",
        "MAIL_POSTAL_ADDRESS": "1 Main Street, Springfield",
        # Whatever key a developer's .env may hold: nothing of a test leaves this machine.
        "SENDGRID_BASE_URL": "http://127.0.0.1:9",
    }
    if standin is not None:
        ours |= {"SENDGRID_API_KEY": standin.key, "SENDGRID_BASE_URL": standin.url}
    return ours | more


def eventually(what: Callable[[], object], within_seconds: float = 20.0) -> None:
    """Waits until it is true; the test fails when it takes too long."""
    deadline = time.monotonic() + within_seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@contextmanager
def serving(routes: Sequence[Route]) -> Iterator[httpx.Client]:
    """The routes on a free port of 127.0.0.1, over whatever the process is connected to."""
    config = uvicorn.Config(
        Starlette(routes=list(routes)), port=0, log_level="error", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
