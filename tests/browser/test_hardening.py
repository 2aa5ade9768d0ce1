"""The running app keeps to its configuration: foreign hosts and origins, strange paths, limits."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
STREAM = "/_stcore/stream"
# Nothing of ours is under them: Streamlit gives its empty frame, or refuses.
STRANGE_PATHS = (
    "/.env",
    "/app.py",
    "/crm/settings.py",
    "/.streamlit/config.toml",
    "/.data/secret_key",
    "/app/static/secret_key",
    "/static/..%2f..%2f..%2fapp.py",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/media/../../app.py",
    "/component/x/%2e%2e/%2e%2e/app.py",
    "/_stcore/script-health-check",
    "/_stcore/agent",
    "/_stcore/agent/sessions",
    "/docs",
    "/openapi.json",
    "/debug",
)


@pytest.fixture
def site(app_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=app_url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def frame(app_url: str) -> str:
    """The page without a single piece of data that Streamlit serves under every path."""
    return httpx.get(app_url, trust_env=False).text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://share.streamlit.io"},
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ],
    ids=str,
)
def test_a_foreign_page_gets_no_live_connection(
    site: httpx.Client, headers: dict[str, str]
) -> None:
    assert site.get(STREAM, headers=UPGRADE | headers).status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/unsubscribe/x", "/hooks/sendgrid/events", "/_stcore/host-config", "/media/x"]
)
def test_a_foreign_host_name_gets_no_answer(site: httpx.Client, path: str) -> None:
    answer = site.get(path, headers={"Host": "evil.example"})
    assert (answer.status_code, answer.text) == (421, "No such host here.")


def test_a_monitor_may_ask_by_any_name(site: httpx.Client) -> None:
    assert site.get("/health", headers={"Host": "10.1.2.3"}).status_code == 200


@pytest.mark.parametrize("path", STRANGE_PATHS)
def test_an_unknown_path_answers_no_data(site: httpx.Client, frame: str, path: str) -> None:
    answer = site.get(path)
    if answer.status_code == 200:
        assert answer.text == frame
    else:
        assert answer.status_code in {400, 403, 404}
        assert len(answer.text) < 100


def test_no_other_site_may_speak_to_the_app_in_a_frame(site: httpx.Client) -> None:
    told = site.get("/_stcore/host-config").json()
    assert told["allowedOrigins"] == []
    assert told["enableCustomParentMessages"] is False


def test_no_other_site_may_read_an_answer(site: httpx.Client) -> None:
    for path in ("/", "/health", "/_stcore/host-config", "/_stcore/health"):
        answer = site.get(path, headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in answer.headers, path


def test_a_file_comes_in_with_the_token_of_its_own_page_alone(site: httpx.Client) -> None:
    upload = "/_stcore/upload_file/nobody/nothing"
    assert site.put(upload, files={"file": b"x"}).status_code == 403
    stale = {"X-Xsrftoken": "2|00000000|00000000|1", "Cookie": "_streamlit_xsrf=other"}
    assert site.put(upload, files={"file": b"x"}, headers=stale).status_code == 403


def test_a_fault_of_a_request_shows_no_details(site: httpx.Client) -> None:
    for path in ("/unsubscribe/%ff%fe", "/preferences/%00", "/oauth2callback?code=%00&state=%ff"):
        answer = site.get(path)
        assert "Traceback" not in answer.text
        assert ".py" not in answer.text.replace("Copyright", "")


def test_a_caller_cannot_choose_its_own_address(app_url: str) -> None:
    """From an address that is no proxy of ours: whatever the header says, it is one caller."""
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=app_url, transport=transport, timeout=30) as stranger:
        statuses = [
            stranger.get(
                f"/unsubscribe/unknown-{number}", headers={"X-Forwarded-For": f"192.0.2.{number}"}
            ).status_code
            for number in range(40)
        ]
    assert statuses[:30] == [404] * 30
    assert set(statuses[30:]) == {429}


def test_callers_behind_a_proxy_on_this_machine_each_have_their_own_limit(
    site: httpx.Client,
) -> None:
    statuses = {
        site.get(
            f"/unsubscribe/unknown-{number}", headers={"X-Forwarded-For": f"198.51.100.{number}"}
        ).status_code
        for number in range(40)
    }
    assert statuses == {404}
    # What a caller wrote into the header itself stands before what the proxy added, and is not it.
    told = {"X-Forwarded-For": "203.0.113.9, 198.51.100.200"}
    refused = [
        site.get("/unsubscribe/unknown", headers=told | {"X-Real-IP": f"203.0.113.{number}"})
        for number in range(31)
    ]
    assert refused[-1].status_code == 429
