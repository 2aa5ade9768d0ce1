"""The enrollments of one campaign, a page at a time, and what is done to many of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.database.gateway import Gateway
from crm.records.rows import in_parts, records_from

_AT_ONCE = 1000
_MOST_WORDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentFilter:
    """All that is given must hold; empty means any. `steps` are those of the e-mail to come. Every
    word of `text` stands somewhere in the contact's name, company, address, phone or tags."""

    statuses: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    steps: tuple[int, ...] = ()
    owner_id: str | None = None
    text: str = ""

    def as_json(self) -> str:
        """For find_enrollments (migrations/20261121002800_manager_lists.sql)."""
        return json.dumps(
            {
                "statuses": self.statuses,
                "reasons": self.reasons,
                "steps": self.steps,
                "owner": self.owner_id,
                "words": self.text.split()[:_MOST_WORDS],
            }
        )


@dataclass(frozen=True, slots=True)
class ListedEnrollment:
    """`next_position` of `step_count` says how far along; `may_change` is about the reader."""

    id: str
    contact_id: str
    contact_name: str
    email: str | None
    company_name: str
    owner_name: str | None
    status: str
    reason: str
    run: int
    enrolled_at: datetime
    ended_at: datetime | None
    next_send_at: datetime | None
    last_sent_at: datetime | None
    next_template_name: str | None
    next_position: int | None
    step_count: int
    may_change: bool


class CampaignEnrollmentRecords:
    """The newest first everywhere."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def page(
        self, campaign_id: str, wanted: EnrollmentFilter, *, before: str | None = None, size: int
    ) -> list[ListedEnrollment]:
        """`before` is the last id of the page before, `size` ≤ 1,000."""
        rows = self._gateway.call(
            "find_enrollments",
            p_campaign=campaign_id,
            p_filter=wanted.as_json(),
            p_before=before,
            p_limit=size,
        )
        return records_from(ListedEnrollment, rows)

    def count(self, campaign_id: str, wanted: EnrollmentFilter, *, most: int) -> int:
        """How many fit, counted up to `most`."""
        return int(
            self._gateway.call(
                "count_enrollments", p_campaign=campaign_id, p_filter=wanted.as_json(), p_most=most
            )
        )

    def ids(self, campaign_id: str, wanted: EnrollmentFilter) -> list[str]:
        """Of all that fit."""
        found: list[str] = []
        size = min(_AT_ONCE, self._gateway.most_rows())
        while True:
            page = self._gateway.call(
                "find_enrollment_ids",
                p_campaign=campaign_id,
                p_filter=wanted.as_json(),
                p_before=found[-1] if found else None,
                p_limit=size,
            )
            found += page
            if len(page) < size:
                return found

    def all(
        self, campaign_id: str, wanted: EnrollmentFilter, *, most: int
    ) -> Iterator[ListedEnrollment]:
        """Up to `most` of all that fit, a page at a time."""
        size, last, given = min(_AT_ONCE, self._gateway.most_rows()), None, 0
        while given < most:
            page = self.page(campaign_id, wanted, before=last, size=min(size, most - given))
            yield from page
            given += len(page)
            if len(page) < size:
                return
            last = page[-1].id

    def restart(self, enrollment_ids: Sequence[str], *, now: datetime) -> Mapping[str, int]:
        """Each begins again with its first e-mail. How many of each outcome: restarted, not_yours,
        not_the_latest, may_not_be_written_to, in_another_type_campaign."""
        outcomes: Counter[str] = Counter()
        for some in in_parts(enrollment_ids, _AT_ONCE):
            for row in self._gateway.call("restart_enrollments", p_enrollments=some, p_now=now):
                outcomes[row["outcome"]] += row["enrollments"]
        return outcomes
