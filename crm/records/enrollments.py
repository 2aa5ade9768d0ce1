"""Enrollments: who is in which campaign, and how far along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from crm.database.gateway import Gateway, Row
from crm.records.rows import columns_of, in_parts, records_from

Action = Literal["pause", "resume", "stop"]
# What came of leaving out a step; only the first changed anything.
SkipOutcome = Literal["skipped", "not_next", "over", "under_way", "unconfirmed", "failed"]


@dataclass(frozen=True, slots=True)
class Enrollment:
    """`next_position` of `step_count` says how far along; `reason` is an EnrollmentReason.

    `waits_for_name` is the campaign that has to end first, while the reason is waits_for_other.
    """

    id: str
    contact_id: str
    contact_name: str
    email: str | None
    company_name: str
    campaign_id: str
    campaign_name: str
    campaign_key: str
    campaign_status: str
    status: str
    reason: str
    run: int
    source: str
    enrolled_at: datetime
    ended_at: datetime | None
    next_step: int | None
    next_send_at: datetime | None
    last_sent_at: datetime | None
    next_template_id: str | None
    next_template_name: str | None
    next_position: int | None
    step_count: int
    sent_count: int
    waits_for_name: str | None


@dataclass(frozen=True, slots=True)
class EnrollmentOutcome:
    """What came of enrolling one contact: `enrolled`, or why not (enroll_contacts lists them)."""

    contact_id: str
    outcome: str


class EnrollmentRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def of_contact(self, contact_id: str) -> list[Enrollment]:
        """All enrollments of a contact, newest first."""
        return self._list({"contact_id": contact_id}, ["enrolled_at desc"], None)

    def count_due(self, *, now: datetime) -> int:
        """Active enrollments of running campaigns whose next e-mail is due."""
        return sum(step["due"] for step in self._gateway.call("due_by_step", p_now=now))

    def enroll(
        self, contact_ids: Sequence[str], *, campaign_id: str | None, source: str, now: datetime
    ) -> list[EnrollmentOutcome]:
        """Enroll in a campaign, or (None) in the campaign of each contact's type. One statement,
        or over REST one for as many as an answer has rows."""
        rows: list[Row] = []
        for some in in_parts(contact_ids, self._gateway.most_rows()):
            rows += self._gateway.call(
                "enroll_contacts",
                p_contacts=some,
                p_campaign=campaign_id,
                p_source=source,
                p_now=now,
            )
        return records_from(EnrollmentOutcome, rows)

    def change(self, enrollment_ids: Sequence[str], action: Action, *, now: datetime) -> int:
        """Pause (keeps its place), resume or stop; returns how many changed."""
        return int(
            self._gateway.call(
                "change_enrollments", p_enrollments=list(enrollment_ids), p_action=action, p_now=now
            )
        )

    def stop_all(self, contact_id: str, *, now: datetime) -> int:
        live = [e.id for e in self.of_contact(contact_id) if e.status in {"active", "paused"}]
        return self.change(live, "stop", now=now) if live else 0

    def restart(self, enrollment_id: str, *, now: datetime) -> str:
        """Begin again with the first e-mail, as a new run; returns the new enrollment's id."""
        return str(self._gateway.call("restart_enrollment", p_enrollment=enrollment_id, p_now=now))

    def skip_step(self, enrollment_id: str, step: int, *, now: datetime) -> SkipOutcome:
        """Leave out the e-mail it waits for: in this run it is never sent, and the following one
        comes its delay from now. Nothing changes while an e-mail is under way or unconfirmed, after
        one that failed (resuming goes on behind it), or if it went on meanwhile.

        Raises:
            NotAllowedError: for a colleague's contact.
        """
        outcome: SkipOutcome = self._gateway.call(
            "skip_step", p_enrollment=enrollment_id, p_step=step, p_now=now
        )
        return outcome

    def undo_skip(self, enrollment_id: str, step: int, *, now: datetime) -> bool:
        """Put a skipped e-mail back to when it was due, if nothing has been sent or taken up since
        and the enrollment was not paused then; False if it is too late."""
        outcome = self._gateway.call(
            "undo_skip", p_enrollment=enrollment_id, p_step=step, p_now=now
        )
        return bool(outcome == "put_back")

    def _list(self, where: Row, order: list[str], limit: int | None) -> list[Enrollment]:
        rows = self._gateway.select(
            "enrollment_list", columns=columns_of(Enrollment), where=where, order=order, limit=limit
        )
        return records_from(Enrollment, rows)
