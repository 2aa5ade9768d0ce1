"""Trying a cell of the access matrix as SQL on one connection; everything is taken back."""

from functools import partial

import psycopg
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from crm.database.gateway import Identity, Row
from tests.conftest import Raw
from tests.database.access_matrix import ACTORS, Cell, Outcome, Try, fingerprint


def directly(raw: Raw) -> Try:
    """Row-level security as Postgres applies it, adapters aside."""
    return partial(_attempt, raw)


def _attempt(raw: Raw, cell: Cell) -> Outcome:
    outcome = _outcome(raw, cell, _statement(cell, condition=True))
    if outcome is Outcome.DONE or cell.operation not in "UD":
        return outcome
    # A condition reads, and so needs the right to read as well: without one, the policy for the
    # change stands alone.
    try:
        blind = _outcome(raw, cell, _statement(cell, condition=False))
    except psycopg.DatabaseError:
        return Outcome.DONE  # some row got past the policies; that a rule held it back is luck
    return blind if blind is Outcome.DONE else outcome


def _outcome(raw: Raw, cell: Cell, statement: sql.Composed) -> Outcome:
    with raw.transaction(force_rollback=True):
        before = fingerprint(raw, cell)
        become(raw, ACTORS[cell.actor])
        try:
            with raw.transaction():
                found = raw.execute(statement).rowcount > 0
        except errors.InsufficientPrivilege:
            return Outcome.REFUSED
        raw.execute("select set_config('role', 'none', true)")
        touched = found if cell.operation == "R" else fingerprint(raw, cell) != before
        return Outcome.DONE if touched else Outcome.NOTHING


def become(raw: Raw, identity: Identity) -> None:
    """Until the end of the transaction."""
    raw.execute(
        "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
        (identity.role, identity.claims_json()),
    )


def _statement(cell: Cell, *, condition: bool) -> sql.Composed:
    table, key = sql.Identifier("public", cell.table), sql.Identifier(cell.probe.key)
    where = sql.SQL(" where {} = {}").format(key, cell.row) if condition else sql.SQL("")
    match cell.operation:
        case "R":
            return sql.SQL("select {} from {}{}").format(key, table, where)
        case "I":
            return _insertion(table, cell.probe.new_row(own=cell.own))
        case "U":
            return sql.SQL("update {} set {}{}").format(table, _changes(cell.probe.update), where)
        case _:
            return sql.SQL("delete from {}{}").format(table, where)


def _insertion(table: sql.Identifier, row: Row) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, row))
    values = sql.SQL(", ").join(map(_literal, row.values()))
    return sql.SQL("insert into {} ({}) values ({})").format(table, columns, values)


def _changes(values: Row) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(column), _literal(value))
        for column, value in values.items()
    )


def _literal(value: object) -> sql.Literal:
    return sql.Literal(Jsonb(value) if isinstance(value, dict) else value)
