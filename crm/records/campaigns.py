"""Campaigns: their status, counts and send window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from crm.database.gateway import Gateway
from crm.records.rows import columns_of, records_from

# How private.trip_breakers() begins the reason it writes.
_BREAKER_WORDS = "Stopped by itself: "


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign with its counts. The window is in each contact's local time."""

    id: str
    key: str
    name: str
    description: str
    status: str
    paused_reason: str
    window_days: tuple[int, ...]
    window_start: time
    window_end: time
    respect_holidays: bool
    active_count: int
    paused_count: int
    completed_count: int
    stopped_count: int
    held_count: int
    step_count: int
    next_send_at: datetime | None

    @property
    def stopped_itself(self) -> bool:
        """A breaker paused it: too many of its e-mails bounced, were refused or marked as spam."""
        return self.status == "paused" and self.paused_reason.startswith(_BREAKER_WORDS)


@dataclass(frozen=True, slots=True)
class CampaignRules:
    """What the scheduler needs of a campaign, without the counts."""

    id: str
    key: str
    window_days: tuple[int, ...]
    window_start: time
    window_end: time
    respect_holidays: bool


@dataclass(frozen=True, slots=True)
class SequenceStep:
    """A published e-mail. `delay_days` after the one before it; the subject is as written."""

    step: int
    position: int
    name: str
    subject: str
    delay_days: int


class CampaignRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def overview(self) -> list[Campaign]:
        """Every campaign that is not archived, with its counts, in the order of contact types."""
        rows = self._gateway.call("campaign_states")
        return [c for c in records_from(Campaign, rows) if c.status != "archived"]

    def sequence(self, campaign_id: str) -> list[SequenceStep]:
        """What a campaign sends today, in its order."""
        rows = self._gateway.select(
            "drip_campaign_templates",
            columns=columns_of(SequenceStep),
            where={"campaign_id": campaign_id, "status": "published"},
            order=["position"],
        )
        return records_from(SequenceStep, rows)

    def all_rules(self) -> list[CampaignRules]:
        rows = self._gateway.select(
            "drip_campaigns", columns=columns_of(CampaignRules), order=["id"]
        )
        return records_from(CampaignRules, rows)

    def pause(self, campaign_id: str, *, reason: str, now: datetime) -> bool:
        """Nothing of it is sent until it is resumed; every enrollment keeps its place."""
        values = {"status": "paused", "paused_reason": reason, "updated_at": now}
        return self._update(campaign_id, values)

    def resume(self, campaign_id: str, *, now: datetime) -> bool:
        return self._update(
            campaign_id, {"status": "active", "paused_reason": "", "updated_at": now}
        )

    def set_window(
        self,
        campaign_id: str,
        *,
        days: Sequence[int],
        start: time,
        end: time,
        respect_holidays: bool,
        now: datetime,
    ) -> bool:
        """When e-mails may leave, in each contact's local time; an end of 00:00 is midnight."""
        values = {
            "window_days": sorted(days),
            "window_start": start,
            "window_end": end,
            "respect_holidays": respect_holidays,
            "updated_at": now,
        }
        return self._update(campaign_id, values)

    def _update(self, campaign_id: str, values: dict[str, object]) -> bool:
        changed = self._gateway.update(
            "drip_campaigns", values, where={"id": campaign_id}, returning=["id"]
        )
        return bool(changed)
