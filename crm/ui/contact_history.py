"""A contact's history as lines: an e-mail is one, with what came of it.

What a machine did is never told as a person's doing, and what repeats itself is told once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from urllib.parse import urlsplit

from crm.records.activities import Happening
from crm.records.explanation_words import why_it_waits
from crm.ui import email_view, words
from crm.ui.contact_tasks import due_words
from crm.ui.markup import Entry
from crm.ui.moments import Moments

DECISION = "decision"
_LONGEST_REASON = 300
_MOST_HOSTS = 3
_NEAR = ("Yesterday", "Today", "Tomorrow")
_PREFIX = {"reply": "Replied: ", "auto_reply": "Automatic reply: "}
_TROUBLE: Mapping[str, str] = {
    "bounce": "Bounced",
    "dropped": "Not sent on by SendGrid",
    "blocked": "Turned away",
}

# The filter of the timeline; each kind of the database stands in one group.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "E-mails": ("email_sent", "email_failed", "email_event", "reply", "auto_reply"),
    "Notes and calls": ("note", "call", "meeting"),
    "Tasks": ("task",),
    "Campaigns": (
        "enrolled",
        "enrollment_paused",
        "enrollment_resumed",
        "enrollment_stopped",
        "enrollment_completed",
        "step_skipped",
    ),
    "Why not": (DECISION,),
    "Contact": (
        "contact_created",
        "contact_imported",
        "contact_updated",
        "type_changed",
        "archived",
        "unarchived",
        "merged",
        "unsubscribed",
        "suppressed",
        "suppression_lifted",
        "quiet",
    ),
    "Sales": ("discovery", "project", "networking_event"),
}


def history(happenings: Iterable[Happening], moments: Moments) -> list[Entry]:
    """In the order given; the same decision about an e-mail several times on end is one line."""
    return [_entry(same, moments) for same in _folded(happenings)]


def _folded(happenings: Iterable[Happening]) -> Iterator[list[Happening]]:
    for _, same in groupby(happenings, _sameness):
        yield list(same)


def _sameness(happening: Happening) -> tuple[object, ...]:
    if happening.kind == DECISION:
        return (DECISION, happening.decision_reason, happening.template_name)
    return (happening.source, happening.id)


def _entry(same: Sequence[Happening], moments: Moments) -> Entry:
    latest = same[0]
    if latest.kind == DECISION:
        return _decision(same, moments)
    what, more = latest.summary, ""
    if prefix := _PREFIX.get(latest.kind):
        what, _, more = latest.summary.removeprefix(prefix).partition("\n\n")
    elif _tells_its_subject(latest):
        what = f"E-mail sent: {email_view.subject(latest)}"
    return Entry(
        kind=words.ACTIVITY_KIND.get(latest.kind, "Event"),
        what=what,
        when=moments.when(latest.occurred_at),
        exact=moments.exact(latest.occurred_at),
        who=latest.actor_name or "",
        more=more,
        below=tuple(_below(latest, moments)),
    )


def _tells_its_subject(happening: Happening) -> bool:
    """Only who may read what was sent is told; to others it is a line by its purpose."""
    return happening.kind == "email_sent" and happening.template_subject is not None


def _decision(same: Sequence[Happening], moments: Moments) -> Entry:
    latest = same[0]
    why = why_it_waits(latest.decision_reason or "", latest.summary)
    name = f"“{latest.template_name}”" if latest.template_name else "The next e-mail"
    waits = f" waits until {_when(latest.until, moments)}" if latest.until else ""
    times = f" ({words.counted(len(same), 'time')})" if len(same) > 1 else ""
    return Entry(
        kind="Why not",
        what=f"{name}{waits}: {why}{times}",
        when=moments.when(latest.occurred_at),
        exact=moments.exact(latest.occurred_at),
        faint=True,
    )


def _below(happening: Happening, moments: Moments) -> Iterator[tuple[str, str]]:
    if happening.kind == "task":
        yield _task(happening, moments)
    if happening.kind != "email_sent":
        return
    if _tells_its_subject(happening):
        yield email_view.purpose(happening), "faint"
    if happening.trouble:
        reason = _shortened(happening.trouble_reason or "")
        yield _TROUBLE[happening.trouble] + (f": {reason}" if reason else ""), "tone-red"
    if happening.complained_at:
        yield f"Marked as spam {_when(happening.complained_at, moments)}", "tone-red"
    if people := _by_people(happening, moments):
        yield people, ""
    if machines := _by_machines(happening):
        yield f"By mail programs and scanners, not people: {machines}", "faint"
    if happening.provider == "outbox" and not happening.delivered_at:
        yield "Written to the local outbox; nothing left this machine", "faint"


def _by_people(happening: Happening, moments: Moments) -> str:
    told = []
    if happening.delivered_at and not happening.trouble:
        told.append(f"delivered {_when(happening.delivered_at, moments)}")
    if happening.opens:
        told.append(_how_often("opened", happening.opens, happening.last_opened_at, moments))
    if happening.clicks:
        clicked = f"clicked {_hosts(happening.clicked_urls or ())}".strip()
        told.append(_how_often(clicked, happening.clicks, happening.last_clicked_at, moments))
    line = " · ".join(told)
    return line[:1].upper() + line[1:]


def _how_often(what: str, times: int, last: datetime | None, moments: Moments) -> str:
    """ "opened Today, 09:00", or "opened 3 times, last Today, 09:00"."""
    if times == 1:
        return f"{what} {_when(last, moments)}"
    return f"{what} {words.counted(times, 'time')}, last {_when(last, moments)}"


def _when(moment: datetime | None, moments: Moments) -> str:
    """Inside a sentence: "today, 09:00"; names of days and months keep their capitals."""
    told = moments.when(moment)
    return told.lower() if told.startswith(_NEAR) else told


def _by_machines(happening: Happening) -> str:
    told = []
    if happening.machine_opens:
        told.append(f"opened {words.counted(happening.machine_opens, 'time')}")
    if happening.machine_clicks:
        told.append(f"clicked {words.counted(happening.machine_clicks, 'time')}")
    return ", ".join(told)


def _hosts(urls: Iterable[str]) -> str:
    """Where links lead, without what a link says about its reader."""
    hosts = sorted({host for url in urls if (host := urlsplit(url).hostname)})
    more = " and others" if len(hosts) > _MOST_HOSTS else ""
    return ", ".join(hosts[:_MOST_HOSTS]) + more


def _task(happening: Happening, moments: Moments) -> tuple[str, str]:
    who = f" · {happening.assigned_name}" if happening.assigned_name else ""
    if happening.completed_at:
        return f"Done {_when(happening.completed_at, moments)}{who}", ""
    due = happening.due_at.astimezone(UTC).date() if happening.due_at else None
    late = due is not None and due < moments.now.astimezone(moments.zone).date()
    return f"{due_words(due, moments)}{who}", "tone-orange" if late else ""


def _shortened(reason: str) -> str:
    """A provider's reason may be a page of text."""
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]} …"
