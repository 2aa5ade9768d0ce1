"""A process that has the whole program imported and forks a child for every order.

A fork costs milliseconds where a fresh interpreter takes a second and a half. It forks before any
connection or thread exists, so each child opens its own. Orders come as lines on stdin:
`start ID {order}` and `signal ID NUMBER`; it says `started ID PID` and `ended ID STATUS` (as
os.waitpid gives it). At the end of stdin it kills what is left and ends.
"""

from __future__ import annotations

import gc
import heapq
import os
import random
import selectors
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

from tests.faults.children import run_scheduler, run_web
from tests.faults.orders import Order

LOG = "children.log"
_ROLES = {"scheduler": run_scheduler, "web": run_web}


class Nursery:
    def __init__(self) -> None:
        self._children: dict[int, int] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._unread = b""
        self._wake, wake = os.pipe()
        for end in (self._wake, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._inbox = selectors.DefaultSelector()
        self._inbox.register(0, selectors.EVENT_READ)
        self._inbox.register(self._wake, selectors.EVENT_READ)

    def serve(self) -> None:
        open_ended = True
        while open_ended:
            for key, _ in self._inbox.select(self._seconds_left()):
                if key.fd == self._wake:
                    os.read(self._wake, 4096)
                else:
                    open_ended = self._read_orders()
            self._kill_overdue()
            self._bury()
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)

    def _seconds_left(self) -> float | None:
        return max(self._deadlines[0][0] - time.monotonic(), 0) if self._deadlines else None

    def _read_orders(self) -> bool:
        received = os.read(0, 65_536)
        *lines, self._unread = (self._unread + received).split(b"\n")
        for line in lines:
            self._obey(line.decode())
        return bool(received)

    def _obey(self, line: str) -> None:
        verb, number, rest = line.split(" ", 2)
        if verb == "start":
            self._start(int(number), Order.from_json(rest))
        else:
            self._signal(int(number), int(rest))

    def _start(self, number: int, order: Order) -> None:
        pid = os.fork()
        if pid == 0:
            _be_a_child(order)
        self._children[pid] = number
        _say(f"started {number} {pid}")
        if order.kill_after is not None:
            heapq.heappush(self._deadlines, (time.monotonic() + order.kill_after, number))

    def _signal(self, number: int, signal_number: int) -> None:
        """Only to a child that was not buried yet: its process id is still its own."""
        for pid, known in self._children.items():
            if known == number:
                os.kill(pid, signal_number)

    def _kill_overdue(self) -> None:
        while self._deadlines and self._deadlines[0][0] <= time.monotonic():
            self._signal(heapq.heappop(self._deadlines)[1], signal.SIGKILL)

    def _bury(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            _say(f"ended {self._children.pop(pid)} {status}")


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def _be_a_child(order: Order) -> NoReturn:
    """Never returns into the nursery's loop, whatever happens."""
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(Path(order.folder) / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        nowhere = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nowhere), (1, log), (2, log)):
            os.dup2(source, target)
        random.seed()
        code = _ROLES[order.role](order)
    except BaseException:  # noqa: BLE001 - the child's last words; its exit code tells the rest
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page it inherited
    _say("ready 0 0")
    Nursery().serve()


if __name__ == "__main__":
    main()
