"""The migration runner: applies migrations/<14 digits>_<name>.sql in order, forward only.

What was applied is recorded where the Supabase CLI does (supabase_migrations.schema_migrations), so
that `supabase db push` and scripts/migrate.py agree about the same database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg

from crm.database.errors import DatabaseError, translate

MIGRATIONS_FOLDER = Path(__file__).resolve().parent.parent.parent / "migrations"
_FILE_NAME = re.compile(r"(\d{14})_(\w+)\.sql")
# Any two runners meet on this advisory lock; the number has no other meaning.
_LOCK_KEY = 7_302_026


class MigrationError(DatabaseError):
    """A migration failed and was rolled back; the message names it."""


@dataclass(frozen=True, slots=True)
class Migration:
    version: str
    name: str
    statements: str

    @property
    def title(self) -> str:
        return f"{self.version}_{self.name}"


def all_migrations(folder: Path = MIGRATIONS_FOLDER) -> list[Migration]:
    """Every migration of the folder, oldest first."""
    found = [(_FILE_NAME.fullmatch(path.name), path) for path in sorted(folder.glob("*.sql"))]
    return [Migration(match[1], match[2], path.read_text()) for match, path in found if match]


def applied_versions(address: str) -> set[str]:
    """Versions recorded in the database; empty where none ever ran."""
    try:
        with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
            return _applied(connection)
    except psycopg.Error as error:
        raise translate(error) from error


def migrate(address: str, folder: Path = MIGRATIONS_FOLDER) -> list[Migration]:
    """Apply what is pending, each migration in its own transaction, under an advisory lock.

    Returns the migrations applied now.

    Raises:
        MigrationError: naming the migration that failed; earlier ones stay applied.
        DatabaseUnreachableError: if there is no connection.
    """
    try:
        with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
            connection.execute("select pg_advisory_lock(%s)", (_LOCK_KEY,))
            try:
                _ensure_record(connection)
                done = _applied(connection)
                pending = [m for m in all_migrations(folder) if m.version not in done]
                for migration in pending:
                    _apply(connection, migration)
                return pending
            finally:
                connection.execute("select pg_advisory_unlock(%s)", (_LOCK_KEY,))
    except psycopg.Error as error:
        raise translate(error) from error


def _ensure_record(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    # "if not exists" answers with a notice each time; asking first keeps the log quiet.
    if connection.execute(
        "select to_regclass('supabase_migrations.schema_migrations')"
    ).fetchone() == (None,):
        connection.execute("create schema if not exists supabase_migrations")
        connection.execute(
            "create table supabase_migrations.schema_migrations"
            " (version text primary key, statements text[], name text)"
        )


def _applied(connection: psycopg.Connection[tuple[object, ...]]) -> set[str]:
    if connection.execute(
        "select to_regclass('supabase_migrations.schema_migrations')"
    ).fetchone() == (None,):
        return set()
    rows = connection.execute(
        "select version from supabase_migrations.schema_migrations"
    ).fetchall()
    return {str(row[0]) for row in rows}


def _apply(connection: psycopg.Connection[tuple[object, ...]], migration: Migration) -> None:
    try:
        with connection.transaction():
            # Sent without parameters, so that one call may carry many statements.
            connection.execute(migration.statements.encode())
            connection.execute(
                "insert into supabase_migrations.schema_migrations (version, name, statements)"
                " values (%s, %s, %s)",
                (migration.version, migration.name, [migration.statements]),
            )
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise MigrationError(
            f"Migration {migration.title} failed and was rolled back: {error.diag.message_primary}"
            f" (line {_line_of(migration.statements, error.diag.statement_position)})"
        ) from error


def _line_of(statements: str, position: str | None) -> str:
    return str(statements[: int(position)].count("\n") + 1) if position else "unknown"
