"""Signing in at an OIDC provider, in a real browser: two people at two browsers at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from crm.ui.oidc_claims import person_id
from tests.browser import steps
from tests.browser.app_server import free_port
from tests.browser.sign_in_server import (
    SignInServer,
    a_browser,
    expect_heading,
    expect_nobody_is_in,
    oidc_settings,
    screenshot,
    sign_in_as,
    sign_in_server,
)
from tests.standins.oidc_provider import oidc_provider

pytestmark = pytest.mark.browser

BOB = {"sub": "bob", "email": "bob@mpt.example", "email_verified": True}
ALICE = {"sub": "alice", "email": "alice@mpt.example", "email_verified": True}
CAROL = {"sub": "carol", "email": "carol@mpt.example", "email_verified": True}
# The address of the first admin, but nobody vouches for it.
MALLORY = {"sub": "mallory", "email": "bob@mpt.example", "email_verified": False}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    users = (BOB, ALICE, CAROL, MALLORY)
    with oidc_provider(users, port=free_port(), lasts=timedelta(hours=1)) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def site(issuer: str) -> Iterator[SignInServer]:
    settings = oidc_settings(issuer) | {"FIRST_ADMIN_EMAIL": "bob@mpt.example"}
    with sign_in_server(free_port(), settings) as site:
        yield site
        assert "Traceback" not in site.log


@pytest.fixture
def bob(browser: Browser, site: SignInServer) -> Iterator[Page]:
    """Signed in: the first admin, by FIRST_ADMIN_EMAIL."""
    with a_browser(browser, site.url) as page:
        expect_heading(page, "Sign in to MPT")
        sign_in_as(page, "bob")
        expect_heading(page, "Dashboard")
        yield page


@pytest.fixture
def alice(browser: Browser, site: SignInServer) -> Iterator[Page]:
    """At the first page of the app, not signed in."""
    with a_browser(browser, site.url) as page:
        expect_heading(page, "Sign in to MPT")
        yield page


def _id_of(issuer: str, subject: str) -> str:
    return person_id({"iss": issuer, "sub": subject})


def _invite(site: SignInServer, issuer: str, email: str, name: str) -> None:
    with site.acting_as(_id_of(issuer, "bob")) as db:
        db.people.invite(email=email, full_name=name, role="sales", now=datetime.now(UTC))


def test_two_people_at_two_browsers_see_what_their_roles_allow(
    bob: Page, alice: Page, site: SignInServer, issuer: str
) -> None:
    expect(bob.get_by_role("link", name="Settings")).to_be_visible()
    expect(bob.locator(".who")).to_have_text("BobAdmin")
    sign_in_as(alice, "alice")
    expect_heading(alice, "You are not invited yet")
    expect(alice.get_by_text("alice@mpt.example")).to_be_visible()
    expect_nobody_is_in(alice)
    screenshot(alice, "direct_not_invited")

    _invite(site, issuer, "alice@mpt.example", "Alice Sales")
    alice.get_by_role("button", name="Try again").click()
    expect_heading(alice, "Dashboard")
    expect(alice.locator(".who")).to_have_text("Alice SalesSales")
    for page, name in ((bob, "Bobs"), (alice, "Alices")):
        page.get_by_role("link", name="Contacts", exact=True).click()
        steps.add_contact(page, name)
    alice.goto("/settings")
    expect(alice.get_by_text("Settings are for admins.")).to_be_visible()
    alice.goto("/contacts")
    expect_heading(alice, "Contacts")
    expect(alice.get_by_text("2 contacts", exact=True)).to_be_visible()
    expect(alice.get_by_role("link", name="Settings")).to_have_count(0)
    bob.goto("/settings")
    expect(bob.get_by_role("tab", name="Limits")).to_be_visible()
    screenshot(alice, "direct_sales")
    screenshot(bob, "direct_admin")

    with site.acting_as(_id_of(issuer, "bob")) as db:
        db.people.set_active(_id_of(issuer, "alice"), False, now=datetime.now(UTC))
    alice.reload()
    expect_heading(alice, "Your access has been switched off")
    expect_nobody_is_in(alice)
    screenshot(alice, "direct_switched_off")


def test_an_address_nobody_vouches_for_opens_nothing(alice: Page) -> None:
    sign_in_as(alice, "mallory")
    expect_heading(alice, "Your address is not verified")
    expect_nobody_is_in(alice)
    alice.get_by_role("button", name="Sign in with another account").click()
    alice.get_by_role("button", name="End session").click()
    expect_heading(alice, "Sign in to MPT")


def test_signing_out_ends_it_in_every_tab_and_for_a_copied_cookie(
    bob: Page, browser: Browser, site: SignInServer
) -> None:
    cookies = bob.context.cookies()
    other_tab = bob.context.new_page()
    other_tab.goto("/campaigns")
    expect_heading(other_tab, "Campaign manager")
    bob.get_by_role("button", name="Sign out").click()
    bob.get_by_role("button", name="End session").click()
    expect_heading(bob, "Sign in to MPT")
    assert not [c for c in bob.context.cookies() if c["name"].startswith("_streamlit_user")]
    # Its sections refresh by themselves, and the first that does says so.
    expect_heading(other_tab, "Your sign-in has ended")
    expect_nobody_is_in(other_tab)
    with a_browser(browser, site.url) as thief:
        thief.context.add_cookies([{**c} for c in cookies])  # type: ignore[typeddict-item]
        thief.goto("/")
        expect_heading(thief, "Your sign-in has ended")


def test_a_page_of_the_provider_that_leads_back_without_an_answer_refuses_nobody(
    alice: Page,
) -> None:
    alice.goto("/oauth2callback")
    expect_heading(alice, "Sign in to MPT")
    alice.goto("/oauth2callback?code=replayed&state=unknown")
    expect_heading(alice, "The sign-in was refused")


def test_every_answer_is_guarded_and_the_pages_live_with_it(bob: Page, site: SignInServer) -> None:
    said: list[str] = []
    bob.on("console", lambda message: said.append(message.text))
    for path in ("/", "/campaigns", "/settings"):
        bob.goto(path)
        steps.at_rest(bob)
        expect(bob.get_by_role("heading").first).to_be_visible()
    assert [line for line in said if "Content Security Policy" in line] == []
    for path in ("/", "/health", "/_stcore/health", "/sign-in", "/static/nothing.js"):
        headers = httpx.get(f"{site.url}{path}").headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "referrer-policy" in headers, path
        assert "permissions-policy" in headers, path
