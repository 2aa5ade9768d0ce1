"""The event webhook on a free port, and what its tests say to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette

from crm.settings import Settings
from crm.web import events
from db_service import DbService, connect, disconnect
from tests.cast import NOW
from tests.conftest import Raw
from tests.database.sending import SlowScheduler, one, values
from tests.standins.sendgrid_events import PATH, Event, EventEmitter, event

EMITTER = EventEmitter()
STAMP = int(NOW.timestamp())


@contextmanager
def serving_events(address: str, *, key: str = EMITTER.public_key) -> Iterator[httpx.Client]:
    """The route over this database, believing what `key` signed."""
    connect(
        Settings(database_url=SecretStr(address), sendgrid_webhook_public_key=key, _env_file=None)
    )
    config = uvicorn.Config(
        Starlette(routes=events.routes), port=0, log_level="error", lifespan="off"
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
        disconnect()


def an_accepted_email(service: DbService, raw: Raw) -> dict[str, Any]:
    """Sends what is due to the one contact there is; the row of that send."""
    SlowScheduler(service).send_all(next_step=2)
    return one(raw, "select id::text, to_email, contact_id::text from email_sends")


def told(sent: dict[str, Any], kind: str, *, seconds: int = 60, **fields: Any) -> Event:
    """What the provider says of a send, so many seconds after NOW."""
    return event(
        kind,
        email=sent["to_email"],
        at=NOW + timedelta(seconds=seconds),
        message_id="message-1",
        custom_args={"send_id": sent["id"]},
        **fields,
    )


def post(site: httpx.Client, *elements: Any) -> httpx.Response:
    return EMITTER.post(PATH, elements, timestamp=STAMP, client=site)


def counts(answer: httpx.Response) -> tuple[int, int, int, int]:
    """How many were stored, repeated, foreign and put aside, of a request that was taken."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    said: dict[str, int] = answer.json()
    return said["stored"], said["repeated"], said["foreign"], said["quarantined"]


def stored(raw: Raw) -> list[str]:
    return values(raw, "select event from email_events order by occurred_at, event")
