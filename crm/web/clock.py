"""The time of the public routes.

They ask for it as `clock.now()`, through this module, so that a simulation can replace it.
"""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware UTC."""
    return datetime.now(UTC)
