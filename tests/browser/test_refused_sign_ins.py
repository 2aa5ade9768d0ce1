"""What a provider hands out wrongly, and sign-ins that end while a page is open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.app_server import free_port
from tests.browser.sign_in_server import (
    SignInServer,
    a_browser,
    expect_heading,
    expect_nobody_is_in,
    oidc_settings,
    screenshot,
    sign_in_server,
)
from tests.standins.oidc_provider import ErringProvider, erring_provider

pytestmark = pytest.mark.browser

BOB = {"sub": "bob", "email": "bob@mpt.example", "email_verified": True}


@pytest.fixture(scope="module")
def erring() -> Iterator[ErringProvider]:
    with erring_provider() as provider:
        yield provider


@pytest.fixture
def provider(erring: ErringProvider) -> ErringProvider:
    erring.behave()
    erring.user = BOB
    return erring


@pytest.fixture(scope="module")
def site(erring: ErringProvider) -> Iterator[SignInServer]:
    settings = oidc_settings(erring.issuer) | {"FIRST_ADMIN_EMAIL": "bob@mpt.example"}
    with sign_in_server(free_port(), settings) as site:
        yield site


@pytest.fixture
def visitor(browser: Browser, site: SignInServer) -> Iterator[Page]:
    with a_browser(browser, site.url) as page:
        expect_heading(page, "Sign in to MPT")
        yield page


def _in(seconds: int) -> int:
    return int((datetime.now(UTC) + timedelta(seconds=seconds)).timestamp())


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "another-app"},
        {"aud": ["mpt-crm", "another-app"], "azp": "another-app"},
        {"nonce": "a-nonce-of-another-sign-in"},
        {"iss": "https://another-issuer.example"},
        {"exp": 1_700_000_000},
    ],
    ids=["audience", "authorised party", "nonce", "issuer", "expired"],
)
def test_a_wrong_token_ends_on_a_clear_page_and_opens_nothing(
    visitor: Page, provider: ErringProvider, site: SignInServer, wrong: dict[str, object]
) -> None:
    provider.wrong = wrong
    visitor.get_by_role("button", name="Sign in").click()
    expect_heading(visitor, "The sign-in was refused")
    expect_nobody_is_in(visitor)
    screenshot(visitor, "refused")
    assert not [c for c in visitor.context.cookies() if c["name"].startswith("_streamlit_user")]

    # The way out of the page works once the provider does.
    provider.behave()
    visitor.get_by_role("button", name="Sign in again").click()
    expect_heading(visitor, "Dashboard")


def test_a_token_with_a_foreign_signature_is_refused(
    visitor: Page, provider: ErringProvider
) -> None:
    provider.sign_with_another_key()
    visitor.get_by_role("button", name="Sign in").click()
    expect_heading(visitor, "The sign-in was refused")
    expect_nobody_is_in(visitor)


def test_a_refusal_by_the_provider_is_told(visitor: Page, provider: ErringProvider) -> None:
    provider.error = "access_denied"
    visitor.get_by_role("button", name="Sign in").click()
    expect_heading(visitor, "The sign-in was refused")
    expect_nobody_is_in(visitor)


def test_a_token_that_expired_within_the_tolerance_of_the_check_opens_nothing_either(
    visitor: Page, provider: ErringProvider
) -> None:
    """Authlib forgives two minutes of clock difference; the session does not."""
    provider.wrong = {"exp": _in(-30)}
    visitor.get_by_role("button", name="Sign in").click()
    expect_heading(visitor, "Your sign-in has ended")
    expect_nobody_is_in(visitor)


def test_a_page_that_is_open_ends_with_its_token(visitor: Page, provider: ErringProvider) -> None:
    provider.wrong = {"exp": _in(15)}
    visitor.get_by_role("button", name="Sign in").click()
    expect_heading(visitor, "Dashboard")
    visitor.get_by_role("link", name="Campaign manager").click()
    expect_heading(visitor, "Campaign manager")
    # Nobody touches it: a section that refreshes by itself finds out.
    expect(visitor.get_by_role("heading", name="Your sign-in has ended")).to_be_visible(
        timeout=30_000
    )
    expect_nobody_is_in(visitor)
    screenshot(visitor, "ended")
