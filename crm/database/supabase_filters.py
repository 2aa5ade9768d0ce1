"""A gateway's `where` and `order` in the REST API's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from urllib.parse import quote

from crm.database.gateway import Filter, Row, Where
from crm.database.supabase_shape import Types
from crm.database.supabase_values import as_text

# Filters travel in the address, and proxies refuse long ones (8 kB is a common limit).
LIST_VALUES = 100
LIST_BYTES = 4_000

Condition = tuple[str, str]  # column, "operator.value"
_COMPARISONS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def requests_for(where: Where) -> list[list[Condition]]:
    """The conditions of each request that is needed: together they find what `where` describes,
    and no row twice. None are needed where nothing can match.

    Raises:
        ValueError: for a naive datetime, or where two lists are too long for one address.
    """
    together: list[Condition] = []
    batches: list[list[Condition]] = [[]]
    for column, wanted in where.items():
        comparison = wanted if isinstance(wanted, Filter) else _equality(wanted)
        if comparison.operator == "in":
            lists = [[(column, _in(values))] for values in _batches(comparison.value)]
            if len(lists) > 1 and len(batches) > 1:
                raise ValueError("Only one list of a filter may be longer than an address holds.")
            batches = [one + other for one in batches for other in lists]
        elif comparison.value is None and "null" not in comparison.operator:
            return []  # nothing compares with null
        else:
            together.append((column, _condition(comparison)))
    return [together + batch for batch in batches]


def _equality(wanted: Any) -> Filter:
    return Filter("is null") if wanted is None else Filter("=", wanted)


def _condition(comparison: Filter) -> str:
    match comparison.operator:
        case "is null":
            return "is.null"
        case "is not null":
            return "not.is.null"
        case "contains":
            return f"cs.{as_text(comparison.value)}"
        case "ilike":
            return _ilike(as_text(comparison.value))
        case "=":
            return _in([as_text(comparison.value)])
        case "<>":
            return _other_than(as_text(comparison.value))
        case operator:
            return f"{_COMPARISONS[operator]}.{as_text(comparison.value)}"


def _other_than(text: str) -> str:
    return f"not.in.({_quoted(text)})" if _is_ambiguous(text) else f"neq.{text}"


def _is_ambiguous(text: str) -> bool:
    """Bare, servers differ over what these mean; quoted in a list each is the text it is."""
    return text.lower() == "null" or text.startswith("{") or text != text.strip()


def _ilike(pattern: str) -> str:
    """The REST API reads every asterisk of a pattern as a wildcard; a regular expression does not.

    See "Operators" in PostgREST's reference: `*` stands for `%` in like and ilike.
    """
    if "*" not in pattern:
        return f"ilike.{pattern}"
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    return f"imatch.^{''.join(map(_regular, parts))}$"


def _regular(part: str) -> str:
    if part == "%":
        return ".*"
    if part == "_":
        return "."
    character = part[-1]
    return character if character.isalnum() or character.isspace() else f"\\{character}"


def _batches(values: Sequence[Any]) -> Iterator[list[str]]:
    """Texts in lists short enough for an address; null is among nothing."""
    batch: list[str] = []
    size = 0
    for texts in _alike(as_text(value) for value in values if value is not None):
        length = sum(len(quote(_quoted(text))) + 3 for text in texts)
        if batch and (len(batch) + len(texts) > LIST_VALUES or size + length > LIST_BYTES):
            yield batch
            batch, size = [], 0
        batch += texts
        size += length
    if batch:
        yield batch


def _alike(texts: Iterator[str]) -> list[list[str]]:
    """Spellings that one row may equal (an address or an identifier in capitals) stay together:
    apart, they would find that row twice."""
    groups: dict[str, dict[str, None]] = {}
    for text in texts:
        groups.setdefault(text.casefold(), {})[text] = None
    return [list(group) for group in groups.values()]


def _in(texts: Sequence[str]) -> str:
    # A list of one empty text is an empty list to PostgREST; compared alone it is the text it is.
    if len(texts) == 1 and not _is_ambiguous(texts[0]):
        return f"eq.{texts[0]}"
    return f"in.({','.join(map(_quoted, texts))})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class Order:
    """One column of an order, which the gateway writes as "name", "name desc" and so on."""

    column: str
    descending: bool = False
    nulls_first: bool = False

    @classmethod
    def parse(cls, text: str) -> Order:
        column, _, direction = text.partition(" ")
        return cls(column, *_DIRECTIONS[direction])


_DIRECTIONS: Mapping[str, tuple[bool, bool]] = {
    "": (False, False),
    "desc": (True, True),
    "desc nulls last": (True, False),
}


def merged(rows: Sequence[Row], orders: Sequence[Order], types: Types) -> list[Row]:
    """Rows of several requests in one order.

    Raises:
        ValueError: for an order by text, which only the database can sort by its own rules.
    """
    merged = list(rows)
    for order in reversed(orders):
        if types.get(order.column, "text") in _SORTED_BY_COLLATION:
            raise ValueError(f"Rows for a long list cannot be ordered by {order.column}.")
        absent = [row for row in merged if row[order.column] is None]
        present = [row for row in merged if row[order.column] is not None]
        present.sort(key=itemgetter(order.column), reverse=order.descending)
        merged = absent + present if order.nulls_first else present + absent
    return merged


_SORTED_BY_COLLATION = {"text", "character varying"}
