"""The harness's side of the nursery: start children, signal them, wait for their ends."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import psutil

from crm.settings import PROJECT_ROOT
from tests.faults.orders import Order

# A search path is all a Python of ours needs of the machine around it.
_MACHINE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}
_START_SECONDS = 60.0
_END_SECONDS = 60.0
_CLOSE_SECONDS = 10.0


class StuckError(Exception):
    """A process did not end although nothing holds it: a fault of the program or of the harness."""


@dataclass(frozen=True, slots=True)
class End:
    """How a child ended: by a signal, or with an exit code."""

    status: int

    @property
    def was_killed(self) -> bool:
        return os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL

    @property
    def code(self) -> int:
        """The exit code; negative for a signal."""
        return os.waitstatus_to_exitcode(self.status)


@dataclass(frozen=True, slots=True)
class Child:
    number: int
    order: Order
    nursery: Nursery
    pid: Future[int] = field(default_factory=Future)
    end: Future[End] = field(default_factory=Future)

    def wait(self, seconds: float = _END_SECONDS) -> End:
        """Raises StuckError after killing it."""
        try:
            return self.end.result(seconds)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            raise StuckError(f"a {self.order.role} at {self.order.point or 'work'}") from None

    def signal(self, number: int) -> None:
        self.nursery.tell(f"signal {self.number} {number}")

    def is_stopped(self) -> bool:
        """Whether a SIGSTOP holds it right now."""
        try:
            return psutil.Process(self.pid.result(_START_SECONDS)).status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            return False


class Nursery:
    """The process that forks; ended, with all its children, by closing its stdin."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._children: dict[int, Child] = {}
        self._ready = threading.Event()
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=PROJECT_ROOT,
            env=_MACHINE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._listener = threading.Thread(target=self._listen, name="nursery", daemon=True)

    def start(self, order: Order) -> Child:
        child = Child(next(self._numbers), order, self)
        self._children[child.number] = child
        self.tell(f"start {child.number} {order.to_json()}")
        return child

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(f"{line}\n".encode())

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            verb, number, value = line.split()
            if verb == b"ready":
                self._ready.set()
            elif verb == b"started":
                self._children[int(number)].pid.set_result(int(value))
            else:
                self._children.pop(int(number)).end.set_result(End(int(value)))
        for child in self._children.values():
            child.end.set_exception(StuckError("the nursery ended, and its children with it"))

    def __enter__(self) -> Self:
        self._listener.start()
        if not self._ready.wait(_START_SECONDS):
            self.close()
            raise StuckError("the nursery did not start")
        return self

    def close(self) -> None:
        """Ends it and every child; whoever waits for one is told. May be called again."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(_CLOSE_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
