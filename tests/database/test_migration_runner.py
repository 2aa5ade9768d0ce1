"""The migration runner: forward only, each in its own transaction, recorded where Supabase does."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from crm.database.errors import DatabaseUnreachableError
from crm.database.migrations import MigrationError, all_migrations, applied_versions, migrate

FIRST = "20260101000000_first.sql"
SECOND = "20260102000000_second.sql"
THIRD = "20260103000000_third.sql"


def _folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / f"{name}.sql").write_text(text)
    return path


def _tables(address: str) -> set[str]:
    with psycopg.connect(address) as connection:
        rows = connection.execute("select tablename from pg_tables where schemaname = 'public'")
        return {row[0] for row in rows.fetchall()}


def test_all_migrations_apply_to_an_empty_database_and_once(empty_address: str) -> None:
    assert applied_versions(empty_address) == set()
    applied = migrate(empty_address)
    assert applied == all_migrations()
    assert "campaign_enrollments" in _tables(empty_address)
    assert migrate(empty_address) == []
    assert applied_versions(empty_address) == {m.version for m in applied}


def test_they_are_recorded_where_the_supabase_cli_records_them(
    empty_address: str, tmp_path: Path
) -> None:
    text = "create table a (); create table b ();"
    migrate(empty_address, _folder(tmp_path, **{FIRST[:-4]: text}))
    with psycopg.connect(empty_address) as connection:
        rows = connection.execute(
            "select version, name, statements from supabase_migrations.schema_migrations"
        ).fetchall()
    assert rows == [("20260101000000", "first", [text])]


def test_a_failing_migration_is_rolled_back_and_named(empty_address: str, tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        **{
            FIRST[:-4]: "create table kept ();",
            SECOND[:-4]: "create table lost ();\nselect nonsense;",
            THIRD[:-4]: "create table never ();",
        },
    )
    with pytest.raises(MigrationError, match=r"20260102000000_second failed .* \(line 2\)"):
        migrate(empty_address, folder)
    assert _tables(empty_address) == {"kept"}
    assert applied_versions(empty_address) == {"20260101000000"}
    (folder / SECOND).write_text("create table mended ();")
    assert [m.name for m in migrate(empty_address, folder)] == ["second", "third"]


def test_two_runners_at_once_apply_each_migration_once(empty_address: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(migrate, [empty_address, empty_address]))
    assert sorted(len(applied) for applied in results) == [0, len(all_migrations())]


def test_an_unreachable_database_is_one_clear_error() -> None:
    with pytest.raises(DatabaseUnreachableError, match="cannot be reached"):
        migrate("postgresql://nobody@127.0.0.1:1/nothing")


def test_files_of_another_shape_are_not_migrations(tmp_path: Path) -> None:
    folder = _folder(tmp_path, schema="nonsense", **{FIRST[:-4]: "", "1_short": ""})
    assert [m.title for m in all_migrations(folder)] == ["20260101000000_first"]


def test_our_migrations_are_in_order_and_keep_the_name_operators_look_for() -> None:
    versions = [m.version for m in all_migrations()]
    assert versions == sorted(set(versions))
    assert any(m.title.endswith("_drip_migration") for m in all_migrations())
