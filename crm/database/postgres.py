"""The Postgres adapter of the gateway, on psycopg 3.

Every call is one transaction that first takes on the caller's role and claims, so row-level
security acts exactly as it does behind Supabase's REST API. Statements are never prepared on the
server (prepare_threshold None): that is what a transaction-pooling proxy needs.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
import psycopg_pool
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from crm.database.arrays import array_literal
from crm.database.errors import (
    UNREACHABLE,
    DatabaseBusyError,
    DatabaseUnreachableError,
    MissingFunctionError,
    translate,
)
from crm.database.gateway import Filter, Identity, Row, Where
from crm.database.postgres_types import set_up

logger = logging.getLogger(__name__)
_CONNECT_SECONDS = 5  # unless the address says connect_timeout, as libpq does
# The pool's check, BEGIN, the role and claims, the statement itself, COMMIT.
STATEMENTS_A_CALL = 5
_TRIES = 5  # of a statement that Postgres undid because it met another
# A process that freezes between a statement and its commit would hold its rows against everybody.
_BECOME = (
    "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true),"
    " set_config('idle_in_transaction_session_timeout', '60s', true)"
)


@dataclass(frozen=True, slots=True)
class _Signature:
    argument_types: Mapping[str, str]
    returns_rows: bool
    returns_set: bool


class PostgresDatabase:
    """A pool of connections to one database, and the signatures of its functions."""

    def __init__(self, address: str, *, max_connections: int = 10) -> None:
        seconds = _connect_seconds(address)
        self._pool: ConnectionPool[psycopg.Connection[Row]] = ConnectionPool(
            address,
            kwargs={"row_factory": dict_row, "connect_timeout": seconds},
            configure=set_up,
            min_size=0,
            max_size=max_connections,
            timeout=seconds * 2,
            # Beyond this the pool waits ever longer between tries, also when the database is back.
            reconnect_timeout=seconds,
            open=True,
            check=ConnectionPool.check_connection,
        )
        self._signatures: dict[str, _Signature] = {}
        self._lock = threading.Lock()
        self.statement_count = 0

    def close(self) -> None:
        self._pool.close()

    def gateway(self, identity: Identity) -> PostgresGateway:
        return PostgresGateway(self, identity)

    def run(self, identity: Identity, query: sql.Composed, parameters: Sequence[Any]) -> list[Row]:
        """One statement as `identity`, in its own transaction."""
        for _ in range(_TRIES - 1):
            try:
                return self._run_once(identity, query, parameters)
            except DatabaseBusyError:
                logger.info("a statement met another in opposite order and runs again")
        return self._run_once(identity, query, parameters)

    def _run_once(
        self, identity: Identity, query: sql.Composed, parameters: Sequence[Any]
    ) -> list[Row]:
        try:
            with self._pool.connection() as connection:
                # One round trip for taking on the role and for the statement itself.
                with connection.pipeline():
                    connection.execute(_BECOME, (identity.role, identity.claims_json()))
                    cursor = connection.execute(query, parameters)
                return cursor.fetchall() if cursor.description else []
        except psycopg_pool.PoolTimeout as error:
            raise DatabaseUnreachableError(UNREACHABLE) from error
        except psycopg.Error as error:
            raise translate(error) from None  # the driver's words quote rows
        finally:
            with self._lock:
                self.statement_count += STATEMENTS_A_CALL

    def signature(self, function: str) -> _Signature:
        """How a function of the schema public is declared; asked once a process."""
        if function not in self._signatures:
            self._signatures[function] = self._look_up(function)
        return self._signatures[function]

    def _look_up(self, function: str) -> _Signature:
        try:
            with self._pool.connection() as connection:
                row = connection.execute(
                    """select p.proretset,
                              coalesce(jsonb_object_agg(a.name, format_type(a.type, null))
                                       filter (where a.name is not null), '{}')
                                as arguments,
                              (p.prorettype = 'record'::regtype or t.typtype = 'c') as returns_rows
                       from pg_proc p join pg_type t on t.oid = p.prorettype
                       left join lateral unnest(p.proargnames[:p.pronargs], p.proargtypes::oid[])
                         a (name, type) on true
                       where p.pronamespace = 'public'::regnamespace and p.proname = %s
                       group by p.oid, t.typtype""",
                    (function,),
                ).fetchone()
        except psycopg_pool.PoolTimeout as error:
            raise DatabaseUnreachableError(UNREACHABLE) from error
        except psycopg.Error as error:
            raise translate(error) from None  # the driver's words quote rows
        if row is None:
            raise MissingFunctionError(
                f"The database has no function {function}; run scripts/migrate.py."
            )
        return _Signature(row["arguments"], row["returns_rows"], row["proretset"])


class PostgresGateway:
    """The gateway for one identity."""

    def __init__(self, database: PostgresDatabase, identity: Identity) -> None:
        self._database = database
        self._identity = identity

    def select(
        self,
        relation: str,
        *,
        columns: Sequence[str] = ("*",),
        where: Where | None = None,
        order: Sequence[str] = (),
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Row]:
        condition, parameters = _condition(where or {})
        query = sql.SQL("select {} from {}{}").format(
            _columns(columns), _relation(relation), condition
        )
        if order:
            query += sql.SQL(" order by ") + sql.SQL(", ").join(map(_order, order))
        if limit is not None:
            query += sql.SQL(" limit {} offset {}").format(sql.Literal(limit), sql.Literal(offset))
        return self._database.run(self._identity, query, parameters)

    def count(self, relation: str, *, where: Where | None = None) -> int:
        condition, parameters = _condition(where or {})
        query = sql.SQL("select count(*) as n from {}{}").format(_relation(relation), condition)
        return int(self._database.run(self._identity, query, parameters)[0]["n"])

    def insert(
        self, relation: str, rows: Sequence[Row], *, returning: Sequence[str] = ()
    ) -> list[Row]:
        if not rows:
            return []
        names = list(rows[0])
        one = sql.SQL("({})").format(sql.SQL(", ").join(sql.Placeholder() * len(names)))
        query = sql.SQL("insert into {} ({}) values {}").format(
            _relation(relation), _columns(names), sql.SQL(", ").join([one] * len(rows))
        )
        return self._change(query, [_value(row[name]) for row in rows for name in names], returning)

    def update(
        self, relation: str, values: Row, *, where: Where, returning: Sequence[str] = ()
    ) -> list[Row]:
        condition, parameters = _condition(where)
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values
        )
        query = sql.SQL("update {} set {}{}").format(_relation(relation), assignments, condition)
        return self._change(query, [*map(_value, values.values()), *parameters], returning)

    def delete(self, relation: str, *, where: Where, returning: Sequence[str] = ()) -> list[Row]:
        condition, parameters = _condition(where)
        query = sql.SQL("delete from {}{}").format(_relation(relation), condition)
        return self._change(query, parameters, returning)

    def call(self, function: str, **parameters: Any) -> Any:
        signature = self._database.signature(function)
        arguments = sql.SQL(", ").join(
            sql.SQL("{} => %s::{}").format(
                sql.Identifier(name), sql.SQL(signature.argument_types[name])
            )
            for name in parameters
        )
        query = sql.SQL("select * from {}({})").format(_relation(function), arguments)
        rows = self._database.run(self._identity, query, [_value(v) for v in parameters.values()])
        if signature.returns_rows:
            return rows
        values = [next(iter(row.values())) for row in rows]
        return values if signature.returns_set else values[0]

    def most_rows(self) -> int:
        return sys.maxsize

    def _change(
        self, query: sql.Composed, parameters: Sequence[Any], returning: Sequence[str]
    ) -> list[Row]:
        if returning:
            query = query + sql.SQL(" returning {}").format(_columns(returning))
        return self._database.run(self._identity, query, parameters)


def _connect_seconds(address: str) -> int:
    said = psycopg.conninfo.conninfo_to_dict(address).get("connect_timeout")
    return int(said) if said else _CONNECT_SECONDS


def _relation(name: str) -> sql.Identifier:
    return sql.Identifier("public", name)


def _columns(names: Sequence[str]) -> sql.Composable:
    if tuple(names) == ("*",):
        return sql.SQL("*")
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _order(column: str) -> sql.Composable:
    name, _, direction = column.partition(" ")
    return sql.Identifier(name) + sql.SQL(_DIRECTIONS[direction])


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return Jsonb(value)
    if isinstance(value, (list, tuple)):
        return array_literal(value)
    return value


def _condition(where: Where) -> tuple[sql.Composed, list[Any]]:
    parts: list[sql.Composable] = []
    parameters: list[Any] = []
    for column, wanted in where.items():
        comparison = (
            wanted
            if isinstance(wanted, Filter)
            else Filter("is null" if wanted is None else "=", wanted)
        )
        template = _TEMPLATES[comparison.operator]
        parts.append(sql.SQL(template).format(sql.Identifier(column)))
        if "%s" in template:
            parameters.append(_value(comparison.value))
    if not parts:
        return sql.Composed([]), []
    return sql.SQL(" where ") + sql.SQL(" and ").join(parts), parameters


# Only the plain forms are what an index holds: "nulls last" on a primary key sorts the whole table.
_DIRECTIONS: dict[str, LiteralString] = {
    "": "",
    "desc": " desc",
    "desc nulls last": " desc nulls last",
}
_TEMPLATES: dict[str, str] = {
    **{operator: f"{{}} {operator} %s" for operator in ("=", "<>", "<", "<=", ">", ">=", "ilike")},
    "in": "{} = any (%s)",
    "contains": "{} @> %s",
    "is null": "{} is null",
    "is not null": "{} is not null",
}
