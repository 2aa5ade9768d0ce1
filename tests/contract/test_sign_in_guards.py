"""What holds the sign-in by e-mail against forged forms, guessing, floods and talkative logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from crm.web import sign_in
from crm.web.rate_limits import RateLimit
from crm.web.sign_in import MAX_BODY_BYTES
from tests.contract.sign_in_site import (
    EMAIL,
    OURS,
    PASSWORD,
    POSTS,
    PUBLIC_URL,
    add_alice,
    assert_a_page,
    key_of,
    mailed,
    post,
    sign_in_site,
    token_hash_of,
)
from tests.standins.supabase_lite import SupabaseStandIn

Form = dict[str, Any]


@pytest.fixture
def site(supabase: SupabaseStandIn, project_url: str) -> Iterator[httpx.Client]:
    """Where Alice has an account."""
    add_alice(supabase, project_url)
    with sign_in_site(project_url) as site:
        yield site


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://crm.mpt.example.evil.example"},
        {"Origin": "http://crm.mpt.example"},
        {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "cross-site"},
        {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_another_sites_form_is_refused(
    site: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    fields = {"email": EMAIL, "password": PASSWORD}
    assert_a_page(site.post(path, data=fields, headers=headers), 403)


def test_a_browser_that_says_same_origin_is_believed(site: httpx.Client) -> None:
    """It compares them itself, and so knows better behind a proxy or under a second name."""
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8501"}
    fields = {"email": EMAIL, "password": PASSWORD}
    assert site.post("/sign-in/password", data=fields, headers=headers).status_code == 303


@pytest.mark.parametrize("path", POSTS)
def test_a_large_body_is_not_read(site: httpx.Client, path: str) -> None:
    answer = post(site, path, email=EMAIL, password="x" * MAX_BODY_BYTES)
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/sign-in/password", "/sign-in/link", "/sign-out"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_another_method_gets_a_page_of_ours(site: httpx.Client, path: str, method: str) -> None:
    answer = site.request(method, path, headers=OURS)
    assert_a_page(answer, 405)
    assert answer.headers["allow"] == "POST"


def test_guessing_at_one_address_is_slowed_down_whoever_guesses(site: httpx.Client) -> None:
    for _ in range(10):
        answer = post(site, "/sign-in/password", email=EMAIL, password="wrong")
        assert answer.status_code == 403
    answer = post(site, "/sign-in/password", email=EMAIL.title(), password=PASSWORD)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    other = post(site, "/sign-in/password", email="bob@mpt.example", password="wrong")
    assert other.status_code == 403


def test_a_stranger_who_guesses_keeps_nobody_else_out(site: httpx.Client) -> None:
    stranger = OURS | {"X-Forwarded-For": "203.0.113.9"}
    wrong = {"email": EMAIL, "password": "wrong"}
    statuses = [
        site.post("/sign-in/password", data=wrong, headers=stranger).status_code for _ in range(11)
    ]
    assert statuses[-2:] == [403, 429]
    assert post(site, "/sign-in/password", email=EMAIL, password=PASSWORD).status_code == 303


def test_many_who_guess_at_one_address_are_slowed_down_together(
    site: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "passwords_of_all", RateLimit(times=3, seconds=3600))
    wrong = {"email": EMAIL, "password": "wrong"}
    statuses = [
        site.post(
            "/sign-in/password", data=wrong, headers=OURS | {"X-Forwarded-For": f"203.0.113.{n}"}
        ).status_code
        for n in range(4)
    ]
    assert statuses == [403, 403, 403, 429]


def test_one_caller_cannot_try_many_addresses(site: httpx.Client) -> None:
    statuses = [
        post(site, "/sign-in/confirm", token_hash=f"made-up-{n}").status_code for n in range(31)
    ]
    assert statuses[-1] == 429
    assert 429 not in statuses[:30]


def test_nobody_is_flooded_with_links(site: httpx.Client) -> None:
    statuses = [post(site, "/sign-in/link", email=EMAIL).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_nothing_personal_and_nothing_secret_is_logged(
    site: httpx.Client,
    supabase: SupabaseStandIn,
    project_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    post(site, "/sign-in/password", email=EMAIL, password="wrong")
    key = key_of(post(site, "/sign-in/password", email=EMAIL, password=PASSWORD))
    post(site, "/sign-in/link", email=EMAIL)
    token_hash = token_hash_of(mailed(supabase, project_url)[-1])
    post(site, "/sign-in/confirm", token_hash=token_hash)
    for secret in (EMAIL, PASSWORD, key, token_hash):
        assert secret not in caplog.text
