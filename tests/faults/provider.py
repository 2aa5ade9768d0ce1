"""The SendGrid stand-in in simulated time: it remembers when it accepted what."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections import deque
from datetime import timedelta
from types import TracebackType
from typing import Self

from tests.faults.clock import SharedClock
from tests.standins.sendgrid import KEY
from tests.standins.sendgrid_records import AcceptedMail, Json, Records, Scripted
from tests.standins.sendgrid_server import CONTROL, Handler, Server

_QUIET_SECONDS = 10.0
# Simulated; servers and load balancers close idle or half-sent connections after one to five.
_IDLE = timedelta(minutes=5)
_KEPT = {"subject", "categories", "custom_args"}


class _Ledger(Records):
    """Every accepted e-mail with the simulated moment of its acceptance."""

    def __init__(self, clock: SharedClock) -> None:
        super().__init__(keep_mail=True)
        self._clock = clock
        self.unheard: deque[AcceptedMail] = deque()

    def accept(self, payload: Json, message_id: str) -> None:
        at = self._clock.now()
        people = payload["personalizations"]
        # The content is the same for all and of no interest here.
        envelope = {key: payload[key] for key in _KEPT if key in payload}
        mail = [AcceptedMail(envelope, person, message_id, at) for person in people]
        self.accepted += len(mail)
        self.mail += mail
        self.unheard += mail


class _ImpatientHandler(Handler):
    """Closes a connection on which nothing came to its end for some minutes, as every real server
    does: what a sleeper writes to it when it wakes up reaches nobody."""

    server: _Server

    def setup(self) -> None:
        super().setup()
        self._busy_at = self.server.clock.now()

    def do_POST(self) -> None:  # noqa: N802 - the base's name
        self._drop_if_idle()
        super().do_POST()
        self._busy_at = self.server.clock.now()

    def _body(self) -> bytes:
        body = super()._body()
        self._drop_if_idle()
        return body

    def _drop_if_idle(self) -> None:
        if self.server.clock.now() - self._busy_at > _IDLE:
            self.server.dropped += 1
            raise ConnectionAbortedError


class _Server(Server):
    """With the simulated clock; `dropped` counts requests on idle connections."""

    def __init__(self, clock: SharedClock) -> None:
        super().__init__(0, keys=[KEY], keep_mail=True, max_body_bytes=30_000_000)
        self.RequestHandlerClass = _ImpatientHandler
        self.clock = clock
        self.dropped = 0

    @property
    def open_connections(self) -> int:
        return len(self._open)


class Provider:
    """Serves from `__enter__` to `__exit__`, in threads of this process."""

    def __init__(self, clock: SharedClock, *, latency_seconds: float = 0.0) -> None:
        self._ledger = _Ledger(clock)
        self._server = _Server(clock)
        self._server.records = self._ledger
        self._server.latency_seconds = latency_seconds
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="provider"
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def accepted(self) -> list[AcceptedMail]:
        """One entry a recipient, in order of arrival."""
        return list(self._ledger.mail)

    @property
    def requests(self) -> int:
        return len(self._ledger.requests)

    @property
    def dropped(self) -> int:
        """Requests that came on a connection left idle for too long."""
        return self._server.dropped

    def take_unheard(self) -> list[AcceptedMail]:
        """What was accepted since the last call: its events are yet to be told."""
        unheard = self._ledger.unheard
        return [unheard.popleft() for _ in range(len(unheard))]

    def answer_next(self, *scripted: Scripted) -> None:
        self._server.script.extend(scripted)

    def forget_script(self) -> int:
        """Back to usual answers; returns how many scripted ones nobody met."""
        left = len(self._server.script)
        self._server.script.clear()
        return left

    def settle_down(self) -> None:
        """Wait until every request that arrived is dealt with; senders must be dead or done.

        Connections are taken up in the order they came: once this one is answered, all earlier
        ones are known, and what has a dead other end finishes and goes away.
        """
        with urllib.request.urlopen(f"{self.url}{CONTROL}stats", timeout=_QUIET_SECONDS):
            pass
        deadline = time.monotonic() + _QUIET_SECONDS
        while self._server.open_connections and time.monotonic() < deadline:
            time.sleep(0.0005)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop()
        self._thread.join()
        if self._server.faults and error is None:
            raise self._server.faults[0]
