"""Reading the provider's JSON so that nothing in it can break the reading or the storing.

What Python's reader refuses for a whole document (an integer of five thousand digits) or lets
through although no database takes it (NaN, infinity, U+0000, half a surrogate pair) is made plain
text here, so that one strange value never costs its neighbours.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

MAX_DEPTH = 20
"""Lists in lists and objects in objects; the provider nests two deep."""

_MAX_DIGITS = 30
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},]', re.DOTALL)


class TooDeepError(ValueError):
    """More than MAX_DEPTH levels."""


def text_of(body: bytes) -> str:
    """UTF-8, with U+FFFD for what is not: a bad byte costs one character."""
    return body.decode("utf-8-sig", "replace")


def elements_of(text: str) -> list[Any]:
    """The elements of a JSON array; a lone object counts as an array of one.

    An element nested too deeply for Python's reader is given as a TooDeepError, in its place.

    Raises:
        ValueError: if the text is no JSON, or neither an array nor an object.
    """
    try:
        whole = _decode(text)
    except RecursionError:
        return [_decoded(element) for element in _split(text)]
    if isinstance(whole, dict):
        return [whole]
    if not isinstance(whole, list):
        raise ValueError("neither an array nor an object")
    return whole


def storable(value: Any, depth: int = 0) -> Any:
    """The same value with U+FFFD for every character Postgres refuses, in keys as well.

    Raises:
        TooDeepError: for more than MAX_DEPTH levels.
    """
    if isinstance(value, str):
        return storable_text(value)
    if not isinstance(value, dict | list):
        return value
    if depth == MAX_DEPTH:
        raise TooDeepError("nested too deeply")
    if isinstance(value, list):
        return [storable(element, depth + 1) for element in value]
    return {storable_text(key): storable(each, depth + 1) for key, each in value.items()}


def storable_text(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


def _number(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


_decode = json.JSONDecoder(
    parse_int=_integer, parse_float=_number, parse_constant=str, strict=False
).decode


def _decoded(element: str) -> Any:
    try:
        return _decode(element)
    except RecursionError:
        return TooDeepError("nested too deeply")


def _split(text: str) -> Iterator[str]:
    """The texts of a top-level array's elements, by counting brackets.

    Raises:
        ValueError: if the text is not one closed array.
    """
    text = text.strip()
    depth, start, end = 0, 1, 0
    for token in _TOKEN.finditer(text) if text.startswith("[") else ():
        mark = token.group()
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        if (mark == "," and depth == 1) or depth == 0:
            yield text[start : token.start()]
            start = token.end()
        if depth == 0:
            end = token.end()
            break
    if end != len(text):
        raise ValueError("not one closed array")
