"""Apps that people sign in to: at an OIDC provider, or by e-mail at the Supabase stand-in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from crm.settings import load_settings
from db_service import Connection, DbService, signed_in
from tests.browser.app_server import ROOT, running_app
from tests.quick_folder import quick_folder
from tests.standins.oidc_provider import CLIENT_ID, CLIENT_SECRET

COOKIE_SECRET = "a-cookie-secret-of-the-tests-alone"
SCREENSHOTS = ROOT / "build" / "screenshots" / "sign_in"


@dataclass(frozen=True, slots=True)
class SignInServer:
    """The app at `url` and its folder; its database behind the browser's back, where it is the
    embedded one."""

    url: str
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "app.log").read_text()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        settings = load_settings(_env_file=None, data_dir=self.folder)
        with closing(Connection(settings)) as connection:
            yield connection

    @contextmanager
    def acting_as(self, person_id: str) -> Iterator[DbService]:
        with self.connection() as connection:
            yield DbService.for_user(signed_in(person_id), connection)


def oidc_settings(issuer: str) -> dict[str, str]:
    return {
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "OIDC_METADATA_URL": f"{issuer}/.well-known/openid-configuration",
        "OIDC_COOKIE_SECRET": COOKIE_SECRET,
    }


@contextmanager
def sign_in_server(
    port: int, environment: Mapping[str, str], *, arguments: Sequence[str] = ()
) -> Iterator[SignInServer]:
    """The app on this port, published under 127.0.0.1 unless these settings say otherwise; from an
    empty folder."""
    with quick_folder("mpt-crm-sign-in-") as folder:
        server = SignInServer(f"http://127.0.0.1:{port}", folder)
        settings = {"PUBLIC_URL": server.url, "DRIP_ENABLED": "false", **environment}
        with running_app(folder, port, settings=settings, arguments=arguments):
            yield server
        assert CLIENT_SECRET not in server.log
        assert COOKIE_SECRET not in server.log


@contextmanager
def a_browser(browser: Browser, url: str) -> Iterator[Page]:
    """A person's own: with its own cookies and storage, at the app's first page."""
    context = browser.new_context(base_url=url, viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.goto("/")
    try:
        yield page
    finally:
        context.close()


def sign_in_as(page: Page, subject: str) -> None:
    """From the app's page over the provider's and back; ends wherever that leads."""
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=subject, exact=True).click()


def expect_heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def expect_nobody_is_in(page: Page) -> None:
    """No name, and nothing to go to."""
    expect(page.locator(".who")).to_have_count(0)
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    expect(page.get_by_role("link", name="Contacts")).to_have_count(0)


def screenshot(page: Page, name: str) -> None:
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
