"""Values on their way to the REST API and back, by their Postgres type and never by their look."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from crm.database.arrays import array_literal
from crm.database.errors import InvalidValueError
from crm.database.far_moments import day_within_reach, moment_within_reach
from crm.database.gateway import Row
from crm.database.supabase_shape import Types

_JSON = frozenset({"json", "jsonb"})


def _moment(text: str) -> datetime:
    return moment_within_reach(text, lambda: datetime.fromisoformat(text))


def _day(text: str) -> date:
    return day_within_reach(text, lambda: date.fromisoformat(text))


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "timestamp with time zone": _moment,
    "timestamp without time zone": datetime.fromisoformat,
    "date": _day,
    "time without time zone": time.fromisoformat,
    "numeric": lambda number: Decimal(str(number)),
}
# What JSON brings as the Postgres adapter gives it; a test names every type that is in neither.
PLAIN_TYPES = _JSON | {
    "bigint",
    "boolean",
    "character varying",
    "double precision",
    "integer",
    "real",
    "smallint",
    "text",
    "uuid",
    "void",
}
KNOWN_TYPES = PLAIN_TYPES | _READERS.keys()


def read_value(value: Any, type_: str) -> Any:
    """A value as JSON brought it, in the form that the Postgres adapter gives."""
    if value is None:
        return None
    read = _READERS.get(type_.removesuffix("[]"))
    if read is None:
        return value
    if type_.endswith("[]"):
        return [None if element is None else read(element) for element in value]
    return read(value)


def read_rows(rows: Sequence[Row], types: Types) -> list[Row]:
    """Rows with every value in its form; only columns that need it are touched."""
    converted = [
        name for name in (rows[0] if rows else ()) if _needs_reading(types.get(name, "text"))
    ]
    for row in rows:
        for name in converted:
            row[name] = read_value(row[name], types[name])
    return list(rows)


def _needs_reading(type_: str) -> bool:
    return type_.removesuffix("[]") in _READERS


def as_json(value: Any, type_: str) -> Any:
    """A value for a request's body.

    Arrays travel as Postgres array literals, which PostgREST hands to the type's own input
    function: one form for both adapters.

    Raises:
        ValueError: for a naive datetime, which would mean another moment on another server.
        InvalidValueError: for text that no database can hold, or that is not the JSON it must be;
            JSON's null needs a function of the database, because PostgREST writes SQL's for it.
    """
    if isinstance(value, (list, tuple)):
        return array_literal(value)
    if isinstance(value, str):
        _check_text(value)
        return _parsed(value) if type_ in _JSON else value
    if isinstance(value, (datetime, date, time)):
        return _iso(value)
    if isinstance(value, Decimal):
        return str(value)
    return value


def as_text(value: Any) -> str:
    """A value as a filter compares with it; raises what `as_json` raises."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return array_literal(value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (datetime, date, time)):
        return _iso(value)
    text = str(value)
    _check_text(text)
    return text


def _iso(value: date | time) -> str:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("A timestamp needs a time zone.")
    return value.isoformat()


def _check_text(text: str) -> None:
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidValueError("A value has characters that a database cannot hold.")


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        raise InvalidValueError("A value was refused: it is not valid JSON.") from None
    if value is None:
        raise InvalidValueError("A value was refused: to the REST API, JSON null is no value.")
    return value
