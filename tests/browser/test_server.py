"""The server around the pages: what it refuses to start with, and its public routes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.browser.app_server import ROOT, free_port, server_environment

HALF_A_SIGN_IN = {
    "OIDC_CLIENT_ID": "crm",
    "OIDC_CLIENT_SECRET": "secret",
    "OIDC_METADATA_URL": "https://login.example/.well-known/openid-configuration",
}

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize(
    ("arguments", "environment", "line"),
    [
        (["--server.address", "0.0.0.0"], {}, "server.address: 0.0.0.0 would let others in"),
        ([], {"PUBLIC_URL": "https://crm.mpt.example"}, "PUBLIC_URL: published without a sign-in"),
        ([], {"DRIP_INTERVAL_SECONDS": "hourly"}, "DRIP_INTERVAL_SECONDS: "),
        (["--server.address", "0.0.0.0"], HALF_A_SIGN_IN, "OIDC_COOKIE_SECRET: not set"),
        ([], {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "APP_SECRET_KEYS: not set"),
        ([], {"SUPABASE_URL": "https://project.supabase.example"}, "SUPABASE_KEY: not set"),
    ],
)
def test_a_start_that_is_refused_says_why_in_one_line(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], line: str
) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    refused = subprocess.run(
        [*command, "--server.port", str(free_port()), *arguments],
        cwd=ROOT,
        env=server_environment(tmp_path) | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode != 0
    assert refused.stderr.startswith(line)
    assert refused.stderr.count("\n") == 1


def test_health_answers_in_json_and_names_nobody(app_url: str) -> None:
    answer = httpx.get(f"{app_url}/health")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["status"] == "ok"
    assert set(answer.json()["last_run"]) == {"status", "started_at", "finished_at", "next_run_at"}


def test_health_takes_no_other_method(app_url: str) -> None:
    assert httpx.post(f"{app_url}/health").status_code == 405


def test_another_host_name_gets_no_live_connection(app_url: str) -> None:
    """Against DNS rebinding: a page of another site that resolves to this machine stays outside."""
    stream = f"{app_url}/_stcore/stream"
    assert httpx.get(stream, headers=UPGRADE | {"Host": "evil.example"}).status_code == 403
    foreign = UPGRADE | {"Origin": "https://evil.example"}
    assert httpx.get(stream, headers=foreign).status_code == 403


@pytest.mark.parametrize("given_away_by", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_a_proxy_passes_nobody_on_to_an_app_without_sign_in(
    app_url: str, given_away_by: str
) -> None:
    """Neither page nor live connection: who came through would be the admin."""
    for place, more in (("/", {}), ("/_stcore/stream", UPGRADE)):
        passed_on = httpx.get(f"{app_url}{place}", headers=more | {given_away_by: "203.0.113.9"})
        assert passed_on.status_code == 403, place
    assert httpx.get(app_url).status_code == 200
