"""Public routes over real HTTP, on a free port of 127.0.0.1."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import httpx
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Route

from crm.mail.unsubscribe_tokens import UnsubscribeTokens
from crm.settings import Settings
from crm.web import consent_links
from db_service import connect, disconnect

KEY = "a-signing-key-of-more-than-32-characters"


@contextmanager
def serving(
    routes: Sequence[Route], address: str, *, keys: str = KEY, company: str = "MPT"
) -> Iterator[httpx.Client]:
    """The routes over this database, with no limit used up, under `keys` (a comma list)."""
    consent_links.known_tokens.forget()
    consent_links.unknown_tokens.forget()
    connect(
        Settings(
            database_url=SecretStr(address),
            app_secret_keys=SecretStr(keys),
            mail_company=company,
            _env_file=None,
        )
    )
    config = uvicorn.Config(
        Starlette(routes=list(routes)),
        host="127.0.0.1",
        port=0,
        log_level="error",
        lifespan="off",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        disconnect()


def token(contact_id: str, *, key: str = KEY, campaign: str | None = "lead") -> str:
    return UnsubscribeTokens([key]).sign(UUID(contact_id), campaign)


def assert_a_guarded_page(answer: httpx.Response) -> None:
    """What every public page has: HTML that runs, keeps, frames, leaks and sets nothing."""
    headers = answer.headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-robots-tag"] == "noindex"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "set-cookie" not in headers
    assert "location" not in headers
