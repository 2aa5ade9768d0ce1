"""A real server process with its own embedded database, and a real Chromium that drives it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pydantic_settings import BaseSettings

from tests.browser.app_server import free_port, prepare, running_app
from tests.browser.chromium import ARGUMENTS, BRIEF, NOT_FOUND, find_chromium
from tests.browser.tabs import a_tab, at_a_tidy
from tests.browser.team_site import TeamSite, team_site_of
from tests.quick_folder import quick_folder

expect.set_options(timeout=20_000)


class _Machine(BaseSettings):
    """Where this run happens: in CI nothing may be skipped."""

    ci: bool = False


@pytest.fixture(scope="session")
def chromium() -> str:
    if path := find_chromium():
        return path
    if _Machine().ci:
        pytest.fail(NOT_FOUND)
    pytest.skip(NOT_FOUND)


@pytest.fixture(scope="session")
def browser_type_launch_args(chromium: str) -> dict[str, Any]:
    return {"executable_path": chromium, "args": [*ARGUMENTS, *BRIEF]}


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    """An embedded database with the e-mail library, whose campaigns send around the clock."""
    with quick_folder("mpt-crm-browser-") as folder:
        prepare(folder)
        yield folder


@pytest.fixture(scope="session")
def app_url(data_dir: Path) -> Iterator[str]:
    """The app as `make run` starts it, on a free port."""
    with running_app(data_dir, free_port()) as url:
        yield url
    assert "Traceback" not in (data_dir / "app.log").read_text()


@pytest.fixture(scope="session")
def team_site(browser: Browser) -> Iterator[TeamSite]:
    """An app that people sign in to, with Alice in sales and Bob as admin."""
    with team_site_of(browser) as site:
        yield site


@pytest.fixture
def colleague(team_site: TeamSite) -> Iterator[Page]:
    """Alice Sales, signed in, at her dashboard."""
    with team_site.as_person("alice") as page:
        yield page


@pytest.fixture
def chief(team_site: TeamSite) -> Iterator[Page]:
    """Bob Admin, signed in, at his dashboard; in the same app as `colleague`."""
    with team_site.as_person("bob") as page:
        yield page


@pytest.fixture(scope="module")
def tab(browser: Browser, app_url: str) -> Iterator[Page]:
    with a_tab(browser, app_url) as tab:
        yield tab


@pytest.fixture
def page(tab: Page) -> Iterator[Page]:
    """The app that needs no sign-in."""
    with at_a_tidy(tab) as page:
        yield page


@pytest.fixture
def opened(page: Page) -> Page:
    """The contacts page, ready to use."""
    page.goto("/contacts")
    expect(page.get_by_role("heading", name="Contacts")).to_be_visible()
    return page
