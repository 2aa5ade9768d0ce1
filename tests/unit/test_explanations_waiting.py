"""One sentence for every e-mail that is still to come, or held."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.records.explanations import explain
from tests.cast import NOW
from tests.unit.step_facts import DAY, NEXT, TRIED, Case, told_of

WAITS: dict[str, Case] = {
    "being prepared": (
        TRIED | {"send_status": "claimed", "lease_until": NOW + DAY, "next_send_at": None},
        "Being prepared right now.",
    ),
    "being sent": (
        TRIED | {"send_status": "handed_over", "lease_until": NOW + DAY, "next_send_at": None},
        "Being sent right now.",
    ),
    "due in the future": (
        {"next_send_at": NOW + DAY},
        "Due Wed 11 Mar 2026, 11:00; it leaves within the sending hours.",
    ),
    "moved by the window": (
        {
            "next_send_at": NOW + DAY,
            "decision_until": NOW + DAY,
            "decision_reason": "outside_send_window",
            "decision": "Outside sending hours (Mon–Fri 09:00–17:00, America/New_York); next…",
        },
        "Waits until Wed 11 Mar 2026, 11:00: outside sending hours (Mon–Fri 09:00–17:00,"
        " America/New York).",
    ),
    "moved by a holiday": (
        {
            "next_send_at": NOW + DAY,
            "decision_until": NOW + DAY,
            "decision_reason": "holiday",
            "decision": "Tue 10 Mar is a public holiday in US: Test Day; next opening Wed.",
        },
        "Waits until Wed 11 Mar 2026, 11:00: Tue 10 Mar is a public holiday in US: Test Day.",
    ),
    "moved by a missing value": (
        {
            "next_send_at": NOW + DAY,
            "decision_until": NOW + DAY,
            "decision_reason": "missing_merge_value",
            "decision": "This contact has no contact.first_name, and there is no default.",
        },
        "Waits until Wed 11 Mar 2026, 11:00: a value it needs is missing (this contact has no"
        " first name, and there is no default).",
    ),
    "moved once, and moved again since": (
        {
            "next_send_at": NOW + 2 * DAY,
            "decision_until": NOW + DAY,
            "decision_reason": "holiday",
            "decision": "Long past",
        },
        "Due Thu 12 Mar 2026, 11:00; it leaves within the sending hours.",
    ),
    "due now": (
        {},
        "Due since Tue 10 Mar 2026, 10:00; it leaves with the next run within the sending hours.",
    ),
    "the opening it was moved to has come": (
        {
            "decision_until": NOW - timedelta(hours=1),
            "decision_reason": "outside_send_window",
            "decision": "Outside sending hours",
        },
        "Due since Tue 10 Mar 2026, 10:00; it leaves with the next run within the sending hours.",
    ),
    "the provider was away": (
        {"decision_reason": "provider_unreachable", "decision": "HTTP 503 from the provider."},
        "Due since Tue 10 Mar 2026, 10:00; the next run takes it up again, because the provider"
        " did not take it (HTTP 503 from the provider).",
    ),
    "the account's day is full": (
        {"account_is_full": True},
        "Due since Tue 10 Mar 2026, 10:00; the account's e-mails for today are used up.",
    ),
    "quiet": (
        {"quiet_until": NOW + DAY, "quiet_reason": "out_of_office"},
        "Waits until Wed 11 Mar 2026, 11:00: the contact is out of office.",
    ),
    "quiet for less long than it waits anyway": (
        {"quiet_until": NOW + DAY, "next_send_at": NOW + 2 * DAY},
        "Due Thu 12 Mar 2026, 11:00; it leaves within the sending hours.",
    ),
    "quiet no longer": (
        {
            "quiet_until": NOW - DAY,
            "quiet_reason": "asked_for_a_pause",
            "decision_reason": "quiet",
            "decision": "The contact is not to be written to for a while.",
            "decision_until": NOW - DAY,
        },
        "Due since Tue 10 Mar 2026, 10:00; it leaves with the next run within the sending hours.",
    ),
    "behind another": ({"place": 3}, "Follows 3 days after e-mail 2."),
    "a day behind another": ({"place": 4, "delay_days": 1}, "Follows 1 day after e-mail 3."),
    "right behind another": (
        {"place": 3, "delay_days": 0},
        "Follows as soon as e-mail 2 has gone out.",
    ),
    "received in an earlier run": (
        {"place": 3, "received_before": NOW - DAY},
        "Follows 3 days after e-mail 2; it was received before the restart, on"
        " Mon 9 Mar 2026, 11:00.",
    ),
}


@pytest.mark.parametrize("case", WAITS)
def test_what_waits_says_for_what(case: str) -> None:
    facts, sentence = WAITS[case]
    told = told_of(**facts)
    assert (told.standing, told.sentence) == ("waiting", sentence)


HELD: dict[str, Case] = {
    "the run died while sending it": (
        TRIED | {"send_status": "handed_over", "lease_until": NOW, "next_send_at": None},
        "Handed to the provider on Mon 9 Mar 2026, 11:00, but the scheduler stopped before the"
        " answer came; the next run looks for evidence that it went out.",
    ),
    "unconfirmed": (
        TRIED | {"send_status": "unconfirmed", "next_send_at": None},
        "Held because nobody can tell whether it went out on Mon 9 Mar 2026, 11:00; it waits for"
        " the provider's reports, or for an admin to mark it as sent or send it again.",
    ),
    "failed": (
        TRIED
        | {
            "send_status": "failed",
            "send_reason": "The from address is not verified.",
            "settled_at": NOW - DAY,
            "enrollment_status": "paused",
            "enrollment_reason": "send_failed",
        },
        "Could not be sent on Mon 9 Mar 2026, 11:00 (The from address is not verified); the"
        " campaign waits for somebody to resume it.",
    ),
    "paused by hand": (
        {"enrollment_status": "paused", "enrollment_reason": "paused_by_user"},
        "Waits until somebody resumes Lead for this contact (somebody paused it by hand).",
    ),
    "behind a paused one": (
        {"enrollment_status": "paused", "enrollment_reason": "send_failed", "place": 4},
        "Waits until somebody resumes Lead for this contact (an e-mail could not be sent).",
    ),
    "the campaign is paused": (
        {"campaign_status": "paused", "campaign_reason": "Stopped by itself: 6 bounced (10 %)."},
        "Waits until somebody resumes the paused campaign; the reason given is “Stopped by itself:"
        " 6 bounced (10 %)”.",
    ),
    "the campaign is paused without a reason": (
        {"campaign_status": "paused"},
        "Waits until somebody resumes the paused campaign.",
    ),
    "sending is halted": (
        {"halted_because": "The provider refused our key."},
        "Due since Tue 10 Mar 2026, 10:00; all sending is stopped until an admin resumes it"
        " (The provider refused our key).",
    ),
    "its next e-mail is gone": (
        {"next_place": None},
        "Not planned: the e-mail this contact waits for was taken out of the campaign.",
    ),
}


@pytest.mark.parametrize("case", HELD)
def test_what_is_held_says_who_can_let_it_go(case: str) -> None:
    facts, sentence = HELD[case]
    told = told_of(**facts)
    assert (told.standing, told.sentence) == ("held", sentence)


def test_the_same_moment_reads_as_the_clock_on_the_wall_of_each_zone() -> None:
    facts = replace(NEXT, next_send_at=datetime(2026, 12, 31, 23, 30, tzinfo=UTC))
    by_zone = {
        name: explain(facts, now=NOW, zone=ZoneInfo(name)).sentence[4:26]
        for name in ("Europe/Berlin", "America/New_York")
    }
    assert by_zone == {
        "Europe/Berlin": "Fri 1 Jan 2027, 00:30;",
        "America/New_York": "Thu 31 Dec 2026, 18:30",
    }
