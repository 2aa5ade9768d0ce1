"""From a gateway row to a frozen dataclass: by field name, ignoring columns the record does not carry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

from crm.database.gateway import Row

Record = TypeVar("Record")


@cache
def columns_of(record: Any) -> tuple[str, ...]:
    """The columns a record needs: exactly its fields."""
    return tuple(field.name for field in fields(record))


def record_from(record: type[Record], row: Row) -> Record:
    return record(**{name: _frozen(row[name]) for name in columns_of(record)})


def records_from(record: type[Record], rows: Iterable[Row]) -> list[Record]:
    return [record_from(record, row) for row in rows]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
