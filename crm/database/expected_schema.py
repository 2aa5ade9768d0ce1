"""What the migrations make, by name, and what a database has, in the same words.

The expectation is read from migrations/schema.sql, which scripts/dump_schema.py generates and a
test holds equal to the replay of all migrations. Names are compared and never definitions: those
are worded differently from one Postgres version to the next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg

from crm.database.migrations import MIGRATIONS_FOLDER

SCHEMA_FILE = MIGRATIONS_FOLDER / "schema.sql"
# Kind (as people read it) → the names of that kind, such as "contacts.email" or "private.clock".
Names = Mapping[str, frozenset[str]]

_PATTERNS = {
    "table": r"CREATE TABLE public\.(\w+)",
    "view": r"CREATE VIEW public\.(\w+)",
    "index": r"CREATE (?:UNIQUE )?INDEX (\w+) ON public\.",
    "constraint": r"ALTER TABLE ONLY public\.(\w+)\n\s+ADD CONSTRAINT (\w+)",
    "function": r"CREATE FUNCTION ((?:public|private)\.\w+)\(",
    "trigger": r"CREATE TRIGGER (\w+) .* ON public\.(\w+)",
    "row-level security": r"ALTER TABLE public\.(\w+) ENABLE ROW LEVEL SECURITY",
    "forced row-level security": r"ALTER TABLE ONLY public\.(\w+) FORCE ROW LEVEL SECURITY",
    "policy": r"CREATE POLICY (\w+) ON public\.(\w+)",
}
_TABLE = re.compile(r"^CREATE TABLE public\.(\w+) \(\n(.*?)^\)", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"^    (?!CONSTRAINT)(\w+) ", re.MULTILINE)
_CHECK = re.compile(r"^    CONSTRAINT (\w+) CHECK", re.MULTILINE)
# Named first in the dump, but after their table in our words.
_TABLE_COMES_SECOND = {"trigger", "policy"}

_CATALOG = {
    "table": "select relname from pg_class"
    " where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace",
    "view": "select relname from pg_class"
    " where relkind = 'v' and relnamespace = 'public'::regnamespace",
    "index": "select indexname from pg_indexes where schemaname = 'public'",
    "constraint": "select conrelid::regclass || '.' || conname from pg_constraint"
    " where connamespace = 'public'::regnamespace and conrelid <> 0",
    "function": "select pronamespace::regnamespace || '.' || proname from pg_proc"
    " where pronamespace::regnamespace::text in ('public', 'private')",
    "trigger": "select tgrelid::regclass || '.' || tgname from pg_trigger"
    " where not tgisinternal and tgenabled in ('O', 'A')",
    "row-level security": "select relname from pg_class"
    " where relrowsecurity and relnamespace = 'public'::regnamespace",
    "forced row-level security": "select relname from pg_class"
    " where relforcerowsecurity and relnamespace = 'public'::regnamespace",
    "policy": "select tablename || '.' || policyname from pg_policies where schemaname = 'public'",
    "column": "select table_name || '.' || column_name from information_schema.columns"
    " where table_schema = 'public'",
}


def expected_names() -> Names:
    """What migrations/schema.sql declares."""
    text = SCHEMA_FILE.read_text()
    found = {kind: _names(kind, pattern, text) for kind, pattern in _PATTERNS.items()}
    found["constraint"] |= _inside_tables(_CHECK, text)
    return found | {"column": _inside_tables(_COLUMN, text)}


def names_in(connection: psycopg.Connection[dict[str, Any]]) -> Names:
    """What a database has. Only functions are named with their schema, as in the expectation."""
    connection.execute("set local search_path = public")
    return {
        kind: frozenset(
            str(next(iter(row.values()))) for row in connection.execute(query.encode()).fetchall()
        )
        for kind, query in _CATALOG.items()
    }


def _names(kind: str, pattern: str, text: str) -> frozenset[str]:
    found = [match.groups() for match in re.finditer(pattern, text)]
    return frozenset(
        ".".join(reversed(groups) if kind in _TABLE_COMES_SECOND else groups) for groups in found
    )


def _inside_tables(pattern: re.Pattern[str], text: str) -> frozenset[str]:
    return frozenset(
        f"{table[1]}.{name[1]}"
        for table in _TABLE.finditer(text)
        for name in pattern.finditer(table[2])
    )
