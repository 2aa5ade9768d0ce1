"""Keeps what the server's libraries know of people out of the log, at whatever level it stands.

At `--logger.level debug` uvicorn writes the path of every request, which for us holds unsubscribe
tokens, and websockets the headers of every connection, which hold the cookie of a sign-in, and the
start of every message; Authlib writes the secret half of a sign-in under way.
"""

from __future__ import annotations

import logging

# Logger → the least level it keeps. Above CRITICAL: nothing at all.
_KEPT_FROM = {
    "uvicorn.access": logging.CRITICAL + 1,
    "uvicorn.error": logging.INFO,
    "websockets": logging.INFO,
    "websockets.server": logging.INFO,
    "python_multipart.multipart": logging.INFO,
    "authlib.integrations.base_client.sync_app": logging.INFO,
    "authlib.integrations.base_client.async_app": logging.INFO,
}


class AtLeast(logging.Filter):
    """Unlike a level, nobody sets a filter anew."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self.level = level

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= self.level


def quieten() -> None:
    """For this process; twice is as good as once."""
    for name, level in _KEPT_FROM.items():
        talkative = logging.getLogger(name)
        if not any(isinstance(known, AtLeast) for known in talkative.filters):
            talkative.addFilter(AtLeast(level))
