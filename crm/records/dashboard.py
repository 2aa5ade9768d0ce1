"""What the dashboard asks for and no other page does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from crm.database.gateway import Gateway
from crm.records.rows import records_from


@dataclass(frozen=True, slots=True)
class Reaction:
    """A contact who replied to an e-mail or clicked in one: when last, and how often lately.
    `subject` is as the person got it, or as written, merge fields and all, where that is not known.
    It and the campaign's name are None where a reply could not be told to belong to an e-mail."""

    contact_id: str
    contact_name: str
    email: str | None
    company_name: str
    event: Literal["reply", "click"]
    occurred_at: datetime
    times: int
    subject: str | None
    campaign_name: str | None


class DashboardRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def reactions(self, *, mine: bool, since: datetime, limit: int) -> list[Reaction]:
        """Replies first, then clicks, each the latest first; machines are left out. Sales people
        see those of their own contacts, whatever `mine` says."""
        rows = self._gateway.call("recent_reactions", p_mine=mine, p_since=since, p_limit=limit)
        return records_from(Reaction, rows)

    def due_by_campaign(self, until: datetime) -> Mapping[str, int]:
        """E-mails due before a moment, by the key of their campaign; running campaigns only."""
        due: dict[str, int] = {}
        for step in self._gateway.call("due_by_step", p_now=until):
            due[step["campaign"]] = due.get(step["campaign"], 0) + step["due"]
        return due
