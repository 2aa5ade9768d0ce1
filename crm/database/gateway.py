"""The gateway: one small protocol through which every record class reaches the database.

Rows travel as plain dictionaries. Identifiers are strings, timestamps aware datetimes in UTC,
whichever adapter stands behind it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Row = dict[str, Any]
Operator = Literal[
    "=", "<>", "<", "<=", ">", ">=", "in", "ilike", "contains", "is null", "is not null"
]


@dataclass(frozen=True, slots=True)
class Filter:
    """A comparison other than equality."""

    operator: Operator
    value: Any = None


Where = Mapping[str, Any]  # column → value (equality; None: is null) or Filter


def among(values: Sequence[Any]) -> Filter:
    return Filter("in", list(values))


def containing(text: str) -> str:
    """The pattern for "contains this text"; wildcards in the text are taken literally."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def matching(text: str) -> Filter:
    """Case-insensitive "contains this text"."""
    return Filter("ilike", containing(text))


IS_NULL = Filter("is null")
IS_NOT_NULL = Filter("is not null")


@dataclass(frozen=True, slots=True)
class Identity:
    """On whose behalf statements run: the Postgres role and the claims of the sign-in token."""

    role: Literal["anon", "authenticated", "service_role"]
    user_id: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    # What Supabase gave the person; a direct connection does without.
    access_token: str = field(default="", repr=False)

    def claims_json(self) -> str:
        claims = {**self.claims, "role": self.role}
        if self.user_id is not None:
            claims["sub"] = self.user_id
        return json.dumps(claims)


SERVICE = Identity("service_role")


def signed_in(
    user_id: str, *, claims: Mapping[str, Any] | None = None, access_token: str = ""
) -> Identity:
    """A person: on a direct connection with the claims of their sign-in, over REST with the token
    that Supabase gave them."""
    return Identity("authenticated", user_id, claims or {}, access_token)


class Database(Protocol):
    """One of the two adapters: a pool of connections that serves any number of identities."""

    def gateway(self, identity: Identity) -> Gateway: ...

    def close(self) -> None: ...


class Gateway(Protocol):
    """Raises members of crm.database.errors, and nothing of the driver's."""

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
        """Rows of a table or view. A column in `order` may end in " desc", where rows without a
        value come first, or in " desc nulls last"."""
        ...

    def count(self, relation: str, *, where: Where | None = None) -> int: ...

    def insert(
        self, relation: str, rows: Sequence[Row], *, returning: Sequence[str] = ()
    ) -> list[Row]:
        """Adds rows, all with the same keys, in one statement."""
        ...

    def update(
        self, relation: str, values: Row, *, where: Where, returning: Sequence[str] = ()
    ) -> list[Row]: ...

    def delete(
        self, relation: str, *, where: Where, returning: Sequence[str] = ()
    ) -> list[Row]: ...

    def call(self, function: str, **parameters: Any) -> Any:
        """A database function: a value, a list of values, or a list of rows, as it is declared."""
        ...

    def most_rows(self) -> int:
        """How many rows one answer of a function may have; what would give more is asked for in
        parts."""
        ...
