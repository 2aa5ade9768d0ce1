"""Discovery calls: drafts of colleagues, what was submitted, and who looks after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.database.gateway import IS_NULL, Filter, Gateway, Row, among
from crm.records.rows import columns_of, record_from, records_from

Answers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Draft:
    """A call that is not submitted yet; only its writer sees it. Times are aware UTC."""

    id: str
    contact_id: str | None
    answers: Answers
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a submission, in the codes of submit_discovery and private.lead_standing."""

    contact_outcome: str
    campaign_outcome: str


@dataclass(frozen=True, slots=True)
class Submitted:
    submission_id: str
    contact_id: str
    contact_outcome: str
    campaign_outcome: str


@dataclass(frozen=True, slots=True)
class Submission:
    """As the list shows it. `source` is staff or public; `repeats` counts how often the same person
    sent the public form again on the same day. Times are aware UTC."""

    id: str
    status: str
    source: str
    email: str | None
    contact_outcome: str
    campaign_outcome: str
    submitted_at: datetime
    updated_at: datetime
    repeats: int
    contact_id: str | None
    name: str | None
    company_name: str | None
    type_label: str | None
    archived: bool
    owner_id: str | None
    owner_name: str | None
    created_by: str | None
    assigned_to: str | None
    assigned_name: str | None
    submitted_by: str | None
    submitted_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionFilter:
    """All given ones must hold. `assigned_to` is a colleague's id; `unassigned` is nobody's."""

    statuses: tuple[str, ...] = ()
    source: str = ""
    assigned_to: str | None = None
    unassigned: bool = False

    def where(self) -> Row:
        wanted: Row = {}
        if self.statuses:
            wanted["status"] = among(self.statuses)
        if self.source:
            wanted["source"] = self.source
        if self.unassigned:
            wanted["assigned_to"] = IS_NULL
        elif self.assigned_to:
            wanted["assigned_to"] = self.assigned_to
        return wanted


@dataclass(frozen=True, slots=True)
class SubmissionPage:
    """Newest first; `next_before` asks for the following page."""

    submissions: tuple[Submission, ...]
    next_before: str | None


@dataclass(frozen=True, slots=True)
class FormSettings:
    """Of the public form: can anybody reach it, and does a campaign wait for a colleague?"""

    is_open: bool
    accept_first: bool


class DiscoveryRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    # Drafts

    def drafts(self, *, limit: int = 50) -> list[Draft]:
        """One's own, the latest first."""
        rows = self._gateway.select(
            "discovery_drafts",
            columns=columns_of(Draft),
            order=["updated_at desc", "id desc"],
            limit=limit,
        )
        return records_from(Draft, rows)

    def draft(self, draft_id: str) -> Draft | None:
        """None if it was submitted or discarded, or is a colleague's."""
        rows = self._gateway.select(
            "discovery_drafts", columns=columns_of(Draft), where={"id": draft_id}
        )
        return record_from(Draft, rows[0]) if rows else None

    def save_draft(
        self, draft_id: str | None, answers: Answers, *, contact_id: str | None, now: datetime
    ) -> str:
        """Returns its id: a new one where there was none, or it was discarded meanwhile.

        Raises:
            InvalidValueError: for more than 60,000 characters.
        """
        return str(
            self._gateway.call(
                "save_discovery_draft",
                p_draft=draft_id,
                p_contact=contact_id,
                p_answers=json.dumps(dict(answers)),
                p_now=now,
            )
        )

    def discard_draft(self, draft_id: str) -> bool:
        """False if it is no longer there."""
        gone = self._gateway.delete("discovery_drafts", where={"id": draft_id}, returning=["id"])
        return bool(gone)

    # Submitting

    def submit(
        self,
        draft_id: str,
        answers: Answers,
        *,
        contact_id: str | None,
        due_at: datetime | None,
        now: datetime,
    ) -> Submitted:
        """Make or promote the contact to lead, keep the answers, and put the next step on the
        contact, due at `due_at`; the draft goes. The answers arrive checked
        (crm.discovery_answers); without `contact_id` their address finds the contact.

        Raises:
            RuleBrokenError: if the draft was submitted already or the contact is gone.
        """
        rows = self._gateway.call(
            "submit_discovery",
            p_draft=draft_id,
            p_contact=contact_id,
            p_answers=json.dumps(dict(answers)),
            p_due=due_at,
            p_now=now,
        )
        return record_from(Submitted, rows[0])

    def post(self, answers: Answers, *, now: datetime) -> str:
        """What the public form sends (the service calls): taken, updated, ignored or closed."""
        return str(
            self._gateway.call("post_discovery", p_answers=json.dumps(dict(answers)), p_now=now)
        )

    # Looking after

    def page(
        self,
        wanted: SubmissionFilter,
        *,
        before: str | None = None,
        size: int = 25,
    ) -> SubmissionPage:
        where = wanted.where() | ({"id": Filter("<", before)} if before else {})
        rows = self._gateway.select(
            "discovery_list",
            columns=columns_of(Submission),
            where=where,
            order=["id desc"],
            limit=size + 1,
        )
        found = records_from(Submission, rows[:size])
        return SubmissionPage(tuple(found), found[-1].id if len(rows) > size else None)

    def counts(self) -> dict[str, int]:
        """Submissions by status; a status without any is left out."""
        rows = self._gateway.select("discovery_counts", order=["status"])
        return {row["status"]: int(row["submissions"]) for row in rows}

    def get(self, submission_id: str) -> Submission | None:
        rows = self._gateway.select(
            "discovery_list", columns=columns_of(Submission), where={"id": submission_id}
        )
        return record_from(Submission, rows[0]) if rows else None

    def answers(self, submission_id: str) -> tuple[Answers, tuple[Answers, ...]]:
        """The answers, and what the same person sent before, the oldest first."""
        rows = self._gateway.select(
            "discovery_submissions", columns=["answers", "earlier"], where={"id": submission_id}
        )
        row: Mapping[str, Any] = rows[0] if rows else {"answers": {}, "earlier": []}
        return row["answers"], tuple(row["earlier"])

    def triage(
        self,
        submission_id: str,
        *,
        status: str,
        assigned_to: str | None,
        seen: str | None,
        now: datetime,
    ) -> bool:
        """Set the status and who has it; a contact of the website's form that nobody looks after
        becomes theirs. False if by now somebody other than `seen` has it.

        Raises:
            RuleBrokenError: for a colleague who has left.
        """
        return bool(
            self._gateway.call(
                "triage_discovery",
                p_submission=submission_id,
                p_new_status=status,
                p_assigned_to=assigned_to,
                p_seen=seen,
                p_now=now,
            )
        )

    def accept(self, submission_id: str, *, now: datetime) -> Outcome:
        """Take the contact out of the archive, promote it, and start its campaign.

        Raises:
            NotAllowedError: for a colleague's contact.
            RuleBrokenError: if the contact is gone.
        """
        rows = self._gateway.call("accept_discovery", p_submission=submission_id, p_now=now)
        return record_from(Outcome, rows[0])

    # The public form

    def form_settings(self) -> FormSettings:
        """For staff and the service; others read a closed form."""
        rows = self._gateway.call("discovery_form")
        return record_from(FormSettings, rows[0]) if rows else FormSettings(False, False)

    def change_form(self, wanted: FormSettings, *, now: datetime) -> None:
        """Admins only."""
        self._gateway.call(
            "change_discovery_form",
            p_open=wanted.is_open,
            p_accept_first=wanted.accept_first,
            p_now=now,
        )
