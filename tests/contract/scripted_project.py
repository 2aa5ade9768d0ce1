"""A server in a Supabase project's place that gives the answers it was told to, one a request."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, str, bytes]  # status, content type, body


class _Project(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answers: tuple[Answer | None, ...]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = iter(answers)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Project

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = next(self.server.answers)
        if answer is None:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        status, kind, body = answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def scripted_project(*answers: Answer | None) -> Iterator[str]:
    """Its address; an answer of None ends the connection instead."""
    project = _Project(answers)
    thread = threading.Thread(target=project.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{project.server_port}"
    finally:
        project.shutdown()
        thread.join()
        project.server_close()
