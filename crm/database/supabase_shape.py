"""What the REST API's relations and functions are made of: JSON alone does not tell a moment from
the text of a note, nor a list of values from a list of rows.

supabase_shape.json beside this file is generated from a database with every migration applied
(`describe`), and a test holds it equal to that. ADR 7 says why the API is not asked itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import psycopg

from crm.database.errors import DatabaseError

SHAPE_FILE = Path(__file__).with_suffix(".json")
Types = Mapping[str, str]  # column or argument → Postgres type, as format_type words it

_RELATIONS = """
select c.relname as name, jsonb_object_agg(a.attname, format_type(a.atttypid, null)) as columns
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
group by c.relname"""
_FUNCTIONS = """
select p.proname as name, format_type(p.prorettype, null) as type, p.proretset as returns_set,
       p.provolatile <> 'v' as only_reads,
       coalesce((select jsonb_object_agg(a.name, format_type(a.type, null))
                 from unnest(p.proargnames[:p.pronargs], p.proargtypes::oid[]) a (name, type)),
                '{}') as arguments,
       coalesce((select jsonb_agg(jsonb_build_array(a.name, format_type(a.type, null)) order by n)
                 from unnest(p.proargnames, p.proallargtypes, p.proargmodes)
                   with ordinality a (name, type, mode, n) where a.mode in ('t', 'o')),
                (select jsonb_agg(jsonb_build_array(c.attname, format_type(c.atttypid, null))
                                  order by c.attnum)
                 from pg_attribute c where c.attrelid = t.typrelid and t.typtype = 'c'
                   and c.attnum > 0 and not c.attisdropped),
                '[]') as columns
from pg_proc p join pg_type t on t.oid = p.prorettype
where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'"""


@dataclass(frozen=True, slots=True)
class FunctionShape:
    """`columns` stand in their order; they are empty unless `returns` is rows. `type` is that of
    the value or of each value. `only_reads`: calling it twice does no harm."""

    arguments: Types
    returns: Literal["value", "values", "rows", "nothing"]
    type: str
    columns: Types
    only_reads: bool


@dataclass(frozen=True, slots=True)
class Shape:
    relations: Mapping[str, Types]
    functions: Mapping[str, FunctionShape]

    def columns(self, relation: str) -> Types:
        """Empty for a relation that no migration makes; the database itself will refuse it."""
        return self.relations.get(relation, {})

    def function(self, name: str) -> FunctionShape:
        """Raises DatabaseError for a function that no migration makes."""
        if name not in self.functions:
            raise DatabaseError(f"The database has no function {name}; run scripts/migrate.py.")
        return self.functions[name]


@cache
def load_shape() -> Shape:
    described = json.loads(SHAPE_FILE.read_text(encoding="utf-8"))
    functions = {name: FunctionShape(**parts) for name, parts in described["functions"].items()}
    return Shape(described["relations"], functions)


def describe(connection: psycopg.Connection[dict[str, Any]]) -> str:
    """The text of SHAPE_FILE for this database; its migrations must all be applied."""
    relations = {
        row["name"]: dict(sorted(row["columns"].items()))
        for row in connection.execute(_RELATIONS).fetchall()
    }
    functions = {row["name"]: _function(row) for row in connection.execute(_FUNCTIONS).fetchall()}
    described = {
        "relations": dict(sorted(relations.items())),
        "functions": dict(sorted(functions.items())),
    }
    return json.dumps(described, indent=1) + "\n"


def _function(row: Mapping[str, Any]) -> dict[str, Any]:
    columns = dict(row["columns"])
    if row["type"] == "void":
        returns = "nothing"
    elif columns or row["type"] == "record":
        returns = "rows"
    else:
        returns = "values" if row["returns_set"] else "value"
    arguments = dict(sorted(row["arguments"].items()))
    return {
        "arguments": arguments,
        "returns": returns,
        "type": row["type"],
        "columns": columns,
        "only_reads": row["only_reads"],
    }
