"""Trying a cell of the access matrix through a gateway, where what is done stays done."""

from __future__ import annotations

from collections.abc import Iterable

from crm.database.errors import NotAllowedError
from crm.database.gateway import Gateway
from crm.database.supabase_shape import load_shape
from tests.conftest import Raw
from tests.contract.gateway.conftest import OpenGateway
from tests.database.access_matrix import ACTORS, MATRIX, Cell, Outcome, Try, fingerprint
from tests.database.access_probes import CAROLS_CONTACT

# An append-only table cannot be put back, and need not be: what came on top touches no probe.
_TABLES = """
    select c.oid::regclass::text as name,
           quote_ident('kept_' || n.nspname || '_' || c.relname) as kept,
           (select string_agg(quote_ident(attname), ', ') from pg_attribute
            where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '')
             as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('public', 'private') and c.relkind = 'r'
      and not exists (select from pg_trigger where tgrelid = c.oid and tgenabled = 'A')
"""


class Snapshot:
    """Every row as it was, in temporary tables of a superuser's connection."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        tables = raw.execute(_TABLES).fetchall()
        keeping = (f"create temp table {t['kept']} as table {t['name']};" for t in tables)
        raw.execute(" ".join(keeping).encode())
        statements = " ".join(
            f"delete from {t['name']}; insert into {t['name']} ({t['columns']})"
            f" overriding system value select {t['columns']} from {t['kept']};"
            for t in tables
        )
        self._restoring = f"set local session_replication_role = replica; {statements}".encode()

    def restore(self) -> None:
        """No trigger and no foreign key has a say in it."""
        with self._raw.transaction():
            self._raw.execute(self._restoring)


def everything(raw: Raw, where: str = "true", tables: Iterable[str] = MATRIX) -> dict[str, object]:
    """What the tables hold, to be compared with itself."""
    return {
        table: raw.execute(
            f"select array_agg(t::text order by t::text) as rows from {table} t"
            f" where {where}".encode()
        ).fetchone()
        for table in tables
    }


def carols(raw: Raw) -> dict[str, object]:
    """Carol's contact and everything that hangs on it."""
    relations = load_shape().relations
    hanging = [table for table in MATRIX if "contact_id" in relations[table]]
    return {
        **everything(raw, f"id = '{CAROLS_CONTACT}'", ["contacts"]),
        **everything(raw, f"contact_id = '{CAROLS_CONTACT}'", hanging),
    }


def through(open_gateway: OpenGateway, raw: Raw) -> Try:
    """Through the adapter; the rows tell what was done, and are put back."""
    gateways = {actor: open_gateway(identity) for actor, identity in ACTORS.items()}
    snapshot = Snapshot(raw)

    def attempt(cell: Cell) -> Outcome:
        before = fingerprint(raw, cell)
        try:
            found = _ask(gateways[cell.actor], cell)
        except NotAllowedError:
            assert fingerprint(raw, cell) == before, "refused, and done all the same"
            return Outcome.REFUSED
        if fingerprint(raw, cell) != before:
            snapshot.restore()
            return Outcome.DONE
        return Outcome.DONE if found else Outcome.NOTHING

    return attempt


def _ask(gateway: Gateway, cell: Cell) -> bool:
    """Whether rows came back; a write asks for none, because reading needs a right of its own."""
    probe = cell.probe
    where = {probe.key: cell.row}
    match cell.operation:
        case "R":
            return bool(gateway.select(cell.table, columns=[probe.key], where=where))
        case "I":
            return bool(gateway.insert(cell.table, [probe.new_row(own=cell.own)]))
        case "U":
            return bool(gateway.update(cell.table, probe.update, where=where))
        case _:
            return bool(gateway.delete(cell.table, where=where))
