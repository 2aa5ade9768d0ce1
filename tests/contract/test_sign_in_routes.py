"""The sign-in by e-mail over real HTTP: passwords, links, signing out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from db_service import SignedOutError
from tests import cast
from tests.contract.sign_in_site import (
    COOKIE,
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
    who,
)
from tests.standins.supabase_lite import SupabaseStandIn

Form = dict[str, Any]


@pytest.fixture
def site(supabase: SupabaseStandIn, project_url: str) -> Iterator[httpx.Client]:
    """Where Alice has an account."""
    add_alice(supabase, project_url)
    with sign_in_site(project_url) as site:
        yield site


class TestSigningIn:
    def test_the_right_password_opens_a_session_that_only_the_server_can_read(
        self, site: httpx.Client
    ) -> None:
        answer = post(site, "/sign-in/password", email=f" {EMAIL.upper()} ", password=PASSWORD)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        (cookie,) = answer.headers.get_list("set-cookie")
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        # A session cookie: it has no end of its own.
        assert attributes == {"httponly", "secure", "samesite=lax", "path=/"}
        assert len(key_of(answer)) >= 43  # 256 bits
        assert who(key_of(answer)) == cast.ALICE_ID

    def test_over_http_the_cookie_goes_without_what_browsers_would_refuse(
        self, supabase: SupabaseStandIn, project_url: str
    ) -> None:
        add_alice(supabase, project_url)
        with sign_in_site(project_url, PUBLIC_URL="http://127.0.0.1:8501") as site:
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
            answer = post(site, "/sign-in/password", email=email, password="wrong")
            assert_a_page(answer, 403)
            assert 'value="wrong"' not in answer.text
            pages.append(answer.text.replace(email, "ADDRESS"))
        assert pages[0] == pages[1]
        assert "The e-mail address or the password is wrong." in pages[0]

    @pytest.mark.parametrize(
        "fields",
        [{}, {"email": EMAIL}, {"password": PASSWORD}, {"email": '"><script>', "password": "x"}],
    )
    def test_a_form_half_filled_in_comes_back(self, site: httpx.Client, fields: Form) -> None:
        answer = post(site, "/sign-in/password", **fields)
        assert_a_page(answer, 400)
        assert "<script>" not in answer.text

    def test_a_new_sign_in_ends_the_one_before_at_the_same_browser(
        self, site: httpx.Client
    ) -> None:
        first = key_of(post(site, "/sign-in/password", email=EMAIL, password=PASSWORD))
        headers = OURS | {"Cookie": f"{COOKIE}={first}"}
        fields = {"email": EMAIL, "password": PASSWORD}
        second = key_of(site.post("/sign-in/password", data=fields, headers=headers))
        assert second != first
        assert who(second) == cast.ALICE_ID
        with pytest.raises(SignedOutError):
            who(first)


class TestLinks:
    def test_a_known_and_an_unknown_address_read_the_same_and_one_is_mailed(
        self, site: httpx.Client, supabase: SupabaseStandIn, project_url: str
    ) -> None:
        # Supabase itself would make an account for anybody, and mail them.
        unknown = post(site, "/sign-in/link", email="nobody@mpt.example")
        known = post(site, "/sign-in/link", email=EMAIL)
        assert_a_page(known, 200)
        assert known.text == unknown.text
        (link,) = mailed(supabase, project_url)
        assert link.startswith(f"{PUBLIC_URL}/sign-in/confirm?token_hash=")
        assert supabase.links_for(project_url, "nobody@mpt.example") == []

    def test_a_link_waits_for_its_button_and_works_once(
        self, site: httpx.Client, supabase: SupabaseStandIn, project_url: str
    ) -> None:
        post(site, "/sign-in/link", email=EMAIL)
        token_hash = token_hash_of(mailed(supabase, project_url)[-1])
        for method in ("GET", "HEAD", "GET"):
            page = site.request(method, "/sign-in/confirm", params={"token_hash": token_hash})
            assert_a_page(page, 200)
        assert f'value="{token_hash}"' in page.text
        answer = post(site, "/sign-in/confirm", token_hash=token_hash)
        assert answer.status_code == 303
        assert who(key_of(answer)) == cast.ALICE_ID
        assert_a_page(post(site, "/sign-in/confirm", token_hash=token_hash), 403)

    @pytest.mark.parametrize("token_hash", ["", "short", "a" * 201, "a b c d e f", '"><b>12345'])
    def test_what_cannot_be_a_link_of_ours_is_not_asked_about(
        self, site: httpx.Client, token_hash: str
    ) -> None:
        shown = site.get("/sign-in/confirm", params={"token_hash": token_hash})
        assert_a_page(shown, 403)
        posted = post(site, "/sign-in/confirm", token_hash=token_hash)
        assert_a_page(posted, 403)
        assert shown.text == posted.text

    def test_a_malformed_address_is_said_to_be_one(self, site: httpx.Client) -> None:
        assert_a_page(post(site, "/sign-in/link", email="alice"), 400)


class TestSigningOut:
    def test_it_ends_on_the_server_and_takes_the_cookie_back(self, site: httpx.Client) -> None:
        key = key_of(post(site, "/sign-in/password", email=EMAIL, password=PASSWORD))
        answer = site.post("/sign-out", headers=OURS | {"Cookie": f"{COOKIE}={key}"})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?signed_out"
        assert "Max-Age=0" in answer.headers["set-cookie"]
        with pytest.raises(SignedOutError):
            who(key)
        assert "You are signed out." in site.get("/sign-in?signed_out").text

    def test_nobody_signed_in_is_signed_out_without_ado(self, site: httpx.Client) -> None:
        assert post(site, "/sign-out").status_code == 303


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
            {
                "SUPABASE_URL": "",
                "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1",
            },
        ],
        ids=["at a provider", "nowhere"],
    )
    def test_there_is_nothing_where_people_sign_in_another_way(
        self, project_url: str, settings: dict[str, str], path: str
    ) -> None:
        with sign_in_site(project_url, **settings) as site:
            method = "POST" if path in POSTS else "GET"
            assert_a_page(site.request(method, path, headers=OURS), 404)

    def test_a_project_that_is_away_is_told_calmly(self) -> None:
        with sign_in_site("http://127.0.0.1:9") as site:
            answer = post(site, "/sign-in/password", email=EMAIL, password=PASSWORD)
            assert_a_page(answer, 503)
            assert "does not work at the moment" in answer.text
            answer = post(site, "/sign-in/confirm", token_hash="a-token-hash")
            assert_a_page(answer, 503)
            # Sent after the answer, which cannot know; the page says what to do then.
            assert_a_page(post(site, "/sign-in/link", email=EMAIL), 200)
