"""Commands of the project as processes of their own, without a second of imports for each.

One Python a test run has everything imported and forks a child for every command: with the
arguments, the environment, the output and the exit status that a fresh `python script.py` would
have. It forks before any connection or thread exists, so each child opens its own. Commands that
are started cold are in tests/database/test_health_checks.py and tests/scheduler/test_command.py.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import random
import runpy
import socket
import socketserver
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn, Self

from crm.settings import PROJECT_ROOT

Answer = subprocess.CompletedProcess[str]
_IMPORTED = (
    "crm.database.supabase_project",
    "drip_scheduler",
    "scripts.check_drip_tables",
    "scripts.explain",
    "scripts.import_contacts",
    "scripts.populate_drip_templates",
    "scripts.simple_drip_test",
    "scripts.sync_suppressions",
    "scripts.verify_audit",
)
_READY = b"ready\n"


@dataclass(frozen=True, slots=True)
class _Order:
    arguments: list[str]
    environment: dict[str, str]
    stdout: str
    stderr: str


class WarmPython:
    """The waiting process; use as a context manager. Several threads may call `run`."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="mpt-crm-warm-")
        self._door = str(Path(self._folder.name) / "door")
        command = [sys.executable, "-m", "tests.warm_python", self._door]
        self._process = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE)
        assert self._process.stdout
        assert self._process.stdout.readline() == _READY
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=30)
        self._folder.cleanup()

    def run(
        self, arguments: Sequence[object], environment: Mapping[str, str], *, seconds: float = 120
    ) -> Answer:
        """As subprocess.run would from the project's folder. Raises TimeoutError after `seconds`;
        the command goes on."""
        given = [str(argument) for argument in arguments]
        with tempfile.TemporaryDirectory(prefix="mpt-crm-said-") as folder:
            out, err = Path(folder) / "stdout", Path(folder) / "stderr"
            order = _Order(given, dict(environment), str(out), str(err))
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(seconds)
                line.connect(self._door)
                line.sendall(json.dumps(asdict(order)).encode() + b"\n")
                with line.makefile() as heard:
                    status = int(heard.readline())
            return Answer(given, status, out.read_text(), err.read_text())


class _OneCommand(socketserver.StreamRequestHandler):
    """In a child of the server's: waits for a child of its own, which becomes the command."""

    def handle(self) -> None:
        order = _Order(**json.loads(self.rfile.readline()))
        child = os.fork()
        if child == 0:
            _become(order)
        _, status = os.waitpid(child, 0)
        self.wfile.write(f"{os.waitstatus_to_exitcode(status)}\n".encode())


class _Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    request_queue_size = 64
    max_children = 100

    def service_actions(self) -> None:
        """Every half second; a test run that was killed leaves nobody behind."""
        super().service_actions()
        if os.getppid() == 1:
            raise SystemExit


def _become(order: _Order) -> NoReturn:
    """Never returns into the server, whatever happens."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    creating = os.O_WRONLY | os.O_CREAT
    os.dup2(nothing, 0)
    os.dup2(os.open(order.stdout, creating, 0o600), 1)
    os.dup2(os.open(order.stderr, creating, 0o600), 2)
    own = os.environ  # noqa: TID251 - it becomes another process, with an environment of its own
    own.clear()
    own.update(order.environment)
    time.tzset()
    random.seed()
    sys.argv = list(order.arguments)
    sys.path[0] = str((PROJECT_ROOT / order.arguments[0]).parent)
    status = _status_of(order.arguments[0])
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _status_of(script: str) -> int:
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
            return 1
        return end.code or 0
    except BaseException:  # noqa: BLE001 - what Python itself does with it
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page it inherited
    with _Server(sys.argv[1], _OneCommand) as server:
        os.write(1, _READY)
        server.serve_forever()


if __name__ == "__main__":
    main()
