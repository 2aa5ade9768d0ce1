"""The unsubscribe link over real HTTP: what a person, a mail program and a link scanner get."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette

from crm.mail.unsubscribe_tokens import UnsubscribeTokens
from crm.settings import Settings
from crm.web import unsubscribe
from db_service import DbService, connect, disconnect
from tests.conftest import AContact

KEY = "a-signing-key-of-more-than-32-characters"


@pytest.fixture
def site(address: str) -> Iterator[httpx.Client]:
    """The public routes on a free port of 127.0.0.1, over the test's own database."""
    settings = Settings(
        database_url=SecretStr(address), app_secret_keys=SecretStr(KEY), _env_file=None
    )
    connect(settings)
    config = uvicorn.Config(
        Starlette(routes=unsubscribe.routes),
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


def _link(contact_id: str, key: str = KEY) -> str:
    return f"/unsubscribe/{UnsubscribeTokens([key]).sign(UUID(contact_id), 'lead')}"


def test_following_the_link_changes_nothing(
    site: httpx.Client, service: DbService, a_contact: AContact
) -> None:
    contact_id = a_contact()
    answer = site.get(_link(contact_id))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "<button" in answer.text
    contact = service.contacts.get(contact_id)
    assert contact is not None
    assert contact.email_status == "ok"


def test_a_one_click_request_unsubscribes_at_once_and_may_be_repeated(
    site: httpx.Client, service: DbService, a_contact: AContact
) -> None:
    contact_id = a_contact()
    for _ in range(2):
        # RFC 8058: form-encoded, no cookies; a redirect would not be followed.
        answer = site.post(_link(contact_id), data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    contact = service.contacts.get(contact_id)
    assert contact is not None
    assert contact.email_status == "unsubscribed"
    timeline = [entry.kind for entry in service.activities.timeline(contact_id)]
    assert timeline.count("unsubscribed") == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_wrong_link_gets_the_same_answer(
    site: httpx.Client, a_contact: AContact, method: str
) -> None:
    contact_id = a_contact()
    forged = _link(contact_id, "another-key-of-more-than-32-characters!")
    answers = [
        site.request(method, link) for link in (forged, "/unsubscribe/x", _link(contact_id)[:-1])
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


def test_a_huge_body_is_refused(site: httpx.Client, a_contact: AContact) -> None:
    answer = site.post(_link(a_contact()), content=b"x" * (unsubscribe.MAX_BODY_BYTES + 1))
    assert answer.status_code == 413
