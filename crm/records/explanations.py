"""Why did, or didn't, this contact get that e-mail? One plain sentence for every step."""

from __future__ import annotations

from datetime import datetime, tzinfo

from crm.database.gateway import Gateway
from crm.records.explanation_facts import EnrollmentFacts, Explanation, Standing, StepFacts
from crm.records.explanation_sentences import explain, why_not_enrolled
from crm.records.rows import record_from, records_from

__all__ = [
    "EnrollmentFacts",
    "Explanation",
    "ExplanationRecords",
    "Standing",
    "StepFacts",
    "explain",
    "why_not_enrolled",
]


class ExplanationRecords:
    """For contacts the reader may change; of others nothing is told."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def of_contact(self, contact_id: str, *, now: datetime, zone: tzinfo) -> list[Explanation]:
        """Every step of every campaign it is or was in, the newest campaign first."""
        rows = self._gateway.call("explain_steps", p_contact=contact_id, p_now=now)
        return [explain(facts, now=now, zone=zone) for facts in records_from(StepFacts, rows)]

    def why_not_enrolled(self, contact_id: str, *, zone: tzinfo) -> str | None:
        """Why the campaign of its type does not write to it; None where it does or did."""
        rows = self._gateway.call("explain_enrollment", p_contact=contact_id)
        return why_not_enrolled(record_from(EnrollmentFacts, rows[0]), zone=zone) if rows else None
