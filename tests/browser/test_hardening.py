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
