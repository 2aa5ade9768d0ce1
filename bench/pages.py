"""The app over a database of a million contacts, in a real Chromium."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench.cluster import Cluster
from bench.contact_page import ContactPageTimes, measure_contact_page
from bench.crm_of_a_million import Amounts, build
from bench.drawing import watch
from bench.manager_page import measure_manager_page
from bench.timing import Beside
from tests.browser.app_server import free_port, running_app
from tests.browser.chromium import ARGUMENTS, find_chromium

MILLION = "million"
_HIGH_AND_WIDE = (1600, 1000)  # pixels


@dataclass(frozen=True, slots=True)
class PageTimes:
    contacts: int
    contact_page: ContactPageTimes
    manager: Beside

    def promised(self) -> list[tuple[str, Beside, int]]:
        """What, how long it took, and what it may take at the 95th percentile, in milliseconds."""
        return [
            ("Contacts: a search, from the last keystroke", self.contact_page.search, 300),
            ("Contacts: a filter or a view", self.contact_page.filters, 300),
            ("Contacts: a page turn", self.contact_page.turns, 300),
            ("Campaign manager: opening", self.manager, 1000),
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "contacts": self.contacts,
            "contact_page": self.contact_page.as_json(),
            "manager": self.manager.as_json(),
        }


def populate_million(cluster: Cluster, contacts: int) -> str:
    """Its story ends now, because the pages show what is due today. Returns the address."""
    address = cluster.new_crm_database(MILLION)
    amounts = Amounts(contacts, contacts * 3 // 10, contacts * 2, datetime.now(UTC))
    build(address, amounts)
    return address


def measure_pages(address: str, contacts: int) -> PageTimes:
    with open_app(address) as page:
        contact_page = measure_contact_page(page, address)
        return PageTimes(contacts, contact_page, measure_manager_page(page, address))


@contextmanager
def open_app(address: str) -> Iterator[Page]:
    """The app on this database, in a browser that tells when it draws something."""
    with tempfile.TemporaryDirectory(prefix="mpt-crm-bench-") as folder:
        settings = {
            "DATABASE_URL": address,
            "DRIP_ENABLED": "false",
            "APP_SECRET_KEYS": "a-key-of-this-benchmark-and-no-other",
        }
        with (
            running_app(Path(folder), free_port(), settings=settings) as url,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(
                executable_path=find_chromium(), args=list(ARGUMENTS)
            )
            width, height = _HIGH_AND_WIDE
            page = browser.new_page(
                base_url=url,
                viewport={"width": width, "height": height},
                bypass_csp=True,  # waiting for something evaluates a script
            )
            watch(page)
            yield page
            browser.close()
