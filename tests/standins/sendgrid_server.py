"""The HTTP side of the SendGrid stand-in: routes, one thread a connection, a clean stop."""

import json
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from uuid import uuid4

from tests.standins import sendgrid_records as records
from tests.standins.sendgrid_checks import errors_in
from tests.standins.sendgrid_records import Json, Records, Scripted, SeenRequest
from tests.standins.sendgrid_suppressions import SuppressionLists, is_about_suppressions

MAIL_SEND = "/v3/mail/send"
DOMAINS = "/v3/whitelabel/domains"
CONTROL = "/__standin/"

SCRIPTS: dict[str, Callable[..., Scripted]] = {
    script.__name__: script
    for script in (
        records.rate_limited,
        records.server_error,
        records.unauthorized,
        records.forbidden,
        records.refused,
        records.garbage,
        records.redirect,
        records.slow,
        records.drop_before_accepting,
        records.drop_after_accepting,
        records.drop_while_reading,
    )
}

_NO_KEY = (
    401,
    {
        "errors": [
            {
                "message": "The provided authorization grant is invalid, expired, or revoked",
                "field": None,
                "help": None,
            }
        ]
    },
)


class Server(ThreadingHTTPServer):
    """Keeps the state all connections share. `stopping` wakes whoever is waiting."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(
        self, port: int, *, keys: Collection[str], keep_mail: bool, max_body_bytes: int
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.keys = frozenset(keys)
        self.max_body_bytes = max_body_bytes
        self.latency_seconds = 0.0
        self.refused_addresses: dict[str, str] = {}
        self.script: deque[Scripted] = deque()
        self.stopping = threading.Event()
        self.faults: list[BaseException] = []
        self.lock = threading.Lock()
        self._keep_mail = keep_mail
        self.records = Records(keep_mail=keep_mail)
        self.suppressions = SuppressionLists()
        self.domains: list[Json] = []
        self._open: set[socket.socket] = set()

    def reset(self) -> None:
        with self.lock:
            self.records = Records(keep_mail=self._keep_mail)
            self.suppressions = SuppressionLists()
            self.domains.clear()
            self.refused_addresses.clear()
            self.script.clear()
            self.latency_seconds = 0.0

    def next_scripted(self) -> Scripted:
        with self.lock:
            return self.script.popleft() if self.script else Scripted()

    def record(self, status: int | None, payload: object, size: int) -> None:
        people = payload.get("personalizations") if isinstance(payload, dict) else None
        count = len(people) if isinstance(people, list) else 0
        with self.lock:
            self.records.requests.append(SeenRequest(status, count, size, datetime.now(UTC)))

    def accept(self, payload: Json) -> str:
        message_id = uuid4().hex[:22]
        with self.lock:
            self.records.accept(payload, message_id)
        return message_id

    def process_request(self, request: object, client_address: object) -> None:
        self._open.add(cast(socket.socket, request))
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def shutdown_request(self, request: object) -> None:
        self._open.discard(cast(socket.socket, request))
        super().shutdown_request(request)  # type: ignore[arg-type]

    def handle_error(self, _request: object, _client_address: object) -> None:
        """A client that went away is what tests are about; anything else fails them."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            self.faults.append(error)

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # the other end was faster
                continue
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        if self.path.startswith(CONTROL):
            self._control(self.path.removeprefix(CONTROL))
        elif self.path == MAIL_SEND:
            self._mail_send()
        elif is_about_suppressions(self.path):
            self._suppressions()
        else:
            self._answer(404, {"errors": [{"message": "not found"}]})

    def do_GET(self) -> None:
        routes: dict[str, Callable[[], object]] = {
            "stats": self.server.records.stats,
            "accepted": lambda: [
                {"send_id": mail.send_id, "to": mail.to, "message_id": mail.message_id}
                for mail in self.server.records.mail
            ],
        }
        route = routes.get(self.path.removeprefix(CONTROL))
        if self.path.startswith(CONTROL) and route is not None:
            with self.server.lock:
                shown = route()
            self._answer(200, shown)
        elif is_about_suppressions(self.path):
            self._suppressions()
        elif self.path.partition("?")[0] == DOMAINS:
            self._answer(*((200, self.server.domains) if self._has_a_key() else _NO_KEY))
        elif self.path == MAIL_SEND:
            self._answer(405, {"errors": [{"message": "method not allowed"}]})
        else:
            self._answer(404, {"errors": [{"message": "not found"}]})

    def _mail_send(self) -> None:
        scripted = self.server.next_scripted()
        if scripted.drop == "while_reading":
            self.server.record(None, None, 0)
            self.close_connection = True
            return
        body = self._body()
        self.server.stopping.wait(self.server.latency_seconds + scripted.delay_seconds)
        payload: object = None
        status, answer = self._refusal(body)
        if status is None:
            payload = _parsed(body)
            errors = errors_in(payload, self.server.refused_addresses)
            status, answer = (400, {"errors": errors}) if errors else (202, None)
        if scripted.status is None and scripted.drop == "no":
            self._usual(status, answer, payload, len(body))
        else:
            self._as_scripted(scripted, status, payload, len(body))

    def _usual(self, status: int, answer: Json | None, payload: object, size: int) -> None:
        headers = {}
        if status == 202:
            headers["X-Message-Id"] = self.server.accept(cast(Json, payload))
        self.server.record(status, payload, size)
        self._answer(status, answer, headers)

    def _as_scripted(self, scripted: Scripted, status: int, payload: object, size: int) -> None:
        if scripted.accept and status == 202:
            self.server.accept(cast(Json, payload))
        self.server.record(scripted.status, payload, size)
        if scripted.status is None:
            self.close_connection = True
        else:
            self._write(scripted.status, scripted.body, dict(scripted.headers))

    def _suppressions(self) -> None:
        """Scripted answers count for these requests too; here they replace the usual one."""
        scripted = self.server.next_scripted()
        body = self._body()
        self.server.stopping.wait(self.server.latency_seconds + scripted.delay_seconds)
        if scripted.drop != "no":
            self.close_connection = True
        elif scripted.status is not None:
            self._write(scripted.status, scripted.body, dict(scripted.headers))
        else:
            self._answer(*self._about_suppressions(body))

    def _about_suppressions(self, body: bytes) -> tuple[int, object]:
        if not self._has_a_key():
            return _NO_KEY
        reading = self.command == "GET"
        refusal = (None, None) if reading else self._refusal(body)
        if refusal[0] is not None:
            return refusal
        lists = self.server.suppressions
        with self.server.lock:
            return lists.get(self.path) if reading else lists.post(self.path, body)

    def _has_a_key(self) -> bool:
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and key in self.server.keys

    def _refusal(self, body: bytes) -> tuple[int, Json] | tuple[None, None]:
        """What is decided before the content is looked at."""
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if not self._has_a_key():
            return _NO_KEY
        if kind != "application/json":
            return 415, {"errors": [{"message": "Content-Type should be application/json."}]}
        if len(body) > self.server.max_body_bytes:
            return 413, {"errors": [{"message": "request body too large"}]}
        return None, None

    def _control(self, route: str) -> None:
        asked = _parsed(self._body() or b"{}")
        server = self.server
        try:
            match route, asked:
                case "answer_next", {"kind": str(kind), **arguments}:
                    server.script.append(SCRIPTS[kind](**cast(Json, arguments)))
                case "refuse", {"email": str(email), "reason": str(reason)}:
                    server.refused_addresses[email.lower()] = reason
                case "latency", {"milliseconds": int() | float() as milliseconds}:
                    server.latency_seconds = milliseconds / 1000
                case "reset", _:
                    server.reset()
                case _:
                    raise LookupError(route)
        except (LookupError, TypeError) as error:
            self._answer(400, {"error": repr(error)})
        else:
            self._answer(200, {"ok": True})

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _answer(self, status: int, shown: object, headers: dict[str, str] | None = None) -> None:
        body = b"" if shown is None else json.dumps(shown).encode()
        self._write(status, body, {"Content-Type": "application/json", **(headers or {})})

    def _write(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Silent: a test's output is pytest's."""


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None
