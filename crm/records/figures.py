"""What is counted: one frozen row a campaign, step, day, cohort and contact type.

Counts of e-mails are e-mails, not events: an e-mail opened five times counts once. Shares are None
where there is nothing to divide by. crm/ui/figure_words.py says each of them in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` up to, and without, `until`: aware UTC."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since.utcoffset() is None or self.until.utcoffset() is None:
            raise ValueError("A period is told in aware datetimes.")
        if self.until <= self.since:
            raise ValueError("A period ends after it begins.")

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    @property
    def before(self) -> Period:
        """The equally long period before it."""
        return Period(self.since - self.length, self.since)


@dataclass(frozen=True, slots=True)
class EmailFigures:
    """E-mails handed over in a period, and what became of them until now.

    `opened` and `clicked` are by people; `_raw` counts machines too. Every e-mail sent is
    delivered, bounced, dropped, or not heard of yet.
    """

    sent: int
    delivered: int
    bounced: int
    dropped: int
    opened: int
    opened_raw: int
    clicked: int
    clicked_raw: int
    replied: int
    complained: int
    unsubscribed: int
    converted: int

    @property
    def delivery_rate(self) -> float | None:
        return share(self.delivered, self.sent)

    @property
    def bounce_rate(self) -> float | None:
        return share(self.bounced, self.sent)

    @property
    def open_rate(self) -> float | None:
        return share(self.opened, self.delivered)

    @property
    def open_rate_raw(self) -> float | None:
        return share(self.opened_raw, self.delivered)

    @property
    def click_rate(self) -> float | None:
        return share(self.clicked, self.delivered)

    @property
    def click_rate_raw(self) -> float | None:
        return share(self.clicked_raw, self.delivered)

    @property
    def reply_rate(self) -> float | None:
        return share(self.replied, self.delivered)

    @property
    def complaint_rate(self) -> float | None:
        return share(self.complained, self.delivered)

    @property
    def unsubscribe_rate(self) -> float | None:
        return share(self.unsubscribed, self.delivered)

    @property
    def conversion_rate(self) -> float | None:
        return share(self.converted, self.delivered)


@dataclass(frozen=True, slots=True)
class StepFigures(EmailFigures):
    """One e-mail of a campaign. `position` is None for one that was taken out of the sequence."""

    campaign_id: str
    step: int
    position: int | None
    name: str


@dataclass(frozen=True, slots=True)
class CampaignFigures(EmailFigures):
    """A campaign in a period. `enrolled`, `completed`, `stopped` and `succeeded` are enrollments:
    begun, or ended, in the period; succeeded: begun in it and answered or converted since."""

    campaign_id: str
    key: str
    name: str
    status: str
    enrolled: int
    completed: int
    stopped: int
    succeeded: int
    converted_contacts: int
    median_days_to_conversion: float | None

    @property
    def completion_rate(self) -> float | None:
        return share(self.completed, self.completed + self.stopped)

    @property
    def success_rate(self) -> float | None:
        return share(self.succeeded, self.enrolled)


@dataclass(frozen=True, slots=True)
class DayFigures:
    """E-mails handed over on a day of the viewer's zone, and what became of them until now."""

    day: date
    sent: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    replied: int = 0
    unsubscribed: int = 0
    converted: int = 0


@dataclass(frozen=True, slots=True)
class CohortFigures:
    """The enrollments begun in a month (its first day), and how many of them got an e-mail, opened
    one, and so on, until now. Every figure counts enrollments."""

    month: date
    enrolled: int = 0
    sent: int = 0
    opened: int = 0
    clicked: int = 0
    replied: int = 0
    completed: int = 0
    unsubscribed: int = 0
    converted: int = 0


@dataclass(frozen=True, slots=True)
class TypeFigures:
    """The contacts that have a type now and are not archived. Every figure counts contacts, and
    what they ever did: enrolled in any campaign, opened, clicked, answered, moved forward."""

    contact_type: str
    label: str
    contacts: int
    enrolled: int
    opened: int
    clicked: int
    replied: int
    converted: int
