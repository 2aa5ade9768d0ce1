"""The audit log's hash chain: one, whole, in everybody's way, and no forgery goes unnoticed."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from crm.database.errors import NotAllowedError
from crm.database.gateway import Identity
from crm.database.migrations import all_migrations
from crm.database.postgres import PostgresDatabase
from db_service import DbService
from tests import cast
from tests.cast import NOW
from tests.conftest import Raw
from tests.database.sending import one, refused, values
from tests.database.tampering import make_entries, tamper


@pytest.fixture(autouse=True)
def empty_log(raw: Raw) -> None:
    """Without the entries about the cast's own arrival."""
    tamper(raw, "truncate audit_log")


def test_the_chain_is_whole_and_numbered_without_a_gap(raw: Raw, bob: DbService) -> None:
    with raw.transaction(force_rollback=True):
        make_entries(raw)
    make_entries(raw)
    numbers = values(raw, "select number from audit_log order by number")
    assert numbers == list(range(1, 7)), "what was rolled back leaves no gap"
    state = bob.audit.verify()
    assert (state.entries, state.problem, state.broken_at) == (6, "", None)
    assert state.head == values(raw, "select hash from audit_log where number = 6")[0]


def test_nobody_supplies_number_time_person_or_hash(raw: Raw, bob: DbService) -> None:
    raw.execute(
        "insert into audit_log (number, recorded_at, actor_kind, actor_id, actor_name, hash,"
        " previous_hash, relation, row_key, operation) values"
        " (77, '2001-01-01', 'person', %s, 'Alice Sales', 'x', 'x', 'contacts', '', 'EXPORT')",
        (cast.ALICE_ID,),
    )
    entry = bob.audit.page()[0]
    assert (entry.number, entry.actor_kind, entry.actor_id) == (1, "operator", None)
    assert entry.recorded_at.year > 2001
    assert bob.audit.verify().is_whole


def test_a_caller_cannot_date_an_entry_back(alice: DbService, bob: DbService, raw: Raw) -> None:
    alice.audit.record_export("contacts", 1, "x", now=NOW.replace(year=1999))
    distance = values(raw, "select extract(epoch from now() - recorded_at) < 60 from audit_log")
    assert distance == [True]


def test_writers_at_once_make_one_chain(address: str, bob: DbService) -> None:
    def write(n: int) -> None:
        with psycopg.connect(address, autocommit=True) as connection:
            for round_ in range(10):
                connection.execute(
                    "update contact_types set label = %s where key = %s",
                    (f"{n} {round_}", ["lead", "client", "prospect", "networking"][n]),
                )

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    state = bob.audit.verify()
    assert (state.entries, state.problem) == (40, "")


def test_the_hash_does_not_depend_on_the_sessions_settings(raw: Raw, bob: DbService) -> None:
    make_entries(raw)
    raw.execute("set time zone 'Asia/Kolkata'")
    raw.execute("set datestyle = 'SQL, DMY'")
    raw.execute("set extra_float_digits = 0")
    raw.execute("set bytea_output = 'escape'")
    assert one(raw, "select problem from verify_audit('')")["problem"] == ""
    make_entries(raw)
    assert bob.audit.verify().is_whole


COPY = (
    "insert into audit_log (number, recorded_at, actor_kind, actor_name, relation, row_key,"
    " operation, previous_hash, hash) select {number}, now(), 'operator', 'nobody', 'contacts', '',"
    " 'ERASE', {previous}, {hash} from audit_log where number = {like}"
)
REHASH = "update audit_log a set hash = private.audit_hash(a) where number = {}"
FORGERIES = {
    "a changed value": (["update audit_log set after = null where number = 3"], "changed", 3),
    "another person": (["update audit_log set actor_name = 'Eve' where number = 3"], "changed", 3),
    "another time": (["update audit_log set recorded_at = now() where number = 1"], "changed", 1),
    "another hash": (["update audit_log set hash = 'x' where number = 6"], "changed", 6),
    "a change with its hash mended": (
        ["update audit_log set after = null where number = 3", REHASH.format(3)],
        "changed",
        3,
    ),
    "one taken out of the middle": (["delete from audit_log where number = 4"], "missing", 4),
    "the first taken out": (["delete from audit_log where number = 1"], "missing", 1),
    "one taken out and the gap closed": (
        [
            "delete from audit_log where number = 4",
            "update audit_log set number = number - 1 where number > 4",
        ],
        "added",
        4,
    ),
    "one put in at the end": (
        [COPY.format(number=7, previous="'x'", hash="'y'", like=6)],
        "added",
        7,
    ),
    "one put in at the end with the right past": (
        [COPY.format(number=7, previous="hash", hash="'y'", like=6)],
        "changed",
        7,
    ),
    "one put in at the end after a gap": (
        [COPY.format(number=9, previous="hash", hash="'y'", like=6)],
        "missing",
        7,
    ),
    "two swapped": (
        [
            "update audit_log set number = 99 where number = 3",
            "update audit_log set number = 3 where number = 4",
            "update audit_log set number = 4 where number = 99",
        ],
        "added",
        3,
    ),
    "one written twice": (
        [
            "alter table audit_log drop constraint audit_log_pkey",
            "insert into audit_log select * from audit_log where number = 5",
        ],
        "added",
        5,
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_by_the_databases_owner_is_found(raw: Raw, bob: DbService, forgery: str) -> None:
    make_entries(raw)
    statements, problem, number = FORGERIES[forgery]
    tamper(raw, *statements)
    state = bob.audit.verify()
    assert (state.problem, state.broken_at) == (problem, number)


def test_a_tail_that_was_cut_off_shows_only_beside_a_head_noted_earlier(
    raw: Raw, bob: DbService
) -> None:
    make_entries(raw, 3)
    early = bob.audit.verify().head
    make_entries(raw, 3)
    noted = bob.audit.verify().head
    assert bob.audit.verify(expected=early).is_whole, "the log has grown since, and holds it"
    tamper(raw, "delete from audit_log where number > 4")
    assert bob.audit.verify().is_whole
    assert bob.audit.verify(expected=noted).problem == "cut_off"
    assert bob.audit.verify(expected=early).is_whole
    # What is written next does not heal it.
    make_entries(raw)
    assert bob.audit.verify(expected=noted).problem == "cut_off"


def test_a_log_written_anew_from_the_start_shows_beside_a_head(raw: Raw, bob: DbService) -> None:
    make_entries(raw)
    noted = bob.audit.verify().head
    tamper(raw, "truncate audit_log")
    assert (bob.audit.verify().entries, bob.audit.verify().head) == (0, "")
    assert bob.audit.verify(expected=noted).problem == "cut_off"


def test_only_admins_and_the_service_read_and_check_it(
    raw: Raw, alice: DbService, charlie: DbService, service: DbService
) -> None:
    make_entries(raw)
    for desk in (alice, charlie):
        assert desk.audit.page() == []
        assert desk.audit.actors() == []
        with pytest.raises(NotAllowedError):
            desk.audit.verify()
    assert len(service.audit.page()) == service.audit.verify().entries == 6


@pytest.mark.parametrize("role", ["", "service_role", "authenticated", "replica"])
def test_no_role_changes_an_entry_the_owner_and_a_replica_included(raw: Raw, role: str) -> None:
    make_entries(raw, 2)
    if role == "replica":
        raw.execute("set session_replication_role = replica")
    elif role:
        raw.execute(f"set role {role}".encode())
    state = "42501" if role in {"service_role", "authenticated"} else "MP002"
    for attack in (
        "update audit_log set after = null",
        "delete from audit_log",
        "truncate audit_log",
    ):
        refused(raw, state, attack)
    raw.execute("reset role")
    assert values(raw, "select count(*) from audit_log") == [2]


@pytest.mark.parametrize("identity", [cast.ALICE, cast.BOB, Identity("service_role")])
def test_nobody_writes_an_entry_by_hand(database: PostgresDatabase, identity: Identity) -> None:
    row = {"relation": "contacts", "row_key": "", "operation": "EXPORT"}
    with pytest.raises(NotAllowedError):
        database.gateway(identity).insert("audit_log", [row])


def test_what_was_written_before_there_was_a_chain_is_chained(empty_address: str) -> None:
    """With a gap, a person known and one who is gone, and the value of a secret, which leaves."""
    migrations = {migration.name: migration.statements for migration in all_migrations()}
    names = list(migrations)
    with psycopg.connect(empty_address, autocommit=True) as connection:
        for name in names[: names.index("audit")]:
            connection.execute(migrations[name].encode())
        connection.execute(
            "insert into profiles (id, email, full_name) values (%s, 'bob@mpt.example', 'Bob')",
            (cast.BOB_ID,),
        )
        connection.cursor().executemany(
            "insert into audit_log (actor_id, relation, row_key, operation, after)"
            " values (%s, %s, 'x', 'UPDATE', %s)",
            [
                (None, "drip_campaigns", '{"a": 1}'),
                (cast.BOB_ID, "app_settings", '{"value": "the-key", "is_secret": true}'),
                (cast.CAROL_ID, "app_settings", '{"value": 5, "is_secret": false}'),
            ],
        )
        with connection.transaction(force_rollback=True):
            connection.execute(
                "insert into audit_log (relation, row_key, operation) values ('x', 'x', 'DELETE')"
            )
        connection.execute(
            "insert into audit_log (relation, row_key, operation) values ('x', 'x', 'DELETE')"
        )
        connection.execute(migrations["audit"].encode())
        entries = connection.execute(
            "select number, actor_kind, actor_name, after ->> 'value' from audit_log order by 1"
        ).fetchall()
        assert entries == [
            (1, "unknown", "", None),
            (2, "unknown", "", None),
            (3, "person", "Bob", None),
            (4, "person", "", "5"),
            (5, "unknown", "", None),
        ]
        checked = connection.execute("select entries, problem from verify_audit('')").fetchone()
        assert checked == (5, "")
