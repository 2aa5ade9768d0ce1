"""Signing in by e-mail on a Supabase project without an OIDC provider: a password, or a link."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests import cast
from tests.browser.app_server import free_port
from tests.browser.sign_in_server import (
    SignInServer,
    a_browser,
    expect_heading,
    expect_nobody_is_in,
    screenshot,
    sign_in_server,
)
from tests.contract.supabase_only import supabase_environment
from tests.standins.supabase_lite import SupabaseStandIn

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery staple"
COOKIE = "mpt_sign_in"


@pytest.fixture
def site(supabase: SupabaseStandIn, project_url: str) -> Iterator[SignInServer]:
    """With the cast of the tests on staff, and accounts for three of them at Supabase."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    supabase.set_up_sign_in(project_url, site_url=url)
    for person_id, name in ((cast.ALICE_ID, "alice"), (cast.BOB_ID, "bob")):
        supabase.add_person(project_url, f"{name}@mpt.example", PASSWORD, user_id=person_id)
    settings = supabase_environment(project_url) | {"PUBLIC_URL": url}
    with sign_in_server(port, settings) as site:
        yield site
        assert "Traceback" not in site.log
        assert "@mpt.example" not in site.log
        assert PASSWORD not in site.log


def _by_password(page: Page, email: str, password: str = PASSWORD) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_people_sign_in_by_password_or_link_and_out_again(
    browser: Browser, site: SignInServer, supabase: SupabaseStandIn, project_url: str
) -> None:
    with a_browser(browser, site.url) as bob, a_browser(browser, site.url) as alice:
        expect_heading(bob, "Sign in to MPT")
        screenshot(bob, "email_first_page")
        bob.get_by_role("link", name="Sign in").click()
        screenshot(bob, "email_form")
        _by_password(bob, "bob@mpt.example", "wrong")
        expect(bob.get_by_role("alert")).to_contain_text("The e-mail address or the password")
        screenshot(bob, "email_wrong")
        expect(bob.get_by_label("E-mail")).to_have_value("bob@mpt.example")
        _by_password(bob, "bob@mpt.example")
        expect_heading(bob, "Dashboard")
        expect(bob.locator(".who")).to_have_text("Bob AdminAdmin")
        screenshot(bob, "email_admin")
        (cookie,) = [c for c in bob.context.cookies() if c["name"] == COOKIE]
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Lax"
        assert cookie["expires"] == -1  # with the browser

        _by_link(alice, site, supabase, project_url)
        expect(alice.locator(".who")).to_have_text("Alice SalesSales")
        expect(alice.get_by_role("link", name="Settings")).to_have_count(0)
        screenshot(alice, "email_sales")

        other_tab = bob.context.new_page()
        other_tab.goto("/campaigns")
        expect_heading(other_tab, "Campaign manager")
        bob.get_by_role("button", name="Sign out").click()
        expect(bob.get_by_text("You are signed out.")).to_be_visible()
        assert COOKIE not in [c["name"] for c in bob.context.cookies()]
        expect_heading(other_tab, "Your sign-in has ended")
        expect_nobody_is_in(other_tab)
        expect(alice.locator(".who")).to_have_text("Alice SalesSales")

        # The next person at the same browser starts from nothing.
        _by_password(bob, "alice@mpt.example")
        expect(bob.locator(".who")).to_have_text("Alice SalesSales")
        expect(bob.get_by_role("link", name="Settings")).to_have_count(0)


def _by_link(page: Page, site: SignInServer, supabase: SupabaseStandIn, project_url: str) -> None:
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("E-mail").fill("alice@mpt.example")
    page.get_by_role("button", name="E-mail me a link").click()
    expect_heading(page, "Look into your mailbox")
    screenshot(page, "email_link_sent")
    for _ in range(100):
        if links := supabase.links_for(project_url, "alice@mpt.example"):
            break
        page.wait_for_timeout(100)
    (link,) = links
    assert link.startswith(f"{site.url}/sign-in/confirm?token_hash=")
    # A scanner that opens every link does not use it up.
    assert httpx.get(link).headers["content-type"].startswith("text/html")
    page.goto(link)
    screenshot(page, "email_confirm")
    page.get_by_role("button", name="Sign in").click()
    expect_heading(page, "Dashboard")
    spent = page.context.new_page()
    spent.goto(link)
    spent.get_by_role("button", name="Sign in").click()
    expect_heading(spent, "This link does not work")
    spent.close()
