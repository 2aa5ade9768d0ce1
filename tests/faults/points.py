"""The named points of a tick at which a scheduler process dies (or is paused) by its own hand.

Each point wraps a method of the real program; nothing else of it is changed. The signal is sent by
the kernel at once: no other thread of the process gets any further.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx
from httpcore._backends.sync import SyncStream

from crm.mail.sendgrid_sender import SendGridSender
from crm.records.engine import EngineRecords
from drip_scheduler import Tick

Act = Callable[[], object]
Method = Callable[..., Any]


class _Moment:
    """Acts once, at the n-th time the point is passed, whichever thread passes it."""

    def __init__(self, passes: int, act: Act) -> None:
        self._left = passes
        self._act = act
        self._lock = threading.Lock()

    def __call__(self) -> None:
        if self.is_now():
            self._act()

    def is_now(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left == 0

    def act(self) -> None:
        self._act()


def _replace(owner: type, name: str, around: Callable[[Method], Method]) -> None:
    setattr(owner, name, around(getattr(owner, name)))


def _before(owner: type, name: str) -> Callable[[_Moment], None]:
    def arm(moment: _Moment) -> None:
        def around(method: Method) -> Method:
            def wrapped(*given: Any, **named: Any) -> Any:
                moment()
                return method(*given, **named)

            return wrapped

        _replace(owner, name, around)

    return arm


def _after(owner: type, name: str, *, of_any: bool = True) -> Callable[[_Moment], None]:
    """`of_any` False: only a result that holds something counts as a pass."""

    def arm(moment: _Moment) -> None:
        def around(method: Method) -> Method:
            def wrapped(*given: Any, **named: Any) -> Any:
                result = method(*given, **named)
                if of_any or result:
                    moment()
                return result

            return wrapped

        _replace(owner, name, around)

    return arm


def _is_body(buffer: bytes) -> bool:
    """The head of a request goes out in a write of its own; its body is one JSON object."""
    return buffer[:1] == b"{"


def _before_first_byte(moment: _Moment) -> None:
    """After the sender's own last look at its lease."""

    def around(write: Method) -> Method:
        def wrapped(stream: SyncStream, buffer: bytes, timeout: float | None = None) -> None:
            if not _is_body(buffer):
                moment()
            write(stream, buffer, timeout)

        return wrapped

    _replace(SyncStream, "write", around)


def _mid_request(moment: _Moment) -> None:
    def around(write: Method) -> Method:
        def wrapped(stream: SyncStream, buffer: bytes, timeout: float | None = None) -> None:
            if _is_body(buffer) and moment.is_now():
                write(stream, buffer[: len(buffer) // 2], timeout)
                moment.act()
                buffer = buffer[len(buffer) // 2 :]
            write(stream, buffer, timeout)

        return wrapped

    _replace(SyncStream, "write", around)


def _after_request(moment: _Moment) -> None:
    def around(write: Method) -> Method:
        def wrapped(stream: SyncStream, buffer: bytes, timeout: float | None = None) -> None:
            write(stream, buffer, timeout)
            if _is_body(buffer):
                moment()

        return wrapped

    _replace(SyncStream, "write", around)


_ARMS: dict[str, Callable[[_Moment], None]] = {
    "after_start_run": _after(EngineRecords, "start_run"),
    "before_sweep": _before(EngineRecords, "sweep"),
    "after_sweep": _after(EngineRecords, "sweep"),
    "before_claim": _before(EngineRecords, "claim_due"),
    "after_claim": _after(EngineRecords, "claim_due", of_any=False),
    "after_compose": _after(Tick, "compose", of_any=False),
    "before_hand_over": _before(EngineRecords, "hand_over"),
    "after_hand_over": _after(EngineRecords, "hand_over", of_any=False),
    "before_build": _before(SendGridSender, "send"),
    "before_request": _before(httpx.Client, "send"),
    "before_first_byte": _before_first_byte,
    "mid_request": _mid_request,
    "after_request": _after_request,
    "after_answer": _after(httpx.Client, "send"),
    "before_settle": _before(EngineRecords, "settle"),
    "after_settle": _after(EngineRecords, "settle"),
    "before_finish": _before(EngineRecords, "finish_run"),
    "after_finish": _after(EngineRecords, "finish_run"),
}

POINTS = tuple(_ARMS)

ONCE_A_TICK = frozenset(
    {"after_start_run", "before_sweep", "after_sweep", "before_finish", "after_finish"}
)
"""Points that a tick passes once; the others it passes once a batch."""


def arm(point: str, passes: int, act: Act) -> None:
    """From now on this process does `act` when it passes `point` for the n-th time."""
    _ARMS[point](_Moment(passes, act))
