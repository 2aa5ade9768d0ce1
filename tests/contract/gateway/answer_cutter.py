"""A proxy in front of a Supabase project that loses what a test tells it to lose.

A request is known by the function or table it asks: `cutter.cut("settle", AFTER)`. To the caller
every cut looks the same, a connection that broke; only the rows know what was done.
"""

import http.client
import random
import socket
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

Cut = Literal["before it arrived", "after it was done", "and done later"]
BEFORE: Cut = "before it arrived"
AFTER: Cut = "after it was done"
LATER: Cut = "and done later"  # the caller gave up; the request still waits somewhere on its way

_NOT_PASSED_ON = {"connection", "transfer-encoding", "content-length", "keep-alive"}
_SECONDS = 20


class AnswerCutter:
    """Serves from `__enter__` to `__exit__`, in threads of this process."""

    def __init__(self, project_url: str) -> None:
        parts = urlsplit(project_url)
        self.upstream = (str(parts.hostname), int(parts.port or 80))
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}{parts.path}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._lock = threading.Lock()
        self._cuts: dict[str, Cut] = {}
        self._released = threading.Event()
        self._under_way = 0
        self._idle = threading.Condition(self._lock)
        self.is_down = False
        # (randomness, share of the functions' answers and requests that are lost)
        self.chance: tuple[random.Random, float] | None = None
        self.before: dict[str, Callable[[], object]] = {}
        self.seen: Counter[str] = Counter()
        self.lost: list[tuple[str, Cut]] = []

    def cut(self, name: str, how: Cut) -> None:
        """The next request to this function or table is lost so."""
        self._cuts[name] = how

    def release(self) -> None:
        """Lets what was to be done later be done now, and waits for it."""
        self._released.set()
        with self._idle:
            assert self._idle.wait_for(lambda: self._under_way == 0, _SECONDS)

    def arriving(self, name: str, *, is_function: bool) -> Cut | None:
        """What is to become of this request."""
        if act := self.before.pop(name, None):
            act()
        with self._lock:
            self.seen[name] += 1
            if self.is_down:
                return BEFORE
            how = self._cuts.pop(name, None)
            if how is None and is_function and self.chance:
                randomness, share = self.chance
                how = randomness.choice((BEFORE, AFTER)) if randomness.random() < share else None
            if how is not None:
                self.lost.append((name, how))
            return how

    def wait_for_release(self) -> None:
        assert self._released.wait(_SECONDS)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def count_one(self, change: Literal[1, -1]) -> None:
        with self._idle:
            self._under_way += change
            self._idle.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, cutter: AnswerCutter) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.cutter = cutter


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        cutter = self.server.cutter
        cut = cutter.arriving(path.rpartition("/")[2], is_function="/rpc/" in path)
        if cut == BEFORE:
            return self._hang_up()
        cutter.count_one(1)
        try:
            if cut == LATER:
                self._hang_up()
                cutter.wait_for_release()
            status, headers, answer = self._asked(body)
        finally:
            cutter.count_one(-1)
        if cut == AFTER:
            return self._hang_up()
        if cut is None:
            self._answer(status, headers, answer)
        return None

    do_GET = do_POST = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - http.server's names

    def _asked(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(*self.server.cutter.upstream, timeout=_SECONDS)
        try:
            headers = {n: v for n, v in self.headers.items() if n.lower() != "accept-encoding"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _NOT_PASSED_ON:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass
