"""What runs in a forked process: the real scheduler, or the real webhook route under uvicorn.

Changed in here: the clock (the simulated one), the settings (from the order, not from the
environment), the patience with the provider, and at most one named point.
"""

from __future__ import annotations

import functools
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

import drip_scheduler
from crm.mail.sendgrid_sender import SendGridSender
from crm.settings import load_settings
from crm.web import clock as web_clock
from db_service import connect
from tests.faults import points
from tests.faults.clock import SharedClock
from tests.faults.orders import Order

REFUSING = "webhook_refuses"
"""A file of this name in the folder makes the webhook answer 503."""


def run_scheduler(order: Order) -> int:
    clock = SharedClock(Path(order.folder))
    skew = timedelta(seconds=order.skew_seconds)

    def now() -> Any:
        return clock.now() + skew

    _replace(drip_scheduler, "wall_clock", now)
    _replace(drip_scheduler, "load_settings", functools.partial(_settings, order))
    _be_impatient(order.patience)
    if order.point:
        act = functools.partial(os.kill, os.getpid(), order.signal_number)
        points.arm(order.point, order.passes, act)
    return drip_scheduler.main(["--once"])


def run_web(order: Order) -> int:
    from crm.web import events

    clock = SharedClock(Path(order.folder))
    _replace(web_clock, "now", clock.now)
    connect(_settings(order))
    app = _Refusing(Starlette(routes=events.routes), Path(order.folder) / REFUSING)
    uvicorn.run(app, host="127.0.0.1", port=order.port, log_level="warning", access_log=False)
    return 0


def _replace(owner: Any, name: str, by: Any) -> None:
    """Fails where the program has no such name any more: then nothing would be replaced."""
    getattr(owner, name)
    setattr(owner, name, by)


def _settings(order: Order) -> Any:
    return load_settings(_env_file=None, **order.settings)


def _be_impatient(seconds: float) -> None:
    """A silent provider is given up on after this long: the real 30 seconds would be waited out."""
    make = SendGridSender.__init__

    def made(self: SendGridSender, *given: Any, **named: Any) -> None:
        timeouts = httpx.Timeout(connect=5.0, read=seconds, write=5.0, pool=5.0)
        make(self, *given, **{"timeouts": timeouts} | named)

    _replace(SendGridSender, "__init__", made)


class _Refusing:
    """The route, or 503 in front of it while the file is there."""

    def __init__(self, app: ASGIApp, flag: Path) -> None:
        self._app = app
        self._flag = flag

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._flag.exists():
            unwell = PlainTextResponse("unwell", status_code=503)
            await unwell(scope, receive, send)
        else:
            await self._app(scope, receive, send)
