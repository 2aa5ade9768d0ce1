"""The REST API's refusals in our own words, by SQLSTATE and constraint as on a direct connection.

PostgREST passes the SQLSTATE on as `code` and has codes of its own (PGRST…), listed under "Errors"
in its reference. Its `details` quote whole rows and are never read; values in messages are cut out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from crm.database.errors import (
    _RULE_STATES,
    _WORDS_FOR_CONSTRAINT,
    ConflictError,
    DatabaseBusyError,
    DatabaseError,
    DatabaseUnreachableError,
    InvalidValueError,
    MissingFunctionError,
    NotAllowedError,
    RuleBrokenError,
    SignedOutError,
)

UNREACHABLE = "Supabase cannot be reached; check SUPABASE_URL and the network."
SIGNED_OUT = "Your sign-in has ended; sign in again."

_BUSY_STATES = {"40001", "40P01", "55P03"}
# Connections, resources, operator intervention; the first of PostgREST's own are of that kind too.
_UNREACHABLE_CODES = ("08", "53", "57", "PGRST000", "PGRST001", "PGRST002", "PGRST003")
_TOKEN_CODES = {"PGRST301", "PGRST302", "PGRST303"}
_NO_FUNCTION = "PGRST202"
_CONSTRAINT = re.compile(r'constraint "([^"]+)"')
_QUOTED = re.compile(r'"[^"]*"')


def refusal(status: int, body: bytes) -> DatabaseError:
    """The error tree's member for an answer that is not a success."""
    told = _told(body)
    code, message = str(told.get("code") or ""), str(told.get("message") or "")
    if code in _TOKEN_CODES or (status == 401 and "jwt" in message.lower()):
        return SignedOutError(SIGNED_OUT)
    if code == _NO_FUNCTION:
        return MissingFunctionError("The database has no such function; run its migrations.")
    if code == "42501":
        return NotAllowedError("You may not do this.")
    if status in {401, 403} and not code:
        return DatabaseError(
            "Supabase refused the API key; check SUPABASE_KEY and SUPABASE_SERVICE_KEY."
        )
    if code.startswith(_UNREACHABLE_CODES) or (not code and (status == 429 or status >= 500)):
        return DatabaseUnreachableError(UNREACHABLE)
    return _statement_refused(code, message)


def _statement_refused(code: str, message: str) -> DatabaseError:
    named = _CONSTRAINT.search(message)
    constraint = named.group(1) if named else ""
    words = _WORDS_FOR_CONSTRAINT.get(constraint, "")
    if code in _RULE_STATES:
        return RuleBrokenError(message or "A rule of the database was broken.")
    if code == "23505":
        return ConflictError(words or f"This exists already ({constraint}).", constraint)
    if code.startswith("23"):
        return InvalidValueError(words or f"A value was refused: {constraint or message}.")
    if code.startswith("22"):
        return InvalidValueError(f"A value was refused: {_QUOTED.sub('…', message)}.")
    if code in _BUSY_STATES:
        return DatabaseBusyError("The database was busy with the same rows; try again.")
    return DatabaseError(f"The database refused a statement (SQLSTATE {code}): {message}")


def _told(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}  # a proxy's error page
    return told if isinstance(told, dict) else {}
