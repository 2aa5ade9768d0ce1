"""The facts of an e-mail that is due now, and how tests tell a difference from it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crm.records.explanations import Explanation, StepFacts, explain
from tests.cast import NOW

NEW_YORK = ZoneInfo("America/New_York")  # four hours behind UTC on that day
DAY = timedelta(days=1)
Case = tuple[dict[str, Any], str]

NEXT = StepFacts(
    campaign_key="lead",
    campaign_name="Lead",
    campaign_status="active",
    campaign_reason="",
    step=2,
    place=2,
    steps=6,
    template_name="A look at the numbers",
    delay_days=3,
    enrollment_status="active",
    enrollment_reason="",
    ended_at=None,
    next_place=2,
    next_send_at=NOW - timedelta(hours=1),
    send_status=None,
    send_reason=None,
    provider=None,
    tried_at=None,
    lease_until=None,
    settled_at=None,
    delivered_at=None,
    opened_at=None,
    clicked_at=None,
    trouble=None,
    trouble_reason=None,
    complained_at=None,
    received_before=None,
    decision_reason=None,
    decision=None,
    decided_at=None,
    decision_until=None,
    has_address=True,
    email_status="ok",
    email_status_reason="",
    archived_at=None,
    quiet_until=None,
    quiet_reason="",
    suppressed=False,
    halted_because=None,
    account_is_full=False,
)
TRIED: dict[str, Any] = {"tried_at": NOW - DAY, "provider": "sendgrid"}
SENT: dict[str, Any] = TRIED | {"send_status": "accepted", "place": 1, "next_place": 2}
OVER: dict[str, Any] = {"enrollment_status": "stopped", "ended_at": NOW - DAY}


def told_of(**facts: Any) -> Explanation:
    return explain(replace(NEXT, **facts), now=NOW, zone=NEW_YORK)
