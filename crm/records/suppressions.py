"""The addresses nobody may write to, and lifting what stops mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.database.gateway import Filter, Gateway, matching
from crm.records.rows import columns_of, record_from, records_from

_PAGE = 1000  # what the REST interface gives at most


@dataclass(frozen=True, slots=True)
class Suppression:
    """`reason` is unsubscribed, hard_bounce, complaint, invalid, opted_out or manual."""

    id: int
    email: str
    reason: str
    source: str
    created_at: datetime


class SuppressionRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def all(self) -> Iterator[Suppression]:
        """Every one, the oldest first, a page at a time."""
        last = 0
        while True:
            rows = self._gateway.select(
                "suppressions",
                columns=columns_of(Suppression),
                where={"id": Filter(">", last)},
                order=["id"],
                limit=_PAGE,
            )
            page = records_from(Suppression, rows)
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1].id

    def get(self, email: str) -> Suppression | None:
        """That of an address, normalised (crm.mail.addresses)."""
        rows = self._gateway.select(
            "suppressions", columns=columns_of(Suppression), where={"email": email}
        )
        return record_from(Suppression, rows[0]) if rows else None

    def find(self, text: str, *, limit: int = 20) -> list[Suppression]:
        """Those whose address contains the text, the newest first."""
        rows = self._gateway.select(
            "suppressions",
            columns=columns_of(Suppression),
            where={"email": matching(text)},
            order=["id desc"],
            limit=limit,
        )
        return records_from(Suppression, rows)

    def add(
        self, emails: Sequence[str], reasons: Sequence[str], *, source: str, now: datetime
    ) -> int:
        """Suppress addresses, each with its reason. A weaker reason gives way to a stronger one;
        nothing is lifted. Returns how many were new."""
        return int(
            self._gateway.call(
                "add_suppressions",
                p_emails=list(emails),
                p_reasons=list(reasons),
                p_source=source,
                p_now=now,
            )
        )

    def lift(self, email: str, *, reason: str, now: datetime) -> bool:
        """Let an address be written to again (admins only). A contact with it is free as well, and
        nothing is enrolled by itself. Who, when and why stand in the audit log. False if the
        address is not on the list.

        Raises:
            RuleBrokenError: without a reason.
            NotAllowedError: for anybody but an admin.
        """
        return bool(
            self._gateway.call("lift_suppression", p_email=email, p_reason=reason, p_now=now)
        )

    def end_quiet(self, contact_id: str, *, now: datetime) -> bool:
        """End an out-of-office hold (the contact's owner or an admin): what waited for it is due at
        once. False if there is none.

        Raises:
            RuleBrokenError: if the person asked for the pause: that is not shortened.
            NotAllowedError: for a colleague's contact.
        """
        return bool(self._gateway.call("end_quiet", p_contact=contact_id, p_now=now))
