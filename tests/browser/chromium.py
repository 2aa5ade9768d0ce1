"""Where the browser is, and how it is started."""

from __future__ import annotations

import shutil

# The headless shell draws the same pages for three quarters of the processor's time.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A journey is over before a program that was optimised would have paid for it.
BRIEF = ("--js-flags=--no-maglev --no-turbofan",)
NOT_FOUND = "No Chromium was found; install it (Debian: apt-get install chromium-headless-shell)."


def find_chromium() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)
