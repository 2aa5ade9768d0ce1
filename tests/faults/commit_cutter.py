"""A proxy in front of Postgres that cuts connections while they commit.

It listens on a unix socket. A COMMIT from the client is passed on, or the connection is cut: before
it reaches the server, right after it was passed on, or after the server has answered and before the
client hears of it. The client cannot tell these apart; the rows can.
"""

from __future__ import annotations

import random
import selectors
import socket
import threading
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

CUTS = ("before it arrived", "as it arrived", "after it was done")
WRITES = ("claim_due", "hand_over", "settle", "sweep", "postpone", "finish_run", "record_events")
"""Functions whose commits matter most; all others together count as one."""

OTHERS = "others"
_CHANCE_OF_OTHERS = 0.1
_SOCKET_NAME = ".s.PGSQL.5432"
_CHUNK = 65_536


class _Line:
    """One client's connection, and which function it called last; `dead_at_answer` once the next
    answer is to be kept from it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.dead_at_answer = False
        self.doing = OTHERS

    def close(self) -> None:
        for end in (self.client, self.server):
            end.close()


class CommitCutter:
    """Serves from `__enter__` to `__exit__`, in a thread of this process. Cuts nothing until told
    to by `chance`, the share of commits to cut (of reads, a tenth of it)."""

    def __init__(self, server_folder: str, folder: Path, randomness: random.Random) -> None:
        self._server = f"{server_folder}/{_SOCKET_NAME}"
        self._folder = folder
        self._randomness = randomness
        self._lines: dict[socket.socket, _Line] = {}
        self._inbox = selectors.DefaultSelector()
        self._ear, self._mouth = socket.socketpair()
        self._door = socket.socket(socket.AF_UNIX)
        self._thread = threading.Thread(target=self._serve, name="commit cutter")
        self.chance = 0.0
        self.cuts: Counter[str] = Counter()

    def address(self, address: str) -> str:
        """The same database through this proxy."""
        before, _, _ = address.partition("?host=")
        return f"{before}?host={self._folder}"

    def _serve(self) -> None:
        while True:
            for key, _ in self._inbox.select():
                if key.fileobj is self._ear:
                    return
                if key.fileobj is self._door:
                    self._welcome()
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._lines:
                    self._pass_on(key.fileobj, self._lines[key.fileobj])

    def _welcome(self) -> None:
        client, _ = self._door.accept()
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._server)
        except OSError:
            client.close()
            server.close()
            return
        line = _Line(client, server)
        for end in (client, server):
            self._lines[end] = line
            self._inbox.register(end, selectors.EVENT_READ)

    def _pass_on(self, source: socket.socket, line: _Line) -> None:
        try:
            chunk = source.recv(_CHUNK)
            if not chunk or (source is line.server and line.dead_at_answer):
                self._hang_up(line)
            elif source is line.server:
                line.client.sendall(chunk)
            else:
                self._to_server(chunk, line)
        except OSError:  # one end is gone, so the other goes
            self._hang_up(line)

    def _to_server(self, chunk: bytes, line: _Line) -> None:
        line.doing = next((name for name in WRITES if f'"{name}"'.encode() in chunk), line.doing)
        cut = None
        if b"COMMIT" in chunk:
            cut, line.doing = self._cut(line.doing), OTHERS
        if cut != CUTS[0]:
            line.server.sendall(chunk)
        if cut == CUTS[2]:
            line.dead_at_answer = True
        elif cut is not None:
            self._hang_up(line)

    def _cut(self, doing: str) -> str | None:
        chance = self.chance * (_CHANCE_OF_OTHERS if doing == OTHERS else 1)
        if self._randomness.random() >= chance:
            return None
        cut = self._randomness.choice(CUTS)
        self.cuts[f"{doing}, {cut}"] += 1
        return cut

    def _hang_up(self, line: _Line) -> None:
        for end in (line.client, line.server):
            if self._lines.pop(end, None):
                self._inbox.unregister(end)
        line.close()

    def __enter__(self) -> Self:
        self._door.bind(str(self._folder / _SOCKET_NAME))
        self._door.listen(64)
        self._inbox.register(self._door, selectors.EVENT_READ)
        self._inbox.register(self._ear, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._mouth.send(b"x")
        self._thread.join()
        for line in set(self._lines.values()):
            self._hang_up(line)
        for end in (self._door, self._ear, self._mouth, self._inbox):
            end.close()
