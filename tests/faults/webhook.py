"""The real webhook route in a process of its own, with its outages: killed, or answering 503."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from tests.faults.children import REFUSING
from tests.faults.orders import Order
from tests.faults.processes import Child, Nursery

Outage = Literal["killed", "refusing"]
_START_SECONDS = 20.0


class Webhook:
    def __init__(self, nursery: Nursery, folder: Path, settings: Mapping[str, Any]) -> None:
        self._nursery = nursery
        self._flag = folder / REFUSING
        self.port = _free_port()
        self._order = Order(role="web", folder=str(folder), settings=settings, port=self.port)
        self._child: Child | None = None
        self.kills = 0

    @property
    def is_up(self) -> bool:
        return self._child is not None and not self._flag.exists()

    def start(self) -> None:
        """Returns when the route answers."""
        self._flag.unlink(missing_ok=True)
        if self._child is None:
            self._child = self._nursery.start(self._order)
            self._wait_until_up()

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise TimeoutError("the webhook process did not start; see children.log")

    def fail(self, outage: Outage) -> None:
        if outage == "refusing":
            self._flag.touch()
        else:
            self.stop(signal.SIGKILL)
            self.kills += 1

    def stop(self, signal_number: int = signal.SIGTERM) -> None:
        if self._child is not None:
            self._child.signal(signal_number)
            self._child.wait()
            self._child = None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])
