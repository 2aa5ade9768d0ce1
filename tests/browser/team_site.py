"""One app for journeys in both roles: Alice in sales and Bob as admin, signed in at a provider."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from crm.settings import load_settings
from crm.ui.oidc_claims import person_id
from db_service import Connection, DbService, signed_in
from tests.browser.app_server import free_port, prepare, running_app
from tests.browser.sign_in_server import oidc_settings, sign_in_as
from tests.browser.tabs import a_tab, at_a_tidy
from tests.quick_folder import quick_folder
from tests.standins.oidc_provider import oidc_provider

BOB = {"sub": "bob", "email": "bob@mpt.example", "email_verified": True}
ALICE = {"sub": "alice", "email": "alice@mpt.example", "email_verified": True}


@dataclass(frozen=True, slots=True)
class TeamSite:
    """The app at `url`, its embedded database, and everybody's tab by their subject."""

    url: str
    folder: Path
    issuer: str
    tabs: Mapping[str, Page] = field(repr=False)

    def id_of(self, subject: str) -> str:
        return person_id({"iss": self.issuer, "sub": subject})

    @contextmanager
    def acting_as(self, subject: str) -> Iterator[DbService]:
        """Behind the browser's back."""
        settings = load_settings(_env_file=None, data_dir=self.folder)
        with closing(Connection(settings)) as connection:
            yield DbService.for_user(signed_in(self.id_of(subject)), connection)

    @contextmanager
    def acting_as_service(self) -> Iterator[DbService]:
        """As the scheduler and the routes do."""
        settings = load_settings(_env_file=None, data_dir=self.folder)
        with closing(Connection(settings)) as connection:
            yield DbService.for_service(connection)

    def database(self) -> str:
        """The address of its database, for what only time or a provider brings about."""
        settings = load_settings(_env_file=None, data_dir=self.folder)
        with closing(Connection(settings)) as connection:
            return connection.address

    @contextmanager
    def as_person(self, subject: str) -> Iterator[Page]:
        """Whom the provider knows as `subject`, at the dashboard."""
        with at_a_tidy(self.tabs[subject]) as page:
            page.goto("/")
            _expect_dashboard(page)
            yield page


@contextmanager
def team_site_of(browser: Browser) -> Iterator[TeamSite]:
    """With the e-mail library, whose campaigns send around the clock."""
    port = free_port()
    with quick_folder("mpt-crm-team-") as folder:
        prepare(folder)
        with ExitStack() as stack:
            issuer = stack.enter_context(
                oidc_provider((BOB, ALICE), port=free_port(), lasts=timedelta(hours=1))
            )
            settings = oidc_settings(issuer) | {
                "FIRST_ADMIN_EMAIL": str(BOB["email"]),
                "PUBLIC_URL": f"http://127.0.0.1:{port}",
            }
            url = stack.enter_context(running_app(folder, port, settings=settings))
            tabs = {"bob": stack.enter_context(_signed_in(browser, url, "bob"))}
            site = TeamSite(url, folder, issuer, tabs)
            with site.acting_as("bob") as db:
                db.people.invite(
                    email=str(ALICE["email"]),
                    full_name="Alice Sales",
                    role="sales",
                    now=datetime.now(UTC),
                )
            tabs["alice"] = stack.enter_context(_signed_in(browser, url, "alice"))
            yield site
        assert "Traceback" not in (folder / "app.log").read_text()


@contextmanager
def _signed_in(browser: Browser, url: str, subject: str) -> Iterator[Page]:
    with a_tab(browser, url) as page:
        page.goto("/")
        sign_in_as(page, subject)
        _expect_dashboard(page)
        yield page


def _expect_dashboard(page: Page) -> None:
    expect(page.get_by_role("heading", name="Dashboard", exact=True)).to_be_visible()
