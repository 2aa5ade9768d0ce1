"""The same sign-in on a Supabase project: the provider's id token is exchanged there, pages act
with what Supabase gave, and who takes that token to the REST API can do no more than the pages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

from tests.browser import steps
from tests.browser.app_server import free_port
from tests.browser.sign_in_server import (
    COOKIE_SECRET,
    SignInServer,
    a_browser,
    expect_heading,
    expect_nobody_is_in,
    oidc_settings,
    screenshot,
    sign_in_as,
    sign_in_server,
)
from tests.conftest import Raw
from tests.contract.supabase_only import supabase_environment
from tests.standins.oidc_provider import CLIENT_ID, oidc_provider
from tests.standins.supabase_lite import PUBLISHABLE_KEY, OpenIdProvider, SupabaseStandIn

pytestmark = pytest.mark.browser

DORA = {"sub": "dora", "email": "dora@mpt.example", "email_verified": True}
EMIL = {"sub": "emil", "email": "emil@mpt.example", "email_verified": True}
_NOW = {"invited_at": "2026-11-21T12:00:00Z"}
_TOKENS_COOKIE = "_streamlit_user_tokens"


@pytest.fixture
def site(supabase: SupabaseStandIn, project_url: str, raw: Raw) -> Iterator[SignInServer]:
    """With nothing but the project's address and keys: no database of its own, nobody on staff."""
    # Past the trigger that keeps the last admin.
    raw.execute("set session_replication_role = replica")
    raw.execute("delete from profiles")
    with oidc_provider((DORA, EMIL), port=free_port(), lasts=timedelta(hours=1)) as issuer:
        supabase.set_up_sign_in(
            project_url,
            providers={"keycloak": OpenIdProvider(issuer, (CLIENT_ID,), skip_nonce_check=True)},
        )
        port = free_port()
        settings = supabase_environment(project_url) | oidc_settings(issuer)
        settings |= {
            "SUPABASE_AUTH_PROVIDER": "keycloak",
            "FIRST_ADMIN_EMAIL": "dora@mpt.example",
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
        }
        with sign_in_server(port, settings) as site:
            yield site
            assert "Traceback" not in site.log


def test_an_admin_invites_a_colleague_and_each_can_do_what_the_matrix_says(
    browser: Browser, site: SignInServer, project_url: str
) -> None:
    with a_browser(browser, site.url) as dora, a_browser(browser, site.url) as emil:
        sign_in_as(dora, "dora")
        expect_heading(dora, "Dashboard")
        expect(dora.locator(".who")).to_have_text("DoraAdmin")
        sign_in_as(emil, "emil")
        expect_heading(emil, "You are not invited yet")
        _invite(dora, "emil@mpt.example", "Emil Sales")
        emil.get_by_role("button", name="Try again").click()
        expect_heading(emil, "Dashboard")
        expect(emil.locator(".who")).to_have_text("Emil SalesSales")
        for page, name in ((dora, "Doras"), (emil, "Emils")):
            page.get_by_role("link", name="Contacts", exact=True).click()
            steps.add_contact(page, name)
        for page in (dora, emil):
            page.get_by_role("button", name="← Contacts").click()
            expect(page.get_by_text("2 contacts", exact=True)).to_be_visible()
        expect(emil.get_by_role("link", name="Users")).to_have_count(0)
        screenshot(dora, "supabase_admin")
        screenshot(emil, "supabase_sales")

        _check_the_rest_api(_captured_token(dora, project_url), project_url, is_admin=True)
        _check_the_rest_api(_captured_token(emil, project_url), project_url, is_admin=False)

        emil.get_by_role("button", name="Sign out").click()
        emil.get_by_role("button", name="End session").click()
        expect_heading(emil, "Sign in to MPT")
        expect_nobody_is_in(emil)
        expect(dora.locator(".who")).to_have_text("DoraAdmin")


def _invite(page: Page, email: str, name: str) -> None:
    page.get_by_role("link", name="Users").click()
    page.get_by_role("button", name="Invite").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="E-mail").fill(email)
    dialog.get_by_role("textbox", name="Name").fill(name)
    dialog.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_text(email)).to_be_visible()


def _captured_token(page: Page, project_url: str) -> str:
    """What somebody can get at who reads their own browser's cookies: the provider's id token, and
    for it, from Supabase itself, an access token."""
    (cookie,) = [c for c in page.context.cookies() if c["name"] == _TOKENS_COOKIE]
    signed = decode_signed_value(COOKIE_SECRET, _TOKENS_COOKIE, cookie["value"])
    assert signed
    tokens = json.loads(signed)
    answer = httpx.post(
        f"{project_url}/auth/v1/token?grant_type=id_token",
        json={"provider": "keycloak"} | {k: tokens[k] for k in ("id_token", "access_token")},
        headers={"apikey": PUBLISHABLE_KEY},
    )
    return str(answer.raise_for_status().json()["access_token"])


def _check_the_rest_api(token: str, project_url: str, *, is_admin: bool) -> None:
    headers = {"apikey": PUBLISHABLE_KEY, "Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{project_url}/rest/v1", headers=headers) as rest:
        assert len(rest.get("/contacts", params={"select": "id"}).json()) == 2
        assert rest.get("/profiles", params={"select": "email"}).status_code in {401, 403}
        assert bool(rest.get("/audit_log", params={"limit": "1"}).json()) is is_admin
        changed = _change(rest, "/contacts", {"first_name": "eq.Doras"}, {"industry": "Law"})
        assert len(changed) == int(is_admin)
        changed = _change(rest, "/drip_campaigns", {"key": "eq.lead"}, {"description": "Changed"})
        assert len(changed) == int(is_admin)
        invited = {"email": "fay@mpt.example", "full_name": "Fay", "role": "admin", **_NOW}
        assert rest.post("/invitations", json=invited).is_success is is_admin
        # The admin's invitation is there by now.
        assert bool(rest.get("/invitations").json()) is is_admin
        first = {"p_email": "emil@mpt.example", "p_now": _NOW["invited_at"]}
        assert rest.post("/rpc/invite_first_admin", json=first).status_code in {401, 403}


def _change(
    rest: httpx.Client, path: str, where: Mapping[str, str], values: Mapping[str, Any]
) -> list[Any]:
    headers = {"Prefer": "return=representation"}
    answer = rest.patch(path, params={**where, "select": "id"}, json=dict(values), headers=headers)
    found = answer.json()
    return found if answer.is_success else []
