"""Pictures of every page for docs/screenshots/: `make screenshots`.

Starts the app on an embedded database of its own with demo data, and takes each page 1440 and 390
pixels wide, light and dark. A tool for developers: it drives the browser of the browser tests.
`python -m tests.browser.screenshots --only contacts settings` takes some of them.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.app_server import ROOT, free_port, running_app, server_environment
from tests.browser.chromium import ARGUMENTS, NOT_FOUND, find_chromium
from tests.browser.screenshot_pages import Shot, shots_of
from tests.browser.sign_in_server import oidc_settings
from tests.standins.oidc_provider import oidc_provider

FOLDER = ROOT / "docs" / "screenshots"
_WIDTHS = (1440, 390)
_SCHEMES = ("light", "dark")
_LEAST_HEIGHT, _MOST_HEIGHT = 760, 2400
_COLOURS = 256
# Charts and tables are drawn on a canvas, which nothing on the page tells the end of.
_DRAWN_AFTER_MS = 900
_CONTENT_HEIGHT = """() => Math.max(document.documentElement.scrollHeight,
  ...[...document.querySelectorAll('[data-testid=stMain]')].map(part => part.scrollHeight))"""


@dataclass(frozen=True, slots=True)
class Site:
    """The app with demo data, where whoever opens it is admin, and one that asks for a sign-in."""

    url: str
    signed_out_url: str
    folder: Path


@contextmanager
def demo_site() -> Iterator[Site]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mpt-crm-pictures-")))
        port, second_port = free_port(), free_port()
        url, second_url = (f"http://127.0.0.1:{p}" for p in (port, second_port))
        own = {
            "PUBLIC_URL": url,
            "MAIL_FROM_NAME": "Morgan at MPT",
            "MAIL_POSTAL_ADDRESS": "1 Main Street, Columbus, OH 43215",
        }
        for script in ("migrate", "populate_drip_templates", "load_demo_data"):
            command = [sys.executable, f"scripts/{script}.py"]
            subprocess.run(command, cwd=ROOT, env=server_environment(folder) | own, check=True)
        stack.enter_context(running_app(folder, port, settings=own))
        issuer = stack.enter_context(oidc_provider((), port=free_port(), lasts=timedelta(hours=1)))
        other = folder / "signed_out"
        other.mkdir()
        asking = {
            "DATA_DIR": str(folder),
            "DRIP_ENABLED": "false",
            "PUBLIC_URL": second_url,
            **oidc_settings(issuer),
        }
        stack.enter_context(running_app(other, second_port, settings=asking))
        yield Site(url, second_url, folder)


@contextmanager
def a_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        yield browser
        browser.close()


def take(browser: Browser, shot: Shot, into: Path) -> None:
    for width in _WIDTHS:
        is_phone = width < 640
        context = browser.new_context(
            viewport={"width": width, "height": _LEAST_HEIGHT},
            device_scale_factor=2 if is_phone else 1,
            is_mobile=is_phone,
            has_touch=is_phone,
            timezone_id="America/New_York",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.goto(shot.url)
        _settle(page)
        for name in shot.clicks:
            page.get_by_text(name, exact=True).first.click()
            _settle(page)
        # Twice: what takes its measure from the window grows with it.
        for _ in range(2):
            height = min(max(page.evaluate(_CONTENT_HEIGHT), _LEAST_HEIGHT), _MOST_HEIGHT)
            page.set_viewport_size({"width": width, "height": height})
            _settle(page)
        for scheme in _SCHEMES:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            _settle(page)
            _store(page.screenshot(), into / f"{shot.name}_{width}_{scheme}.png")
        context.close()


def _settle(page: Page) -> None:
    if page.locator("[data-testid=stApp]").count():
        expect(page.locator("[data-test-script-state=notRunning]")).to_be_attached(timeout=60_000)
        waiting = page.locator(
            "[data-testid=stSkeleton], [data-testid=stSpinner], [data-stale=true]"
        )
        expect(waiting).to_have_count(0, timeout=60_000)
    page.wait_for_timeout(_DRAWN_AFTER_MS)


def _store(picture: bytes, file: Path) -> None:
    """With a palette: a third of the size, and pages have few colours."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        file, optimize=True
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", metavar="PAGE", help="beginnings of names")
    parser.add_argument("--into", type=Path, default=FOLDER)
    wanted = parser.parse_args()
    if find_chromium() is None:
        sys.stderr.write(f"{NOT_FOUND}\n")
        return 1
    wanted.into.mkdir(parents=True, exist_ok=True)
    with demo_site() as site, a_browser() as browser:
        shots = [
            shot
            for shot in shots_of(site.url, site.signed_out_url, site.folder)
            if not wanted.only or shot.name.startswith(tuple(wanted.only))
        ]
        if not wanted.only:
            for old in wanted.into.glob("*.png"):
                old.unlink()
        for shot in shots:
            sys.stdout.write(f"{shot.name}\n")
            take(browser, shot, wanted.into)
    return 0


if __name__ == "__main__":
    sys.exit(main())
