"""Every code of the database in words for people; the one place where pages take them from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import time
from typing import Literal

from crm.records.states import (
    CampaignStatus,
    EmailStatus,
    EnrollmentReason,
    EnrollmentStatus,
    RunStatus,
    SendStatus,
)

Tone = Literal["green", "orange", "red", "blue", "gray"]

EMAIL_STATUS: Mapping[str, tuple[str, Tone]] = {
    EmailStatus.OK: ("OK to e-mail", "green"),
    EmailStatus.UNSUBSCRIBED: ("Unsubscribed", "orange"),
    EmailStatus.BOUNCED: ("Bounced", "red"),
    EmailStatus.COMPLAINED: ("Marked as spam", "red"),
    EmailStatus.INVALID: ("Address refused", "red"),
}
NO_ADDRESS: tuple[str, Tone] = ("No address", "gray")

CAMPAIGN_STATUS: Mapping[str, tuple[str, Tone]] = {
    CampaignStatus.ACTIVE: ("Running", "green"),
    CampaignStatus.PAUSED: ("Paused", "orange"),
    CampaignStatus.ARCHIVED: ("Archived", "gray"),
}

ENROLLMENT_STATUS: Mapping[str, tuple[str, Tone]] = {
    EnrollmentStatus.ACTIVE: ("Active", "green"),
    EnrollmentStatus.PAUSED: ("Paused", "orange"),
    EnrollmentStatus.COMPLETED: ("Completed", "blue"),
    EnrollmentStatus.STOPPED: ("Stopped", "gray"),
}

ENROLLMENT_REASON: Mapping[str, str] = {
    EnrollmentReason.NONE: "",
    EnrollmentReason.TYPE_CHANGED: "the contact type changed",
    EnrollmentReason.ARCHIVED: "the contact was archived",
    EnrollmentReason.UNSUBSCRIBED: "the contact unsubscribed",
    EnrollmentReason.BOUNCED: "the address bounced",
    EnrollmentReason.COMPLAINED: "the contact marked an e-mail as spam",
    EnrollmentReason.INVALID: "the address was refused",
    EnrollmentReason.SUPPRESSED: "the address is on the suppression list",
    EnrollmentReason.REPLIED: "the contact replied",
    EnrollmentReason.OPTED_OUT: "the contact asked for no more of these e-mails",
    EnrollmentReason.STOPPED_BY_USER: "stopped by hand",
    EnrollmentReason.PAUSED_BY_USER: "paused by hand",
    EnrollmentReason.SEND_FAILED: "an e-mail could not be sent",
    EnrollmentReason.NO_ADDRESS: "the contact has no address",
    EnrollmentReason.RESTARTED: "restarted from the beginning",
    EnrollmentReason.MERGED: "the contact was merged into another",
    EnrollmentReason.WAITS_FOR_OTHER: "it waits for another campaign to end",
    EnrollmentReason.OTHER_STOPPED: "the contact wants no more of the campaign it waited for",
}

SEND_STATUS: Mapping[str, tuple[str, Tone]] = {
    SendStatus.CLAIMED: ("Being prepared", "gray"),
    SendStatus.HANDED_OVER: ("On its way", "blue"),
    SendStatus.ACCEPTED: ("Sent", "green"),
    SendStatus.DELIVERED: ("Delivered", "green"),
    SendStatus.BOUNCED: ("Bounced", "red"),
    SendStatus.DROPPED: ("Dropped by the provider", "red"),
    SendStatus.FAILED: ("Failed", "red"),
    SendStatus.RETRY: ("Will be tried again", "orange"),
    SendStatus.UNCONFIRMED: ("Unconfirmed", "orange"),
}

RUN_STATUS: Mapping[str, tuple[str, Tone]] = {
    RunStatus.RUNNING: ("Running now", "blue"),
    RunStatus.OK: ("Finished", "green"),
    RunStatus.FAILED: ("Ended with an error", "red"),
}
RUN_TRIGGER: Mapping[str, str] = {
    "interval": "On schedule",
    "requested": "Run now",
    "command": "Command line",
}

ACTIVITY_KIND: Mapping[str, str] = {
    "contact_created": "Added",
    "contact_imported": "Imported",
    "contact_updated": "Changed",
    "type_changed": "Type",
    "archived": "Archive",
    "unarchived": "Archive",
    "enrolled": "Campaign",
    "enrollment_paused": "Campaign",
    "enrollment_resumed": "Campaign",
    "enrollment_stopped": "Campaign",
    "enrollment_completed": "Campaign",
    "email_sent": "E-mail",
    "email_failed": "E-mail",
    "email_event": "E-mail",
    "unsubscribed": "Consent",
    "suppressed": "Consent",
    "suppression_lifted": "Consent",
    "reply": "Reply",
    "auto_reply": "Auto-reply",
    "quiet": "Quiet",
    "note": "Note",
    "call": "Call",
    "meeting": "Meeting",
    "task": "Task",
    "merged": "Merged",
    "step_skipped": "Campaign",
    "discovery": "Discovery",
    "project": "Project",
    "networking_event": "Event",
}

# The two decisions about unconfirmed e-mails: on the button for one, and for several.
DECIDE: Mapping[str, tuple[str, str]] = {
    "sent": ("Mark as sent", "Mark all {} as sent"),
    "again": ("Send again", "Send all {} again"),
}

# What the provider reported about an e-mail; those that only say it went on are no news.
EVENT: Mapping[str, str] = {
    "processed": "Taken in by SendGrid",
    "delivered": "Delivered",
    "deferred": "Delayed, SendGrid tries again",
    "bounce": "Bounced",
    "blocked": "Turned away",
    "dropped": "Not sent on by SendGrid",
    "open": "Opened",
    "click": "Clicked",
    "spamreport": "Marked as spam",
    "unsubscribe": "Unsubscribed at SendGrid",
    "group_unsubscribe": "Unsubscribed at SendGrid",
    "group_resubscribe": "Subscribed again at SendGrid",
    "reply": "Replied",
    "auto_reply": "Automatic reply",
}

# Why an open or a click does not count as a person's.
MACHINE_REASON: Mapping[str, str] = {
    "": "",
    "machine_open": "Opened by a mail program",
    "security_gateway": "Checked by a security scanner",
    "honeypot": "Checked by a security scanner",
    "click_burst": "Checked by a security scanner",
    "faster_than_people": "Checked by a security scanner",
}

QUIET_REASON: Mapping[str, str] = {
    "": "",
    "asked_for_a_pause": "asked for a pause",
    "out_of_office": "out of office",
}

QUARANTINE_SOURCE: Mapping[str, str] = {"events": "Event webhook", "inbound": "Inbound replies"}

SUPPRESSION_REASON: Mapping[str, str] = {
    "unsubscribed": "unsubscribed",
    "hard_bounce": "bounced",
    "complaint": "marked as spam",
    "invalid": "refused as invalid",
    "opted_out": "opted out",
    "manual": "added by hand",
}

ROLE: Mapping[str, tuple[str, Tone]] = {"sales": ("Sales", "gray"), "admin": ("Admin", "blue")}
ROLE_MEANS: Mapping[str, str] = {
    "sales": "Works with contacts and follows the campaigns.",
    "admin": "Changes campaigns, e-mails, settings and users too, and sees every e-mail sent.",
}

# What came of enrolling a contact (enroll_contacts in migrations/): said of one, said of several.
_ENROLL_OUTCOME: Mapping[str, tuple[str, str]] = {
    "enrolled": ("was enrolled", "were enrolled"),
    "already_enrolled": ("is in this campaign already", "are in this campaign already"),
    "in_another_type_campaign": (
        "is active in another type's campaign; stop that one first",
        "are active in another type's campaign; stop that one first",
    ),
    "already_completed": ("has received every e-mail", "have received every e-mail"),
    "no_campaign": ("has a type without a campaign", "have a type without a campaign"),
    "no_address": ("has no e-mail address", "have no e-mail address"),
    "archived": ("is archived", "are archived"),
    "suppressed": ("is on the suppression list", "are on the suppression list"),
    "opted_out": (
        "asked for no more e-mails of this campaign",
        "asked for no more e-mails of this campaign",
    ),
    "unsubscribed": ("has unsubscribed", "have unsubscribed"),
    "bounced": ("has a bounced address", "have a bounced address"),
    "complained": ("marked an e-mail as spam", "marked an e-mail as spam"),
    "invalid": ("has an address that was refused", "have an address that was refused"),
    "not_yours": ("belongs to a colleague", "belong to colleagues"),
}

# Counts of one run in the order people ask for them; what is 0 is left out.
_RUN_COUNT: Mapping[str, str] = {
    "accepted": "{} sent",
    "failed": "{} failed",
    "retry": "{} to be tried again",
    "unconfirmed": "{} unconfirmed",
    "confirmed": "{} proven sent",
    "resent": "{} proven unsent and due again",
    "held": "{} waiting for evidence",
    "postponed": "{} postponed",
    "expired": "{} too late to send",
    "withdrawn": "{} withdrawn before sending",
    "render_failed": "{} could not be written",
    "released": "{} taken up again",
}

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def number(count: int) -> str:
    return f"{count:,}"


def counted(count: int, one: str, several: str | None = None) -> str:
    """ "1 contact", "1,204 contacts"."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def percent(share: float | None) -> str:
    """ "12.4 %" of 0.124, "–" where there is nothing to take a share of."""
    if share is None:
        return "–"
    return f"{share:.0%}".replace("%", " %") if share in {0, 1} else f"{share * 100:,.1f} %"


def money(cents: int) -> str:
    """ "$12,500", with cents only where there are some."""
    sign, dollars, rest = "−" if cents < 0 else "", abs(cents) // 100, abs(cents) % 100
    return f"{sign}${dollars:,}" + (f".{rest:02}" if rest else "")


def email_standing(status: str, email: str | None) -> tuple[str, Tone]:
    return EMAIL_STATUS[status] if email or status != EmailStatus.OK else NO_ADDRESS


def source(origin: str) -> str:
    """Where a contact came from: "Added by hand", or the name an import or a program gave."""
    return "Added by hand" if origin == "manual" else origin[:1].upper() + origin[1:]


def enrollment_reason(code: str) -> str:
    return ENROLLMENT_REASON.get(code, "")


def enroll_outcome(code: str) -> tuple[str, str]:
    """Said of one contact, and of several: "has unsubscribed", "have unsubscribed"."""
    return _ENROLL_OUTCOME.get(code, ("was left alone", "were left alone"))


def enroll_outcomes(outcomes: Iterable[str]) -> str:
    """A sentence for what became of enrolling: "3 contacts were enrolled. 1 has unsubscribed." """
    sentences = []
    for outcome, count in Counter(outcomes).most_common():
        one, several = enroll_outcome(outcome)
        sentences.append(f"{counted(count, 'contact')} {one if count == 1 else several}.")
    return " ".join(sentences)


def run_counts(counts: Mapping[str, int]) -> str:
    parts = [
        text.format(number(n)) for key, text in _RUN_COUNT.items() if (n := counts.get(key, 0))
    ]
    return ", ".join(parts) or "Nothing was due"


def send_window(days: Iterable[int], start: time, end: time) -> str:
    """ "Mon–Fri, 09:00–17:00"; ISO weekdays, an end of 00:00 is midnight."""
    closes = "24:00" if end == time(0) else f"{end:%H:%M}"
    return f"{weekdays(days)}, {start:%H:%M}–{closes}"


def weekdays(some: Iterable[int]) -> str:
    """ "Mon–Fri", "Every day"; ISO weekdays."""
    days = sorted(set(some))
    if days == [1, 2, 3, 4, 5, 6, 7]:
        return "Every day"
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    names = [[DAY_NAMES[day - 1][:3] for day in run] for run in runs]
    return ", ".join(r[0] if len(r) == 1 else f"{r[0]}–{r[-1]}" for r in names)
