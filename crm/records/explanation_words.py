"""The database's codes as clauses of a sentence, and moments as a sentence names them.

A test holds each table equal to the codes the database allows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo

from crm.records.states import EmailStatus, EnrollmentReason

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# A provider's answer may be a page of HTML; a sentence has room for its beginning.
_MOST_CHARACTERS = 240
_MERGE_FIELD = re.compile(r"\b(?:contact\.|(company|owner|sender)\.)(\w+)")

ENROLLMENT_REASON: Mapping[str, str] = {
    EnrollmentReason.NONE: "",
    EnrollmentReason.TYPE_CHANGED: "the contact's type changed",
    EnrollmentReason.ARCHIVED: "the contact was archived",
    EnrollmentReason.UNSUBSCRIBED: "the contact unsubscribed",
    EnrollmentReason.BOUNCED: "the address bounced",
    EnrollmentReason.COMPLAINED: "the contact marked an e-mail as spam",
    EnrollmentReason.INVALID: "the address was refused",
    EnrollmentReason.SUPPRESSED: "the contact may not be written to",
    EnrollmentReason.REPLIED: "the contact replied",
    EnrollmentReason.OPTED_OUT: "the contact asked for no more of these e-mails",
    EnrollmentReason.STOPPED_BY_USER: "somebody stopped it by hand",
    EnrollmentReason.PAUSED_BY_USER: "somebody paused it by hand",
    EnrollmentReason.SEND_FAILED: "an e-mail could not be sent",
    EnrollmentReason.NO_ADDRESS: "the contact has no address",
    EnrollmentReason.RESTARTED: "it was started again from the beginning",
    EnrollmentReason.MERGED: "the contact was merged into another",
    EnrollmentReason.WAITS_FOR_OTHER: "it begins when another campaign has ended",
    EnrollmentReason.OTHER_STOPPED: "the contact asked for no more of the campaign it waited for",
}

EMAIL_STATUS: Mapping[str, str] = {
    EmailStatus.OK: "",
    EmailStatus.UNSUBSCRIBED: "the contact unsubscribed",
    EmailStatus.BOUNCED: "the address bounced",
    EmailStatus.COMPLAINED: "the contact marked an e-mail as spam",
    EmailStatus.INVALID: "the address was refused",
}

QUIET_REASON: Mapping[str, str] = {
    "": "the contact is not to be written to for a while",
    "asked_for_a_pause": "the contact asked for a pause",
    "out_of_office": "the contact is out of office",
}

# Why it did not go out when it was tried last. `drip_decisions.explanation` has the details.
DECISION_REASON: Mapping[str, str] = {
    "outside_send_window": "it came due outside the sending hours",
    "holiday": "it came due on a public holiday",
    "contact_daily_cap": "the contact had enough e-mails that day",
    "quiet": "the contact is not to be written to for a while",
    "missing_merge_value": "a value it needs is missing",
    "render_failed": "it could not be written for this contact",
    "consent_withdrawn": "something changed just before it left",
    "account_daily_cap": "the account had sent as many e-mails that day as it may",
    "step_expired": "it came too late to be of use",
    "not_eligible": "the contact may not be written to",
    "already_received": "an attempt before was still under way",
    "already_completed": "the campaign was completed",
    "rate_limited": "the provider asked to wait",
    "provider_unreachable": "the provider did not take it",
    "sending_halted": "all sending was stopped",
    "unconfirmed": "nobody could tell whether the attempt before went out",
    "send_failed": "the attempt before failed",
    "lease_expired": "the run ended before it could leave",
    "proven_sent": "the provider's reports proved that it went out",
    "proven_not_sent": "the provider never took the attempt before",
    "decided_by_hand": "somebody decided about it by hand",
    "skipped_by_user": "somebody skipped it by hand",
}
# Somebody left the step out, and may have put it back: it never says what a step waits for.
SKIPPED = "skipped_by_user"
# Their explanations begin with the rule itself, which says more than our words.
SAYS_THE_RULE = frozenset({"outside_send_window", "holiday", "contact_daily_cap"})
SAYS_THE_DETAIL = frozenset({"missing_merge_value", "provider_unreachable", "send_failed"})


def why_it_waits(reason: str, explanation: str) -> str:
    """A clause for a decision: in the rule's own words where they say more."""
    if reason in SAYS_THE_RULE and explanation:
        # What follows the semicolon is the next opening, which the sentence names anyway.
        return _as_clause(explanation.partition(";")[0])
    if reason == SKIPPED and explanation:
        return _told(explanation)  # it names who did it
    words = DECISION_REASON[reason]
    detail = _as_clause(explanation) if reason in SAYS_THE_DETAIL else ""
    return f"{words} ({detail})" if detail else words


def quoted(text: str) -> str:
    """Somebody else's text as part of a sentence: one line, no full stop, not endless."""
    line = " ".join(text.split()).rstrip(" .")
    return line if len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 1]}…"


def in_brackets(text: str) -> str:
    """ " (text)", or nothing without one."""
    line = quoted(text)
    return f" ({line})" if line else ""


def moment(at: datetime, zone: tzinfo) -> str:
    """For example "Tue 10 Mar 2026, 16:00", on the clock of that zone."""
    local = at.astimezone(zone)
    # Not strftime: its names follow the server's locale.
    return (
        f"{_WEEKDAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year},"
        f" {local:%H:%M}"
    )


def moment_after(at: datetime, before: datetime, zone: tzinfo) -> str:
    """ "at 16:02" where the day has been named already, else the whole moment."""
    local = at.astimezone(zone)
    same_day = local.date() == before.astimezone(zone).date()
    return f"at {local:%H:%M}" if same_day else f"on {moment(at, zone)}"


def _told(explanation: str) -> str:
    """An explanation of ours for people: time zones and merge fields in words."""
    words = _MERGE_FIELD.sub(lambda found: " ".join(filter(None, found.groups())), explanation)
    return quoted(words.replace("_", " "))


def _as_clause(explanation: str) -> str:
    """The same inside another sentence."""
    line = _told(explanation)
    is_a_name = line[:3] in _WEEKDAYS or not line[1:2].islower()
    return line if is_a_name else f"{line[:1].lower()}{line[1:]}"
