"""What the migrations make, by name, in the words in which public.health_report() tells it.

Read from migrations/schema.sql, which scripts/dump_schema.py generates and a test holds equal to
the replay of all migrations. Names are compared and never definitions, which are worded differently
from one Postgres version to the next; functions alone keep their text, so that it is compared too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

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
_FUNCTION = re.compile(
    r"^CREATE FUNCTION ((?:public|private)\.\w+)\(.*?\n    AS (\$\w*\$)(.*?)\2;$",
    re.MULTILINE | re.DOTALL,
)
_COMMENT_LINE = re.compile(r"^--.*$", re.MULTILINE)
_SPACE = re.compile(r"[ \t\r\n]+")
_TABLE = re.compile(r"^CREATE TABLE public\.(\w+) \(\n(.*?)^\)", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"^    (?!CONSTRAINT)(\w+) ", re.MULTILINE)
_CHECK = re.compile(r"^    CONSTRAINT (\w+) CHECK", re.MULTILINE)
# Named first in the dump, but after their table in our words.
_TABLE_COMES_SECOND = {"trigger", "policy"}


def expected_names() -> Names:
    """What migrations/schema.sql declares."""
    text = SCHEMA_FILE.read_text()
    found = {kind: _names(kind, pattern, text) for kind, pattern in _PATTERNS.items()}
    found["constraint"] |= _inside_tables(_CHECK, text)
    return found | {
        "function text": _function_texts(text),
        "column": _inside_tables(_COLUMN, text),
    }


def _names(kind: str, pattern: str, text: str) -> frozenset[str]:
    found = [match.groups() for match in re.finditer(pattern, text)]
    return frozenset(
        ".".join(reversed(groups) if kind in _TABLE_COMES_SECOND else groups) for groups in found
    )


def _function_texts(text: str) -> frozenset[str]:
    return frozenset(f"{name} {_digest(body)}" for name, _, body in _FUNCTION.findall(text))


def _digest(body: str) -> str:
    """Without comment lines and white space, as health_report() has it; it tells a change and
    guards against nobody."""
    words = _SPACE.sub(" ", _COMMENT_LINE.sub("", body))
    return hashlib.md5(words.encode(), usedforsecurity=False).hexdigest()


def _inside_tables(pattern: re.Pattern[str], text: str) -> frozenset[str]:
    return frozenset(
        f"{table[1]}.{name[1]}"
        for table in _TABLE.finditer(text)
        for name in pattern.finditer(table[2])
    )
