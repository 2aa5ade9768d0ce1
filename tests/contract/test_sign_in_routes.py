"""The sign-in by e-mail over real HTTP, against a Supabase project that is really asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from crm.settings import load_settings
from crm.web import sign_in
from crm.web.sign_in import MAX_BODY_BYTES
from db_service import SignedOutError, connect, disconnect
from tests import cast
from tests.contract.supabase_only import serving, supabase_environment
from tests.standins.supabase_lite import SupabaseStandIn

EMAIL, PASSWORD = "alice@mpt.example", "correct horse battery staple"
PUBLIC_URL = "https://crm.mpt.example"
OURS = {"Origin": PUBLIC_URL}
COOKIE = "__Host-mpt_sign_in"
POSTS = ("/sign-in/password", "/sign-in/link", "/sign-in/confirm", "/sign-out")
OpenSite = Callable[..., AbstractContextManager[httpx.Client]]
Form = dict[str, Any]


@pytest.fixture(autouse=True)
def _no_limit_used_up() -> None:
    for limit in (sign_in.callers, sign_in.passwords, sign_in.links):
        limit.forget()


@pytest.fixture
def open_site(project_url: str) -> OpenSite:
    @contextmanager
    def open_(**more: str) -> Iterator[httpx.Client]:
        environment = supabase_environment(project_url) | {"PUBLIC_URL": PUBLIC_URL} | more
        connect(
            load_settings(
                _env_file=None, **{name.lower(): value for name, value in environment.items()}
            )
        )
        try:
            with serving(sign_in.routes) as site:
                yield site
        finally:
            disconnect()

    return open_


@pytest.fixture
def site(
    open_site: OpenSite, supabase: SupabaseStandIn, project_url: str
) -> Iterator[httpx.Client]:
    """Published under PUBLIC_URL, where Alice has an account."""
    supabase.set_up_sign_in(project_url, site_url=PUBLIC_URL)
    supabase.add_person(project_url, EMAIL, PASSWORD, user_id=cast.ALICE_ID)
    with open_site() as site:
        yield site


def _post(site: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return site.post(path, data=fields, headers=OURS)


def _key(answer: httpx.Response) -> str:
    """The value of the cookie that the answer sets."""
    (cookie,) = answer.headers.get_list("set-cookie")
    name, _, rest = cookie.partition("=")
    assert name == COOKIE
    return str(rest.partition(";")[0])


def _who(key: str) -> str | None:
    sign_ins = connect().sign_ins
    assert sign_ins
    return sign_ins.identity(key, now=datetime.now(UTC)).user_id


def _mailed(supabase: SupabaseStandIn, project_url: str, email: str = EMAIL) -> list[str]:
    """The mail is sent after the answer."""
    for _ in range(50):
        if links := supabase.links_for(project_url, email):
            return links
        time.sleep(0.1)
    return []


def _token_hash(link: str) -> str:
    return str(httpx.URL(link).params["token_hash"])


def _assert_a_page(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers


class TestSigningIn:
    def test_the_right_password_opens_a_session_that_only_the_server_can_read(
        self, site: httpx.Client
    ) -> None:
        answer = _post(site, "/sign-in/password", email=f" {EMAIL.upper()} ", password=PASSWORD)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        (cookie,) = answer.headers.get_list("set-cookie")
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        # A session cookie: it has no end of its own.
        assert attributes == {"httponly", "secure", "samesite=lax", "path=/"}
        assert len(_key(answer)) >= 43  # 256 bits
        assert _who(_key(answer)) == cast.ALICE_ID

    def test_over_http_the_cookie_goes_without_what_browsers_would_refuse(
        self, open_site: OpenSite, supabase: SupabaseStandIn, project_url: str
    ) -> None:
        supabase.set_up_sign_in(project_url)
        supabase.add_person(project_url, EMAIL, PASSWORD, user_id=cast.ALICE_ID)
        with open_site(PUBLIC_URL="http://127.0.0.1:8501") as site:
            fields = {"email": EMAIL, "password": PASSWORD}
            headers = {"Origin": "http://127.0.0.1:8501"}
            answer = site.post("/sign-in/password", data=fields, headers=headers)
            cookie = answer.headers["set-cookie"]
        assert cookie.startswith("mpt_sign_in=")
        assert "Secure" not in cookie

    def test_a_known_and_an_unknown_address_with_a_wrong_password_read_the_same(
        self, site: httpx.Client
    ) -> None:
        pages = []
        for email in (EMAIL, "nobody@mpt.example"):
            answer = _post(site, "/sign-in/password", email=email, password="wrong")
            _assert_a_page(answer, 403)
            assert 'value="wrong"' not in answer.text
            pages.append(answer.text.replace(email, "ADDRESS"))
        assert pages[0] == pages[1]
        assert "The e-mail address or the password is wrong." in pages[0]

    @pytest.mark.parametrize(
        "fields",
        [{}, {"email": EMAIL}, {"password": PASSWORD}, {"email": '"><script>', "password": "x"}],
    )
    def test_a_form_half_filled_in_comes_back(self, site: httpx.Client, fields: Form) -> None:
        answer = _post(site, "/sign-in/password", **fields)
        _assert_a_page(answer, 400)
        assert "<script>" not in answer.text

    def test_a_new_sign_in_ends_the_one_before_at_the_same_browser(
        self, site: httpx.Client
    ) -> None:
        first = _key(_post(site, "/sign-in/password", email=EMAIL, password=PASSWORD))
        headers = OURS | {"Cookie": f"{COOKIE}={first}"}
        fields = {"email": EMAIL, "password": PASSWORD}
        second = _key(site.post("/sign-in/password", data=fields, headers=headers))
        assert second != first
        assert _who(second) == cast.ALICE_ID
        with pytest.raises(SignedOutError):
            _who(first)


class TestLinks:
    def test_a_known_and_an_unknown_address_read_the_same_and_one_is_mailed(
        self, site: httpx.Client, supabase: SupabaseStandIn, project_url: str
    ) -> None:
        supabase.set_up_sign_in(project_url, site_url=PUBLIC_URL, sign_ups=False)
        unknown = _post(site, "/sign-in/link", email="nobody@mpt.example")
        known = _post(site, "/sign-in/link", email=EMAIL)
        _assert_a_page(known, 200)
        assert known.text == unknown.text
        (link,) = _mailed(supabase, project_url)
        assert link.startswith(f"{PUBLIC_URL}/sign-in/confirm?token_hash=")
        assert supabase.links_for(project_url, "nobody@mpt.example") == []

    def test_a_link_waits_for_its_button_and_works_once(
        self, site: httpx.Client, supabase: SupabaseStandIn, project_url: str
    ) -> None:
        _post(site, "/sign-in/link", email=EMAIL)
        token_hash = _token_hash(_mailed(supabase, project_url)[-1])
        for method in ("GET", "HEAD", "GET"):
            page = site.request(method, "/sign-in/confirm", params={"token_hash": token_hash})
            _assert_a_page(page, 200)
        assert f'value="{token_hash}"' in page.text
        answer = _post(site, "/sign-in/confirm", token_hash=token_hash)
        assert answer.status_code == 303
        assert _who(_key(answer)) == cast.ALICE_ID
        _assert_a_page(_post(site, "/sign-in/confirm", token_hash=token_hash), 403)

    @pytest.mark.parametrize("token_hash", ["", "short", "a" * 201, "a b c d e f", '"><b>12345'])
    def test_what_cannot_be_a_link_of_ours_is_not_asked_about(
        self, site: httpx.Client, token_hash: str
    ) -> None:
        shown = site.get("/sign-in/confirm", params={"token_hash": token_hash})
        _assert_a_page(shown, 403)
        posted = _post(site, "/sign-in/confirm", token_hash=token_hash)
        _assert_a_page(posted, 403)
        assert shown.text == posted.text

    def test_a_malformed_address_is_said_to_be_one(self, site: httpx.Client) -> None:
        _assert_a_page(_post(site, "/sign-in/link", email="alice"), 400)


class TestSigningOut:
    def test_it_ends_on_the_server_and_takes_the_cookie_back(self, site: httpx.Client) -> None:
        key = _key(_post(site, "/sign-in/password", email=EMAIL, password=PASSWORD))
        answer = site.post("/sign-out", headers=OURS | {"Cookie": f"{COOKIE}={key}"})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?signed_out"
        assert "Max-Age=0" in answer.headers["set-cookie"]
        with pytest.raises(SignedOutError):
            _who(key)
        assert "You are signed out." in site.get("/sign-in?signed_out").text

    def test_nobody_signed_in_is_signed_out_without_ado(self, site: httpx.Client) -> None:
        assert _post(site, "/sign-out").status_code == 303


class TestGuards:
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
        self, site: httpx.Client, path: str, headers: dict[str, str]
    ) -> None:
        fields = {"email": EMAIL, "password": PASSWORD}
        _assert_a_page(site.post(path, data=fields, headers=headers), 403)

    def test_a_browser_that_says_same_origin_is_believed(self, site: httpx.Client) -> None:
        """It compares itself, and so knows better behind a proxy or under a second name."""
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8501"}
        fields = {"email": EMAIL, "password": PASSWORD}
        assert site.post("/sign-in/password", data=fields, headers=headers).status_code == 303

    @pytest.mark.parametrize("path", POSTS)
    def test_a_large_body_is_not_read(self, site: httpx.Client, path: str) -> None:
        answer = _post(site, path, email=EMAIL, password="x" * MAX_BODY_BYTES)
        assert answer.status_code == 413

    @pytest.mark.parametrize("path", ["/sign-in/password", "/sign-in/link", "/sign-out"])
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
    def test_another_method_gets_a_page_of_ours(
        self, site: httpx.Client, path: str, method: str
    ) -> None:
        answer = site.request(method, path, headers=OURS)
        _assert_a_page(answer, 405)
        assert answer.headers["allow"] == "POST"

    def test_guessing_at_one_address_is_slowed_down_whoever_guesses(
        self, site: httpx.Client
    ) -> None:
        for _ in range(10):
            answer = _post(site, "/sign-in/password", email=EMAIL, password="wrong")
            assert answer.status_code == 403
        answer = _post(site, "/sign-in/password", email=EMAIL.title(), password=PASSWORD)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        other = _post(site, "/sign-in/password", email="bob@mpt.example", password="wrong")
        assert other.status_code == 403

    def test_one_caller_cannot_try_many_addresses(self, site: httpx.Client) -> None:
        statuses = [
            _post(site, "/sign-in/confirm", token_hash=f"made-up-{n}").status_code
            for n in range(31)
        ]
        assert statuses[-1] == 429
        assert 429 not in statuses[:30]

    def test_nobody_is_flooded_with_links(self, site: httpx.Client) -> None:
        statuses = [_post(site, "/sign-in/link", email=EMAIL).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]

    def test_nothing_personal_and_nothing_secret_is_logged(
        self,
        site: httpx.Client,
        supabase: SupabaseStandIn,
        project_url: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level("DEBUG")
        _post(site, "/sign-in/password", email=EMAIL, password="wrong")
        key = _key(_post(site, "/sign-in/password", email=EMAIL, password=PASSWORD))
        _post(site, "/sign-in/link", email=EMAIL)
        token_hash = _token_hash(_mailed(supabase, project_url)[-1])
        _post(site, "/sign-in/confirm", token_hash=token_hash)
        for secret in (EMAIL, PASSWORD, key, token_hash):
            assert secret not in caplog.text


class TestElsewhere:
    @pytest.mark.parametrize("path", ["/sign-in", "/sign-in/confirm?token_hash=abcdefgh", *POSTS])
    @pytest.mark.parametrize(
        "settings",
        [
            {
                "OIDC_CLIENT_ID": "crm",
                "OIDC_CLIENT_SECRET": "secret",
                "OIDC_METADATA_URL": "https://login.example/.well-known/openid-configuration",
                "OIDC_COOKIE_SECRET": "a-cookie-secret-of-more-than-32-characters",
                "SUPABASE_AUTH_PROVIDER": "google",
            },
            {"SUPABASE_URL": "", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
        ],
        ids=["at a provider", "nowhere"],
    )
    def test_there_is_nothing_where_people_sign_in_another_way(
        self, open_site: OpenSite, settings: dict[str, str], path: str
    ) -> None:
        with open_site(**settings) as site:
            method = "POST" if path in POSTS else "GET"
            _assert_a_page(site.request(method, path, headers=OURS), 404)

    def test_a_project_that_is_away_is_told_calmly(self, open_site: OpenSite) -> None:
        with open_site(SUPABASE_URL="http://127.0.0.1:9") as site:
            answer = _post(site, "/sign-in/password", email=EMAIL, password=PASSWORD)
            _assert_a_page(answer, 503)
            assert "does not work at the moment" in answer.text
            answer = _post(site, "/sign-in/confirm", token_hash="a-token-hash")
            _assert_a_page(answer, 503)
            # Sent after the answer, which cannot know; the page says what to do then.
            _assert_a_page(_post(site, "/sign-in/link", email=EMAIL), 200)
