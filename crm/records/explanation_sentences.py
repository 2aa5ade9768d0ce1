"""The facts of a step as one plain sentence. Pure: time and time zone arrive as parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from crm.records.explanation_facts import EnrollmentFacts, Explanation, Standing, StepFacts
from crm.records.explanation_words import (
    EMAIL_STATUS,
    ENROLLMENT_REASON,
    QUIET_REASON,
    SAYS_THE_RULE,
    SKIPPED,
    in_brackets,
    moment,
    moment_after,
    quoted,
    why_it_waits,
)
from crm.records.states import EnrollmentReason

_REACHED_THE_PROVIDER = frozenset({"accepted", "delivered", "bounced", "dropped"})


@dataclass(frozen=True, slots=True)
class _At:
    """The moment of asking (aware UTC) and the clock the answer is told by."""

    now: datetime
    zone: tzinfo

    def when(self, at: datetime) -> str:
        return moment(at, self.zone)

    def after(self, at: datetime, before: datetime) -> str:
        return moment_after(at, before, self.zone)

    def since(self, at: datetime | None) -> str:
        """ " on Tue 10 Mar 2026, 16:00", or nothing where nobody wrote the moment down."""
        return f" on {self.when(at)}" if at else ""


_Answer = tuple[Standing, str]


def explain(facts: StepFacts, *, now: datetime, zone: tzinfo) -> Explanation:
    """The one sentence about a step at `now` (aware UTC), with times on the clock of `zone`."""
    at = _At(now, zone)
    answers = (rule(facts, at) for rule in _RULES)
    standing, sentence = next(answer for answer in answers if answer)
    if facts.received_before and standing not in {Standing.SENT, Standing.CAME_BACK}:
        sentence += f"; it was received before the restart, on {at.when(facts.received_before)}"
    return Explanation(
        campaign_key=facts.campaign_key,
        campaign_name=facts.campaign_name,
        step=facts.step,
        place=facts.place,
        steps=facts.steps,
        template_name=facts.template_name,
        standing=standing,
        sentence=f"{sentence}.",
    )


def why_not_enrolled(facts: EnrollmentFacts, *, zone: tzinfo) -> str | None:
    """Why the contact is not in the campaign of its type; None where it is, was, or need not be."""
    if facts.joined or (facts.campaign_name is None and facts.enrolled):
        return None
    barred = _bar(facts, zone)
    if barred:
        return f"No campaign writes to this contact: {barred}."
    if facts.campaign_name is None:
        return f"No campaign writes to this contact: the type {facts.type_label} has none."
    why = "nobody enrolled this contact in it"
    if facts.campaign_status == "archived":
        why = "the campaign is archived"
    elif not facts.has_emails:
        why = "it has no published e-mails"
    elif facts.other_campaign:
        why = f"the contact is in {facts.other_campaign}, the campaign of another type"
    return f"{facts.campaign_name} does not write to this contact: {why}."


def _sent(facts: StepFacts, at: _At) -> _Answer | None:
    if facts.send_status not in _REACHED_THE_PROVIDER or facts.tried_at is None:
        return None
    when = at.when(facts.tried_at)
    trouble = in_brackets(facts.trouble_reason or facts.send_reason or "")
    if facts.send_status == "dropped":
        return Standing.CAME_BACK, f"Handed over {when}, but the provider dropped it{trouble}"
    if facts.send_status == "bounced":
        return Standing.CAME_BACK, f"Sent {when}, but it bounced{trouble}"
    if facts.trouble == "blocked" and facts.send_status == "accepted":
        return Standing.CAME_BACK, f"Sent {when}, but the receiving server turned it away{trouble}"
    if facts.provider == "outbox":
        return Standing.SENT, f"Written to the local outbox {when}; nothing left this machine"
    return Standing.SENT, f"Sent {when}{_what_followed(facts, at)}{_evidence(facts)}"


def _what_followed(facts: StepFacts, at: _At) -> str:
    reports = (
        ("delivered", facts.delivered_at),
        ("opened", facts.opened_at),
        ("clicked", facts.clicked_at),
        ("marked as spam", facts.complained_at),
    )
    before, told = facts.tried_at, ""
    for what, reported in reports:
        if before and reported:
            told += f", {what} {at.after(reported, before)}"
            before = reported
    if not told and facts.send_status == "delivered":
        return " and delivered"
    return told or "; its delivery has not been reported yet"


def _evidence(facts: StepFacts) -> str:
    if facts.decision_reason == "proven_sent":
        return "; the provider's answer was lost, and its reports proved that it went out"
    by_hand = facts.decision_reason == "decided_by_hand"
    if by_hand and facts.decided_at and facts.tried_at and facts.decided_at >= facts.tried_at:
        return "; somebody knew that it went out and marked it as sent"
    return ""


def _under_way(facts: StepFacts, at: _At) -> _Answer | None:
    alive = facts.lease_until is not None and facts.lease_until > at.now
    if facts.send_status == "handed_over":
        if alive:
            return Standing.WAITING, "Being sent right now"
        return (
            Standing.HELD,
            f"Handed to the provider{at.since(facts.tried_at)}, but the scheduler stopped before"
            " the answer came; the next run looks for evidence that it went out",
        )
    if facts.send_status == "claimed" and facts.enrollment_status == "active" and alive:
        return Standing.WAITING, "Being prepared right now"
    return None


def _unconfirmed(facts: StepFacts, at: _At) -> _Answer | None:
    if facts.send_status != "unconfirmed":
        return None
    return (
        Standing.HELD,
        f"Held because nobody can tell whether it went out{at.since(facts.tried_at)}; it waits for"
        " the provider's reports, or for an admin to mark it as sent or send it again",
    )


def _failed(facts: StepFacts, at: _At) -> _Answer | None:
    if facts.send_status != "failed":
        return None
    when = at.since(facts.settled_at)
    if facts.decision_reason == "step_expired":
        return Standing.NOT_SENT, f"Left out{when}: by then it was too late to be of use"
    if facts.decision_reason == SKIPPED:
        return Standing.NOT_SENT, f"{why_it_waits(SKIPPED, facts.decision or '')}{when}"
    refused = f"Could not be sent{when}{in_brackets(facts.send_reason or '')}"
    if facts.enrollment_status == "paused" and facts.enrollment_reason == "send_failed":
        return Standing.HELD, f"{refused}; the campaign waits for somebody to resume it"
    return Standing.NOT_SENT, refused


def _taken_out(facts: StepFacts, _: _At) -> _Answer | None:
    if facts.place is not None:
        return None
    return Standing.NOT_SENT, "Not sent: it was taken out of the campaign before it could leave"


def _passed(facts: StepFacts, at: _At) -> _Answer | None:
    too_late = "it was added later, or moved to a place the contact had passed"
    if facts.enrollment_status == "completed":
        ended = at.since(facts.ended_at)
        return (
            Standing.NOT_SENT,
            f"Left out: the contact completed {facts.campaign_name}{ended} without it; {too_late}",
        )
    return (Standing.NOT_SENT, f"Left out: {too_late}") if facts.is_passed else None


def _over(facts: StepFacts, at: _At) -> _Answer | None:
    if facts.enrollment_status != "stopped":
        return None
    reason = ENROLLMENT_REASON[facts.enrollment_reason]
    detail = ""
    if facts.enrollment_reason == facts.email_status:
        detail = in_brackets(facts.email_status_reason)
    because = f", because {reason}{detail}" if reason else ""
    ended = at.since(facts.ended_at)
    told = f"Not sent: {facts.campaign_name} ended{ended}, before this e-mail{because}"
    return Standing.NOT_SENT, told


def _barred(facts: StepFacts, at: _At) -> _Answer | None:
    why = _bar(facts, at.zone)
    return (Standing.NOT_SENT, f"Not sent: {why}") if why else None


def _bar(facts: StepFacts | EnrollmentFacts, zone: tzinfo) -> str:
    """What keeps everybody from writing to this contact."""
    if facts.archived_at:
        return f"the contact was archived on {moment(facts.archived_at, zone)}"
    if not facts.has_address:
        return "the contact has no e-mail address"
    if facts.email_status != "ok":
        return EMAIL_STATUS[facts.email_status] + in_brackets(facts.email_status_reason)
    return "the address is on the suppression list" if facts.suppressed else ""


def _campaign_rests(facts: StepFacts, _: _At) -> _Answer | None:
    if facts.campaign_status == "archived":
        return Standing.NOT_SENT, f"Not sent: the campaign {facts.campaign_name} is archived"
    if facts.campaign_status == "paused":
        reason = quoted(facts.campaign_reason)
        given = f"; the reason given is “{reason}”" if reason else ""
        return Standing.HELD, f"Waits until somebody resumes the paused campaign{given}"
    return None


def _paused(facts: StepFacts, _: _At) -> _Answer | None:
    if facts.enrollment_status != "paused" or facts.campaign_status == "archived":
        return None
    if facts.enrollment_reason == EnrollmentReason.WAITS_FOR_OTHER:
        return Standing.WAITING, f"{facts.campaign_name} begins when the campaign before it ends"
    reason = in_brackets(ENROLLMENT_REASON[facts.enrollment_reason])
    waits = f"Waits until somebody resumes {facts.campaign_name} for this contact{reason}"
    return Standing.HELD, waits


def _behind(facts: StepFacts, _: _At) -> _Answer | None:
    if not facts.is_behind or facts.place is None:
        return None
    before = facts.place - 1
    if not facts.delay_days:
        return Standing.WAITING, f"Follows as soon as e-mail {before} has gone out"
    days = "1 day" if facts.delay_days == 1 else f"{facts.delay_days} days"
    return Standing.WAITING, f"Follows {days} after e-mail {before}"


def _astray(facts: StepFacts, _: _At) -> _Answer | None:
    if facts.is_next:
        return None
    gone = "Not planned: the e-mail this contact waits for was taken out of the campaign"
    return Standing.HELD, gone


def _quiet(facts: StepFacts, at: _At) -> _Answer | None:
    quiet, due = facts.quiet_until, facts.next_send_at
    if quiet is None or quiet <= at.now or (due and due > quiet):
        return None
    return Standing.WAITING, f"Waits until {at.when(quiet)}: {QUIET_REASON[facts.quiet_reason]}"


def _later(facts: StepFacts, at: _At) -> _Answer | None:
    due = facts.next_send_at
    if due is None or due <= at.now:
        return None
    if facts.decision_reason not in (None, SKIPPED) and facts.decision_until == due:
        why = why_it_waits(facts.decision_reason, facts.decision or "")
        return Standing.WAITING, f"Waits until {at.when(due)}: {why}"
    return Standing.WAITING, f"Due {at.when(due)}; it leaves within the sending hours"


def _due(facts: StepFacts, at: _At) -> _Answer:
    since = f"Due since {at.when(facts.next_send_at)}" if facts.next_send_at else "Due now"
    if facts.halted_because:
        reason = in_brackets(facts.halted_because)
        return Standing.HELD, f"{since}; all sending is stopped until an admin resumes it{reason}"
    if facts.account_is_full:
        return Standing.WAITING, f"{since}; the account's e-mails for today are used up"
    # A window or a cap that moved it to this moment has nothing to do with what it waits for now.
    if facts.decision_reason and facts.decision_reason not in SAYS_THE_RULE | {"quiet", SKIPPED}:
        why = quoted(why_it_waits(facts.decision_reason, facts.decision or ""))
        return Standing.WAITING, f"{since}; the next run takes it up again, because {why}"
    return Standing.WAITING, f"{since}; it leaves with the next run within the sending hours"


# The first with an answer gives it: what happened, what rules it out, what it waits for.
_RULES: tuple[Callable[[StepFacts, _At], _Answer | None], ...] = (
    _sent,
    _under_way,
    _unconfirmed,
    _failed,
    _taken_out,
    _passed,
    _over,
    _barred,
    _paused,
    _campaign_rests,
    _behind,
    _astray,
    _quiet,
    _later,
    _due,
)
