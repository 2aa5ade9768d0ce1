"""What goes wrong between us and a Supabase project, and what pages and logs are told of it."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from crm.database import supabase_transport
from crm.database.errors import (
    AnswerCutError,
    DatabaseBusyError,
    DatabaseError,
    DatabaseUnreachableError,
    InvalidValueError,
)
from crm.database.gateway import SERVICE, Filter, Gateway, among, signed_in
from crm.database.supabase import SupabaseDatabase
from crm.database.supabase_errors import refusal
from tests import cast
from tests.conftest import AContact, Raw
from tests.contract.gateway.conftest import database_of
from tests.standins.supabase_lite import PUBLISHABLE_KEY, SECRET_KEY, SupabaseStandIn

Answer = tuple[int, str, bytes]  # status, content type, body
NO_ROWS: Answer = (200, "application/json", b"[]")


class _Project(ThreadingHTTPServer):
    """Gives the answers it was told to, one a request; None ends the connection instead."""

    daemon_threads = True

    def __init__(self, answers: list[Answer | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = iter(answers)
        self.requests: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Project

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(f"{self.command} {self.path}")
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

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _answering(*answers: Answer | None) -> Iterator[tuple[Gateway, _Project]]:
    project = _Project(list(answers))
    thread = threading.Thread(target=project.serve_forever, args=(0.01,))
    thread.start()
    database = SupabaseDatabase(
        f"http://127.0.0.1:{project.server_port}", PUBLISHABLE_KEY, SECRET_KEY
    )
    try:
        yield database.gateway(SERVICE), project
    finally:
        database.close()
        project.shutdown()
        thread.join()
        project.server_close()


def _insert(gateway: Gateway) -> object:
    return gateway.insert("contacts", [{"first_name": "x"}])


def _call(gateway: Gateway) -> object:
    return gateway.call("take_run_request", p_now=cast.NOW)


def _select(gateway: Gateway) -> object:
    return gateway.select("contacts")


def _count(gateway: Gateway) -> object:
    return gateway.count("contacts")


ASKS = [_select, _insert, _call, _count]


@pytest.mark.parametrize("ask", ASKS)
def test_no_project_is_one_calm_error(ask: Callable[[Gateway], object]) -> None:
    database = SupabaseDatabase("http://127.0.0.1:1", PUBLISHABLE_KEY, SECRET_KEY)
    try:
        with pytest.raises(DatabaseUnreachableError, match="cannot be reached") as failure:
            ask(database.gateway(SERVICE))
        assert not failure.value.permanent
        assert failure.value.__cause__ is None, "the request, and so the key, is not passed on"
    finally:
        database.close()


@pytest.mark.parametrize(
    "answer",
    [
        (503, "text/html", b"<h1>Service Unavailable</h1>"),
        (502, "text/html", b""),
        (429, "application/json", b'{"message": "slow down"}'),
        (503, "application/json", b'{"code": "PGRST002", "message": "no schema cache"}'),
        (504, "application/json", b'{"code": "PGRST003", "message": "no connection in time"}'),
        (500, "application/json", b'{"code": "57P01", "message": "terminating connection"}'),
        (500, "application/json", b'{"code": "57014", "message": "statement timeout"}'),
        (500, "application/json", b'{"code": "53300", "message": "too many connections"}'),
    ],
)
def test_a_project_in_trouble_may_recover(answer: Answer) -> None:
    with _answering(*[answer] * len(ASKS)) as (gateway, _):
        for ask in ASKS:
            with pytest.raises(DatabaseUnreachableError, match="cannot be reached"):
                ask(gateway)


def test_a_page_of_html_is_no_rows() -> None:
    page = (200, "text/html", b"<h1>Sign in to the hotel's network</h1>")
    with _answering(page) as (gateway, _), pytest.raises(DatabaseUnreachableError):
        gateway.select("contacts")


def test_reading_goes_on_over_a_new_connection() -> None:
    with _answering(None, NO_ROWS) as (gateway, project):
        assert gateway.select("contacts") == []
        assert len(project.requests) == 2


def test_a_function_that_only_reads_is_asked_again() -> None:
    with _answering(None, NO_ROWS) as (gateway, project):
        assert gateway.call("due_by_step", p_now=cast.NOW) == []
        assert len(project.requests) == 2


@pytest.mark.parametrize("ask", [_insert, _call])
def test_what_may_have_been_done_is_not_done_again(ask: Callable[[Gateway], object]) -> None:
    with _answering(None, NO_ROWS) as (gateway, project):
        with pytest.raises(DatabaseUnreachableError):
            ask(gateway)
        assert len(project.requests) == 1


def test_a_slow_answer_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.database.supabase_transport.TIMEOUTS", httpx.Timeout(0.1))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        database = SupabaseDatabase(url, PUBLISHABLE_KEY, SECRET_KEY)
        try:
            with pytest.raises(DatabaseUnreachableError):
                database.gateway(SERVICE).count("contacts")
        finally:
            database.close()


def test_a_deadlock_is_tried_five_times() -> None:
    deadlock = (500, "application/json", b'{"code": "40P01", "message": "deadlock detected"}')
    with _answering(*[deadlock] * 5) as (gateway, project):
        with pytest.raises(DatabaseBusyError):
            _insert(gateway)
        assert len(project.requests) == 5


def test_nothing_of_a_row_or_a_token_is_told() -> None:
    row = b'{"code": "23514", "details": "Failing row contains (secret).", "hint": "secret",'
    for message in (b'new row violates check constraint \\"x\\"', b"violates not-null constraint"):
        body = row + b' "message": "' + message + b'"}'
        assert "secret" not in str(refusal(400, body))
    quoted = b'{"code": "22P02", "message": "invalid input syntax for type uuid: \\"secret\\""}'
    assert "secret" not in str(refusal(400, quoted))
    assert "secret" not in repr(signed_in(cast.BOB_ID, access_token="secret"))


def test_neither_addresses_nor_tokens_are_logged(
    project: SupabaseDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        gateway = project.gateway(SERVICE)
        gateway.select("contacts", where={"email": among(["ada@customer.example"])})
        with pytest.raises(InvalidValueError):
            gateway.select("contacts", where={"id": "ada@customer.example"})
    assert "ada" not in caplog.text
    assert "sb_secret" not in caplog.text


def test_a_project_that_lost_its_database_recovers(
    project: SupabaseDatabase,
    raw: Raw,
    a_contact: AContact,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # At times the project's own pool never answers what was under way when its connection ended.
    monkeypatch.setattr(supabase_transport, "TIMEOUTS", httpx.Timeout(3.0))
    a_contact()
    gateway = project.gateway(SERVICE)
    assert gateway.count("contacts") == 1
    raw.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    for _ in range(6):  # each connection of the project's own pool may have to find out
        with suppress(DatabaseUnreachableError):
            gateway.count("contacts")
    assert gateway.count("contacts") == 1


class TestMaxRows:
    """The cap of a project may have been set to anything."""

    @pytest.fixture
    def gateway(self, supabase: SupabaseStandIn, address: str, raw: Raw) -> Iterator[Gateway]:
        raw.execute(
            "insert into contacts (first_name, email)"
            " select i::text, 'c' || i || '@x.example' from generate_series(1, 23) i"
        )
        url = supabase.url(database_of(address), max_rows=7)
        database = SupabaseDatabase(url, PUBLISHABLE_KEY, SECRET_KEY)
        yield database.gateway(SERVICE)
        database.close()
        supabase.forget(url)

    def test_a_low_cap_is_invisible_to_selects(self, gateway: Gateway) -> None:
        for limit, expected in ((None, 23), (20, 20), (7, 7), (6, 6), (50, 23)):
            rows = gateway.select("contacts", order=["id"], limit=limit)
            assert len({row["id"] for row in rows}) == len(rows) == expected
        assert gateway.count("contacts") == 23
        assert len(gateway.select("contacts", where={"first_name": Filter("<", "2")})) == 11

    def test_an_answer_that_was_cut_is_never_taken_for_whole(self, gateway: Gateway) -> None:
        search = {"p_search": "{}", "p_order": "newest", "p_before": None}
        assert len(gateway.call("find_contacts", **search, p_limit=7)) == 7
        with pytest.raises(AnswerCutError, match="Only 7 of 23 rows of find_contacts"):
            gateway.call("find_contacts", **search, p_limit=50)


def test_pages_cost_one_request_once_a_larger_one_was_seen(
    project: SupabaseDatabase, a_contact: AContact
) -> None:
    for _ in range(3):
        a_contact()
    gateway = project.gateway(SERVICE)
    gateway.select("app_settings")
    before = project.connections.request_count
    gateway.select("contacts")
    gateway.select("contacts", limit=2)
    gateway.select("contacts", limit=50)
    assert project.connections.request_count - before == 3


@pytest.mark.parametrize("text", ["\ud800", "x\x00y"])
def test_text_that_no_database_holds_is_refused(project: SupabaseDatabase, text: str) -> None:
    gateway = project.gateway(SERVICE)
    with pytest.raises(InvalidValueError, match="cannot hold"):
        gateway.insert("contacts", [{"first_name": text}])
    with pytest.raises(InvalidValueError, match="cannot hold"):
        gateway.select("contacts", where={"first_name": text})
    with pytest.raises(InvalidValueError, match="cannot hold"):
        gateway.select("contacts", where={"first_name": among([text])})


def test_what_rest_cannot_carry_is_refused(project: SupabaseDatabase) -> None:
    gateway = project.gateway(SERVICE)
    with pytest.raises(InvalidValueError, match="JSON null"):
        gateway.insert("app_settings", [{"key": "x", "value": "null"}])
    with pytest.raises(InvalidValueError, match="not valid JSON"):
        gateway.insert("app_settings", [{"key": "x", "value": "{"}])
    many = [f"{n}@x.example" for n in range(101)]
    with pytest.raises(ValueError, match="cannot be ordered by city"):
        gateway.select("contacts", where={"email": among(many)}, order=["city"])
    with pytest.raises(ValueError, match="Only one list"):
        gateway.select("contacts", where={"email": among(many), "city": among(many)})


def test_an_unknown_refusal_keeps_its_code() -> None:
    told = refusal(400, b'{"code": "42703", "message": "column x does not exist"}')
    assert type(told) is DatabaseError
    assert "SQLSTATE 42703" in str(told)
