"""From a gateway row to a frozen dataclass, by field name; other columns are ignored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from crm.database.gateway import Row

Record = TypeVar("Record")
Item = TypeVar("Item")


def columns_of(record: type[Any]) -> tuple[str, ...]:
    """The columns a record needs: exactly its fields."""
    return tuple(field.name for field in fields(record))


def record_from(record: type[Record], row: Row) -> Record:
    return records_from(record, [row])[0]


def records_from(record: type[Record], rows: Iterable[Row]) -> list[Record]:
    names = columns_of(record)
    return [record(**{name: _frozen(row[name]) for name in names}) for row in rows]


def in_parts(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """Lists of at most `size` of them, in order."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
