"""One sentence for every e-mail that went, came back, or was not sent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crm.records.explanations import EnrollmentFacts, why_not_enrolled
from tests.cast import NOW
from tests.unit.step_facts import DAY, NEW_YORK, OVER, SENT, Case, told_of

WENT: dict[str, Case] = {
    "without any report yet": (
        SENT,
        "Sent Mon 9 Mar 2026, 11:00; its delivery has not been reported yet.",
    ),
    "with every report": (
        SENT
        | {
            "send_status": "delivered",
            "delivered_at": NOW - DAY + timedelta(minutes=2),
            "opened_at": NOW,
            "clicked_at": NOW + timedelta(minutes=1),
        },
        "Sent Mon 9 Mar 2026, 11:00, delivered at 11:02, opened on Tue 10 Mar 2026, 11:00,"
        " clicked at 11:01.",
    ),
    "delivered without a moment": (
        SENT | {"send_status": "delivered"},
        "Sent Mon 9 Mar 2026, 11:00 and delivered.",
    ),
    "marked as spam": (
        SENT | {"send_status": "delivered", "delivered_at": NOW - DAY, "complained_at": NOW},
        "Sent Mon 9 Mar 2026, 11:00, delivered at 11:00, marked as spam on Tue 10 Mar 2026, 11:00.",
    ),
    "proven by reports": (
        SENT | {"decision_reason": "proven_sent", "decision": "…", "decided_at": NOW},
        "Sent Mon 9 Mar 2026, 11:00; its delivery has not been reported yet; the provider's answer"
        " was lost, and its reports proved that it went out.",
    ),
    "marked as sent": (
        SENT | {"decision_reason": "decided_by_hand", "decided_at": NOW, "delivered_at": NOW - DAY},
        "Sent Mon 9 Mar 2026, 11:00, delivered at 11:00; somebody knew that it went out and marked"
        " it as sent.",
    ),
    "sent again by hand before": (
        SENT
        | {
            "decision_reason": "decided_by_hand",
            "decided_at": NOW - 2 * DAY,
            "delivered_at": NOW - DAY,
        },
        "Sent Mon 9 Mar 2026, 11:00, delivered at 11:00.",
    ),
    "to the outbox": (
        SENT | {"provider": "outbox"},
        "Written to the local outbox Mon 9 Mar 2026, 11:00; nothing left this machine.",
    ),
    "after the campaign ended": (
        SENT | OVER | {"enrollment_reason": "replied", "send_status": "delivered"},
        "Sent Mon 9 Mar 2026, 11:00 and delivered.",
    ),
}


@pytest.mark.parametrize("case", WENT)
def test_what_went_says_when_and_what_became_of_it(case: str) -> None:
    facts, sentence = WENT[case]
    told = told_of(**facts)
    assert (told.standing, told.sentence) == ("sent", sentence)


CAME_BACK: dict[str, Case] = {
    "bounced": (
        {"send_status": "bounced", "trouble": "bounce", "trouble_reason": "550 no such user."},
        "Sent Mon 9 Mar 2026, 11:00, but it bounced (550 no such user).",
    ),
    "bounced without a reason": (
        {"send_status": "bounced", "trouble": "bounce", "trouble_reason": ""},
        "Sent Mon 9 Mar 2026, 11:00, but it bounced.",
    ),
    "dropped": (
        {"send_status": "dropped", "trouble": "dropped", "trouble_reason": "Bounced Address"},
        "Handed over Mon 9 Mar 2026, 11:00, but the provider dropped it (Bounced Address).",
    ),
    "turned away": (
        {"trouble": "blocked", "trouble_reason": "mailbox\n full"},
        "Sent Mon 9 Mar 2026, 11:00, but the receiving server turned it away (mailbox full).",
    ),
}


@pytest.mark.parametrize("case", CAME_BACK)
def test_what_came_back_says_why(case: str) -> None:
    facts, sentence = CAME_BACK[case]
    told = told_of(**SENT | facts)
    assert (told.standing, told.sentence) == ("came_back", sentence)


NOT_SENT: dict[str, Case] = {
    "too late": (
        {
            "send_status": "failed",
            "decision_reason": "step_expired",
            "settled_at": NOW - DAY,
            "place": 1,
        },
        "Left out on Mon 9 Mar 2026, 11:00: by then it was too late to be of use.",
    ),
    "refused, and everything went on": (
        {
            "send_status": "failed",
            "send_reason": "It is too large",
            "settled_at": NOW - DAY,
            "place": 1,
        },
        "Could not be sent on Mon 9 Mar 2026, 11:00 (It is too large).",
    ),
    "its place was passed": (
        {"place": 1},
        "Left out: it was added later, or moved to a place the contact had passed.",
    ),
    "added after the end": (
        {"enrollment_status": "completed", "ended_at": NOW - DAY, "next_place": None},
        "Left out: the contact completed Lead on Mon 9 Mar 2026, 11:00 without it; it was added"
        " later, or moved to a place the contact had passed.",
    ),
    "taken out before it left": (
        {"place": None, "send_status": "retry", "next_place": 2},
        "Not sent: it was taken out of the campaign before it could leave.",
    ),
    "replied": (
        OVER | {"enrollment_reason": "replied"},
        "Not sent: Lead ended on Mon 9 Mar 2026, 11:00, before this e-mail, because the contact"
        " replied.",
    ),
    "bounced": (
        OVER
        | {
            "enrollment_reason": "bounced",
            "email_status": "bounced",
            "email_status_reason": "550 unknown.",
        },
        "Not sent: Lead ended on Mon 9 Mar 2026, 11:00, before this e-mail, because the address"
        " bounced (550 unknown).",
    ),
    "stopped just before it was prepared": (
        OVER | {"send_status": "claimed", "lease_until": NOW + DAY},
        "Not sent: Lead ended on Mon 9 Mar 2026, 11:00, before this e-mail.",
    ),
    "archived contact": (
        {"archived_at": NOW - DAY},
        "Not sent: the contact was archived on Mon 9 Mar 2026, 11:00.",
    ),
    "no address": ({"has_address": False}, "Not sent: the contact has no e-mail address."),
    "unsubscribed": (
        {"email_status": "unsubscribed", "email_status_reason": "Used the unsubscribe link."},
        "Not sent: the contact unsubscribed (Used the unsubscribe link).",
    ),
    "suppressed": ({"suppressed": True}, "Not sent: the address is on the suppression list."),
    "archived campaign": (
        {"campaign_status": "archived", "enrollment_status": "paused"},
        "Not sent: the campaign Lead is archived.",
    ),
}


@pytest.mark.parametrize("case", NOT_SENT)
def test_what_was_not_sent_says_why(case: str) -> None:
    facts, sentence = NOT_SENT[case]
    told = told_of(**facts)
    assert (told.standing, told.sentence) == ("not_sent", sentence)


def test_a_provider_s_page_of_html_is_cut_short() -> None:
    told = told_of(**SENT | {"send_status": "bounced", "trouble_reason": "x" * 5000})
    assert told.sentence.endswith("x…).")
    assert len(told.sentence) < 300


OUTSIDE = EnrollmentFacts(
    type_label="Lead",
    campaign_name="Lead",
    campaign_status="active",
    has_emails=True,
    joined=False,
    enrolled=False,
    other_campaign=None,
    has_address=True,
    email_status="ok",
    email_status_reason="",
    archived_at=None,
    suppressed=False,
)
NOT_ENROLLED: dict[str, tuple[dict[str, Any], str | None]] = {
    "it is": ({"joined": True}, None),
    "in another, and its type has none": ({"campaign_name": None, "enrolled": True}, None),
    "archived": (
        {"archived_at": NOW},
        "No campaign writes to this contact: the contact was archived on Tue 10 Mar 2026, 11:00.",
    ),
    "no address": (
        {"has_address": False},
        "No campaign writes to this contact: the contact has no e-mail address.",
    ),
    "bounced": (
        {"email_status": "bounced", "email_status_reason": "550."},
        "No campaign writes to this contact: the address bounced (550).",
    ),
    "suppressed": (
        {"suppressed": True},
        "No campaign writes to this contact: the address is on the suppression list.",
    ),
    "a type without a campaign": (
        {"type_label": "Partner", "campaign_name": None, "has_emails": False},
        "No campaign writes to this contact: the type Partner has none.",
    ),
    "an archived campaign": (
        {"campaign_status": "archived"},
        "Lead does not write to this contact: the campaign is archived.",
    ),
    "an empty campaign": (
        {"has_emails": False},
        "Lead does not write to this contact: it has no published e-mails.",
    ),
    "another type's": (
        {"other_campaign": "Client", "enrolled": True},
        "Lead does not write to this contact: the contact is in Client, the campaign of another"
        " type.",
    ),
    "nobody did": ({}, "Lead does not write to this contact: nobody enrolled this contact in it."),
}


@pytest.mark.parametrize("case", NOT_ENROLLED)
def test_a_contact_outside_the_campaign_of_its_type_is_told_why(case: str) -> None:
    facts, sentence = NOT_ENROLLED[case]
    assert why_not_enrolled(replace(OUTSIDE, **facts), zone=NEW_YORK) == sentence
