"""Tabs that are kept from one journey to the next: a new one would load the whole program again,
which takes three times as long as drawing a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from playwright.sync_api import Browser, Page, ViewportSize

_DESK: ViewportSize = {"width": 1440, "height": 1000}


@contextmanager
def a_tab(browser: Browser, url: str) -> Iterator[Page]:
    """In a browser of its own, for the app at `url`."""
    context = browser.new_context(
        base_url=url, viewport=_DESK, timezone_id="America/New_York", accept_downloads=True
    )
    with closing(context):
        yield context.new_page()


@contextmanager
def at_a_tidy(tab: Page) -> Iterator[Page]:
    """As it is at the start of a day, and left where nothing refreshes by itself."""
    tab.set_viewport_size(_DESK)
    tab.emulate_media(color_scheme="light")
    try:
        yield tab
    finally:
        tab.goto("/health")
