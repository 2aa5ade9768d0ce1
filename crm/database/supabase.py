"""The Supabase adapter of the gateway: supabase-py over the project's REST API.

Row-level security acts on the token of each request: a person's own for pages, the service key for
the scheduler and the public routes. The API gives a thousand rows at most; selects page on by
themselves; functions are asked for no more than `most_rows` at a time, and an answer that was cut
all the same raises AnswerCutError.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from postgrest import SyncSelectRequestBuilder
from postgrest.types import CountMethod, ReturnMethod

from crm.database.errors import AnswerCutError, DatabaseUnreachableError, SignedOutError
from crm.database.gateway import Identity, Row, Where
from crm.database.supabase_errors import SIGNED_OUT, UNREACHABLE
from crm.database.supabase_filters import Condition, Order, merged, requests_for
from crm.database.supabase_shape import FunctionShape, Types, load_shape
from crm.database.supabase_transport import Request, RestConnections
from crm.database.supabase_values import as_json, read_rows, read_value

_MAX_ROWS = 1000  # of an answer; what a Supabase project starts with


class SupabaseDatabase:
    """One Supabase project. The keys may be publishable and secret ones, or the older anon and
    service_role ones."""

    def __init__(self, url: str, publishable_key: str, service_key: str) -> None:
        self._publishable_key = publishable_key
        self._service_key = service_key
        self.connections = RestConnections(url)
        self.pages = PageSizes()
        self.row_limit = RowLimit()

    def gateway(self, identity: Identity) -> SupabaseGateway:
        """Raises SignedOutError for a person without a token."""
        if identity.role == "service_role":
            return self._gateway(self._service_key, self._service_key)
        if identity.role == "anon":
            return self._gateway(self._publishable_key, self._publishable_key)
        if not identity.access_token:
            raise SignedOutError(SIGNED_OUT)
        return self._gateway(self._publishable_key, identity.access_token)

    def close(self) -> None:
        self.connections.close()

    def _gateway(self, api_key: str, access_token: str) -> SupabaseGateway:
        return SupabaseGateway(self, api_key, access_token)


class PageSizes:
    """Whether an answer ends where it does because of "Max rows", which the API does not tell.

    An answer smaller than one seen before was not cut. One as large as any before may have been:
    asking on finds out.
    """

    def __init__(self) -> None:
        self._largest = 0
        self._lock = threading.Lock()

    def may_be_cut(self, rows: int) -> bool:
        with self._lock:
            if rows < self._largest:
                return False
            self._largest = rows
            return rows > 0


class RowLimit:
    """How many rows an answer may have: "Max rows" of the project, learned when first asked for."""

    def __init__(self) -> None:
        self._rows: int | None = None
        self._lock = threading.Lock()

    def learned(self, ask: Callable[[], int]) -> int:
        with self._lock:
            if self._rows is None:
                self._rows = ask()
            return self._rows

    def forget(self) -> None:
        with self._lock:
            self._rows = None


class SupabaseGateway:
    """The gateway for one identity."""

    def __init__(self, database: SupabaseDatabase, api_key: str, access_token: str) -> None:
        self._connections = database.connections
        self._pages = database.pages
        self._row_limit = database.row_limit
        self._client = self._connections.client(api_key, access_token)
        self._rest = self._client.postgrest  # made here, so that no two threads make it
        self._shape = load_shape()

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
        """Where a list of `where` is too long for one request, rows cannot be ordered by text
        (ValueError): sorting text is the database's own affair."""
        types = self._shape.columns(relation)
        orders = _total([Order.parse(text) for text in order], types, limit)
        requests = requests_for(where or {})
        if len(requests) == 1:
            rows = self._pages_of(relation, columns, requests[0], orders, limit, offset)
            return read_rows(rows, types)
        everything = "*" in columns
        wanted = [*columns, *({} if everything else {o.column for o in orders} - {*columns})]
        end = None if limit is None else offset + limit
        found: list[Row] = []
        for conditions in requests:
            found += self._pages_of(relation, wanted, conditions, orders, end, 0)
        rows = merged(read_rows(found, types), orders, types)[offset:end]
        return rows if everything else [{name: row[name] for name in columns} for row in rows]

    def count(self, relation: str, *, where: Where | None = None) -> int:
        return sum(self._count(relation, conditions) for conditions in requests_for(where or {}))

    def insert(
        self, relation: str, rows: Sequence[Row], *, returning: Sequence[str] = ()
    ) -> list[Row]:
        if not rows:
            return []
        types = self._shape.columns(relation)
        body = [_body(row, types) for row in rows]
        request = self._rest.table(relation).insert(body, returning=_returning(returning))
        return self._change(request, returning, types)

    def update(
        self, relation: str, values: Row, *, where: Where, returning: Sequence[str] = ()
    ) -> list[Row]:
        types = self._shape.columns(relation)
        body = _body(values, types)
        changed: list[Row] = []
        for conditions in requests_for(where):
            request = self._rest.table(relation).update(body, returning=_returning(returning))
            changed += self._change(_filtered(request, conditions), returning, types)
        return changed

    def delete(self, relation: str, *, where: Where, returning: Sequence[str] = ()) -> list[Row]:
        types = self._shape.columns(relation)
        deleted: list[Row] = []
        for conditions in requests_for(where):
            request = self._rest.table(relation).delete(returning=_returning(returning))
            deleted += self._change(_filtered(request, conditions), returning, types)
        return deleted

    def call(self, function: str, **parameters: Any) -> Any:
        """Raises AnswerCutError where the function gave more rows than "Max rows" lets through,
        because that was lowered since `most_rows` learned it; what the function did stays done."""
        shape = self._shape.function(function)
        body = {name: as_json(value, shape.arguments[name]) for name, value in parameters.items()}
        is_set = shape.returns in {"rows", "values"}
        request = self._client.rpc(function, body, count=CountMethod.exact if is_set else None)
        answer = self._connections.send(request, repeatable=shape.only_reads)
        if is_set and answer.count is not None and answer.count > len(answer.data):
            self._row_limit.forget()
            raise AnswerCutError(
                f"Only {len(answer.data)} of {answer.count} rows of {function} came through;"
                " ask for fewer at a time, or raise “Max rows” of the Supabase project."
            )
        return _answer(answer.data, shape)

    def most_rows(self) -> int:
        """A project that lets through more than a thousand is taken for one of a thousand."""
        return self._row_limit.learned(self._rows_that_arrive)

    def _rows_that_arrive(self) -> int:
        arrived = self._rows(self._client.rpc("a_thousand_rows", {}), repeatable=True)
        return max(1, len(arrived))

    def _pages_of(
        self,
        relation: str,
        columns: Sequence[str],
        conditions: Sequence[Condition],
        orders: Sequence[Order],
        limit: int | None,
        offset: int,
    ) -> list[Row]:
        rows: list[Row] = []
        while limit is None or len(rows) < limit or limit == 0:
            request = _filtered(self._rest.table(relation).select(*columns), conditions)
            for order in orders:
                request = request.order(
                    order.column, desc=order.descending, nullsfirst=order.nulls_first
                )
            if limit is not None:
                request = request.limit(limit - len(rows))
            page = self._rows(request.offset(offset + len(rows)), repeatable=True)
            rows += page
            if not page or not self._pages.may_be_cut(len(page)):
                break
        return rows

    def _count(self, relation: str, conditions: Sequence[Condition]) -> int:
        # Not a HEAD request: its refusals have no body that would tell the reason.
        query = self._rest.table(relation).select("*", count=CountMethod.exact).limit(0)
        answer = self._connections.send(_filtered(query, conditions), repeatable=True)
        if answer.count is None:
            raise DatabaseUnreachableError(UNREACHABLE)
        return int(answer.count)

    def _change(
        self, request: SyncSelectRequestBuilder, returning: Sequence[str], types: Types
    ) -> list[Row]:
        if not returning:
            self._connections.send(request, repeatable=False)
            return []
        return read_rows(self._rows(request.select(*returning), repeatable=False), types)

    def _rows(self, request: Request, *, repeatable: bool) -> list[Row]:
        rows = self._connections.send(request, repeatable=repeatable).data
        if not isinstance(rows, list):  # something between us and the project answered
            raise DatabaseUnreachableError(UNREACHABLE)
        return rows


def _returning(columns: Sequence[str]) -> ReturnMethod:
    return ReturnMethod.representation if columns else ReturnMethod.minimal


def _body(row: Row, types: Types) -> Row:
    return {name: as_json(value, types.get(name, "text")) for name, value in row.items()}


def _filtered(
    request: SyncSelectRequestBuilder, conditions: Sequence[Condition]
) -> SyncSelectRequestBuilder:
    for column, condition in conditions:
        operator, _, value = condition.partition(".")
        request = request.filter(column, operator, value)
    return request


def _total(orders: list[Order], types: Types, limit: int | None) -> list[Order]:
    """Several pages fit together only if no two rows share a place in the order."""
    one_page = limit is not None and limit <= _MAX_ROWS
    if one_page or "id" not in types or any(order.column == "id" for order in orders):
        return orders
    return [*orders, Order("id")]


def _answer(data: Any, shape: FunctionShape) -> Any:
    if shape.returns == "nothing":
        return ""  # what a driver gives for void
    if shape.returns == "value":
        return read_value(data, shape.type)
    if shape.returns == "values":
        return [read_value(value, shape.type) for value in data]
    rows = [data] if isinstance(data, dict) else data
    return read_rows([{name: row[name] for name in shape.columns} for row in rows], shape.columns)
