"""A stand-in for SendGrid's v3 Mail Send: real HTTP, the real checks, scripted misbehaviour.

In a test: `with SendGridStandIn() as standin:`, then `standin.url` and `standin.key` for the
sender, `standin.accepted` and `standin.requests` for what arrived, `standin.answer_next(slow(2))`
for trouble. Alone: `python -m tests.standins.sendgrid --port 0 --latency-ms 80`, controlled over
POST /__standin/{answer_next,refuse,latency,reset} and GET /__standin/{stats,accepted}.
"""

import argparse
import signal
import threading
from collections.abc import Collection
from types import TracebackType
from typing import Self

from tests.standins.sendgrid_records import AcceptedMail, Scripted, SeenRequest
from tests.standins.sendgrid_server import Server
from tests.standins.sendgrid_suppressions import SuppressionLists

KEY = "SG.stand-in.key"


class SendGridStandIn:
    """Serves on 127.0.0.1 from `__enter__` to `__exit__`, in threads of this process."""

    def __init__(
        self,
        *,
        port: int = 0,
        keys: Collection[str] = (KEY,),
        latency_seconds: float = 0.0,
        max_body_bytes: int = 30_000_000,
        keep_mail: bool = True,
    ) -> None:
        self.key = next(iter(keys))
        self._server = Server(port, keys=keys, keep_mail=keep_mail, max_body_bytes=max_body_bytes)
        self._server.latency_seconds = latency_seconds
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def accepted(self) -> list[AcceptedMail]:
        """One entry a recipient, in order of arrival; empty with keep_mail=False."""
        return list(self._server.records.mail)

    @property
    def requests(self) -> list[SeenRequest]:
        return list(self._server.records.requests)

    @property
    def send_counts(self) -> dict[str, int]:
        """send_id → how often it was accepted: the proof of nothing lost and nothing twice."""
        return dict(self._server.records.send_counts)

    @property
    def suppressions(self) -> SuppressionLists:
        """Whom the provider will not write to, by the names of its lists."""
        return self._server.suppressions

    def authenticate(self, domain: str, *, valid: bool = True) -> None:
        """A domain of Sender Authentication, whose DNS records are in place or not."""
        self._server.domains.append({"domain": domain, "valid": valid})

    @property
    def latency_seconds(self) -> float:
        return self._server.latency_seconds

    @latency_seconds.setter
    def latency_seconds(self, seconds: float) -> None:
        self._server.latency_seconds = seconds

    def answer_next(self, scripted: Scripted, *, times: int = 1) -> None:
        """The next requests are answered so, one after the other; then as usual again."""
        self._server.script.extend([scripted] * times)

    def refuse_address(self, email: str, reason: str) -> None:
        """Every request with this address is answered with a 400 that names it."""
        self._server.refused_addresses[email.lower()] = reason

    def reset(self) -> None:
        """Forgets mail, script and refused addresses; latency is 0 again."""
        self._server.reset()

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


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for SendGrid's Mail Send.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--key", action="append", help=f"accepted API key (default {KEY})")
    parser.add_argument(
        "--counts-only", action="store_true", help="count send_ids, keep no mail (benchmarks)"
    )
    arguments = parser.parse_args()
    # The main thread alone may wait for signals; the waiting itself costs nothing.
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with SendGridStandIn(
        port=arguments.port,
        keys=arguments.key or (KEY,),
        latency_seconds=arguments.latency_ms / 1000,
        keep_mail=not arguments.counts_only,
    ) as standin:
        print(f"listening on {standin.url}", flush=True)  # noqa: T201 - the contract with callers
        signal.sigwait(signals)


if __name__ == "__main__":
    main()
