"""What an explanation is made of, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Standing(StrEnum):
    """Where a step stands, for its colour. `came_back` was sent and did not arrive."""

    SENT = "sent"
    CAME_BACK = "came_back"
    WAITING = "waiting"
    HELD = "held"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """A row of explain_steps(): one step of a campaign the contact is or was in.

    `place` counts the steps as they stand today (None: taken out since); `tried_at` is when the
    e-mail was handed over, or taken up where it was not. All moments are aware UTC.
    """

    campaign_key: str
    campaign_name: str
    campaign_status: str
    campaign_reason: str
    step: int
    place: int | None
    steps: int
    template_name: str
    delay_days: int
    enrollment_status: str
    enrollment_reason: str
    ended_at: datetime | None
    next_place: int | None
    next_send_at: datetime | None
    send_status: str | None
    send_reason: str | None
    provider: str | None
    tried_at: datetime | None
    lease_until: datetime | None
    settled_at: datetime | None
    delivered_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    trouble: str | None
    trouble_reason: str | None
    complained_at: datetime | None
    received_before: datetime | None
    decision_reason: str | None
    decision: str | None
    decided_at: datetime | None
    decision_until: datetime | None
    has_address: bool
    email_status: str
    email_status_reason: str
    archived_at: datetime | None
    quiet_until: datetime | None
    quiet_reason: str
    suppressed: bool
    halted_because: str | None
    account_is_full: bool

    @property
    def is_next(self) -> bool:
        return self.place is not None and self.place == self.next_place

    @property
    def is_behind(self) -> bool:
        """Another e-mail of the campaign comes first."""
        return None not in (self.place, self.next_place) and not self.is_passed and not self.is_next

    @property
    def is_passed(self) -> bool:
        return (self.place or 0) < (self.next_place or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentFacts:
    """A row of explain_enrollment(): the campaign of the contact's type, and what keeps it out."""

    type_label: str
    campaign_name: str | None
    campaign_status: str | None
    has_emails: bool
    joined: bool
    enrolled: bool
    other_campaign: str | None
    has_address: bool
    email_status: str
    email_status_reason: str
    archived_at: datetime | None
    suppressed: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """One step of `steps` and the sentence about it."""

    campaign_key: str
    campaign_name: str
    step: int
    place: int | None
    steps: int
    template_name: str
    standing: Standing
    sentence: str
