"""The Postgres adapter: one transaction a call under the caller's role; errors in our own words."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from psycopg import sql

from crm.database.errors import (
    ConflictError,
    DatabaseError,
    DatabaseUnreachableError,
    InvalidValueError,
    NotAllowedError,
    translate,
)
from crm.database.gateway import IS_NOT_NULL, IS_NULL, SERVICE, Filter, among, matching
from crm.database.postgres import PostgresDatabase
from tests import cast
from tests.conftest import AContact, Raw


@pytest.fixture
def three(a_contact: AContact) -> list[str]:
    return [
        a_contact(first_name="Ada", tags=["vip", "uk"], city="Bath"),
        a_contact(first_name="100%_sure", email=None),
        a_contact(first_name='Quote " and \\ and {braces}', tags=["NULL", "a,b", 'x"y']),
    ]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({}, {0, 1, 2}),
        ({"city": "Bath"}, {0}),
        ({"email": None}, {1}),
        ({"email": IS_NULL}, {1}),
        ({"email": IS_NOT_NULL}, {0, 2}),
        ({"first_name": among(["Ada", 'Quote " and \\ and {braces}'])}, {0, 2}),
        ({"first_name": matching("100%_")}, {1}),
        ({"first_name": matching("ADA")}, {0}),
        ({"first_name": matching("%")}, {1}),
        ({"tags": Filter("contains", ["vip"])}, {0}),
        ({"tags": Filter("contains", ["NULL"])}, {2}),
        ({"tags": Filter("contains", ["a,b", 'x"y'])}, {2}),
        ({"first_name": Filter("<>", "Ada"), "city": ""}, {1, 2}),
        ({"created_at": Filter("<=", cast.NOW)}, {0, 1, 2}),
        ({"created_at": Filter(">", cast.NOW)}, set()),
        ({"id": among([])}, set()),
    ],
)
def test_filters_find_exactly_their_rows(
    database: PostgresDatabase, three: list[str], where: dict[str, object], found: set[int]
) -> None:
    gateway = database.gateway(SERVICE)
    rows = gateway.select("contacts", columns=["id"], where=where)
    assert {row["id"] for row in rows} == {three[i] for i in found}
    assert gateway.count("contacts", where=where) == len(found)


def test_rows_come_in_the_asked_order_and_number(
    database: PostgresDatabase, three: list[str]
) -> None:
    gateway = database.gateway(SERVICE)
    names = ["100%_sure", "Ada", 'Quote " and \\ and {braces}']
    everybody = gateway.select("contacts", columns=["first_name"], order=["first_name"])
    assert [r["first_name"] for r in everybody] == names
    page = gateway.select(
        "contacts", columns=["first_name"], order=["first_name"], limit=1, offset=1
    )
    assert [r["first_name"] for r in page] == names[1:2]
    last = gateway.select("contacts", columns=["email"], order=["email desc nulls last"])
    assert last[-1]["email"] is None, "rows without a value come last where asked"


def test_identifiers_are_text_and_times_are_aware_utc(
    database: PostgresDatabase, three: list[str], raw: Raw
) -> None:
    raw.execute("alter role postgres set timezone = 'Asia/Tokyo'")
    try:
        row = database.gateway(SERVICE).select("contacts", where={"id": three[0]})[0]
    finally:
        raw.execute("alter role postgres reset timezone")
    assert row["id"] == three[0]
    assert row["created_at"] == cast.NOW
    assert row["created_at"].tzinfo is UTC


def test_a_time_in_another_zone_is_the_same_moment(
    database: PostgresDatabase, three: list[str], raw: Raw
) -> None:
    tokyo = cast.NOW.astimezone(timezone(timedelta(hours=9)))
    database.gateway(cast.BOB).update("contacts", {"archived_at": tokyo}, where={"id": three[0]})
    stored = database.gateway(SERVICE).select("contacts", where={"id": three[0]})[0]
    assert stored["archived_at"] == cast.NOW


def test_a_naive_time_in_a_list_is_refused(database: PostgresDatabase) -> None:
    with pytest.raises(ValueError, match="time zone"):
        database.gateway(SERVICE).select(
            "contacts",
            where={"created_at": among([datetime(2026, 1, 1)])},  # noqa: DTZ001 - the fault itself
        )


def test_several_rows_are_added_by_one_statement(database: PostgresDatabase) -> None:
    rows = [{"first_name": name, "tags": ["x"]} for name in ("A", "B")]
    added = database.gateway(cast.ALICE).insert("contacts", rows, returning=["first_name", "tags"])
    assert added == rows
    assert database.gateway(cast.ALICE).insert("contacts", []) == []


def test_the_role_lasts_for_its_own_call_only(database: PostgresDatabase, three: list[str]) -> None:
    for _ in range(3):
        assert database.gateway(cast.ALICE).count("contacts") == 3
        assert database.gateway(cast.CHARLIE).count("contacts") == 0
        with pytest.raises(NotAllowedError):
            database.gateway(cast.ANON).count("contacts")


@pytest.mark.parametrize(
    ("row", "error", "words"),
    [
        ({"email": "taken@customer.example"}, ConflictError, "has this e-mail address already"),
        ({"email": None}, InvalidValueError, "needs a name or an e-mail address"),
        ({"first_name": "x", "time_zone": "Mars/Olympus"}, InvalidValueError, "IANA name"),
        ({"first_name": "x", "country": "Germany"}, InvalidValueError, "two-letter code"),
        ({"first_name": "x", "contact_type": "gone"}, InvalidValueError, "no such type"),
        ({"nonsense": 1}, DatabaseError, "SQLSTATE 42703"),
    ],
)
def test_a_refused_value_is_told_in_words_without_the_value(
    database: PostgresDatabase,
    a_contact: AContact,
    row: dict[str, object],
    error: type[DatabaseError],
    words: str,
) -> None:
    a_contact(email="taken@customer.example")
    with pytest.raises(error, match=words) as refusal:
        database.gateway(cast.ALICE).insert("contacts", [row])
    assert refusal.value.permanent
    assert "taken@customer.example" not in str(refusal.value)


def test_a_failed_call_leaves_the_next_one_whole(
    database: PostgresDatabase, a_contact: AContact
) -> None:
    with pytest.raises(InvalidValueError):
        database.gateway(SERVICE).select("contacts", where={"id": "not-a-uuid"})
    assert database.gateway(SERVICE).count("contacts") == 0


def test_a_missing_function_names_itself_and_the_fix(database: PostgresDatabase) -> None:
    with pytest.raises(
        DatabaseError, match=r"no function fly_to_the_moon; run scripts/migrate\.py"
    ):
        database.gateway(SERVICE).call("fly_to_the_moon")


def test_a_lost_connection_is_replaced(
    database: PostgresDatabase, raw: Raw, a_contact: AContact
) -> None:
    a_contact()
    assert database.gateway(SERVICE).count("contacts") == 1
    raw.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    assert database.gateway(SERVICE).count("contacts") == 1


@pytest.mark.parametrize("ask", ["count", "call"])
def test_an_unreachable_server_is_one_error_that_may_pass(
    ask: str,
) -> None:
    database = PostgresDatabase("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")
    began = time.monotonic()
    try:
        with pytest.raises(DatabaseUnreachableError, match="cannot be reached") as failure:
            getattr(database.gateway(SERVICE), ask)("take_run_request")
        assert not failure.value.permanent
        assert time.monotonic() - began < 5, "as long as the address says, not the usual ten"
    finally:
        database.close()


def test_a_statement_undone_by_a_deadlock_runs_again(
    database: PostgresDatabase, raw: Raw, a_contact: AContact
) -> None:
    both = [a_contact(last_name="First"), a_contact(last_name="Second")]
    # The other side is more patient, so it is the gateway's statement that is undone.
    raw.execute("set deadlock_timeout = '20s'")
    lock = "select from contacts where id = %s for update"
    with ThreadPoolExecutor(1) as pool:
        with raw.transaction():
            raw.execute(lock, (both[1],))
            change = pool.submit(
                database.gateway(cast.BOB).update,
                "contacts",
                {"city": "Bath"},
                where={"id": among(both)},
            )
            while not raw.execute("select from pg_locks where not granted").fetchall():
                assert not change.done()
            raw.execute(lock, (both[0],))
        change.result(timeout=30)
    assert database.gateway(SERVICE).count("contacts", where={"city": "Bath"}) == 2


def test_a_transaction_that_stands_still_is_given_up_by_the_server(
    database: PostgresDatabase, raw: Raw
) -> None:
    asked = sql.SQL("select current_setting('idle_in_transaction_session_timeout') as seconds")
    assert database.run(SERVICE, sql.Composed([asked]), []) == [{"seconds": "1min"}]
    raw.execute("set idle_in_transaction_session_timeout = '20ms'")

    def stand_still() -> None:
        with raw.transaction():
            raw.execute("select 1")
            time.sleep(0.3)
            raw.execute("select 1")

    with pytest.raises(psycopg.Error) as frozen:
        stand_still()
    assert isinstance(translate(frozen.value), DatabaseUnreachableError)
