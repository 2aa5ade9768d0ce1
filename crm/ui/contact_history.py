"""A contact's history as lines: what people did and what the provider reported, merged.

What repeats itself (five opens of one e-mail on a day) is one line with a count; what a machine did
is never told as a person's doing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from crm.records.activities import Activity
from crm.records.events import Event
from crm.ui import words
from crm.ui.markup import Entry
from crm.ui.moments import Moments

# Told by an activity already, or no news beside "E-mail sent".
_TOLD_ELSEWHERE = frozenset({"processed", "reply", "auto_reply"})
_WITH_REASON = frozenset({"bounce", "blocked", "deferred", "dropped"})
_LONGEST_REASON = 300
_PREFIX = {"reply": "Replied: ", "auto_reply": "Automatic reply: "}


@dataclass(frozen=True, slots=True)
class _Line:
    """An entry and its place: events stand above the sending of their e-mail, whose moment we
    write down a little after the provider took it."""

    moment: datetime
    is_event: bool
    number: int
    entry: Entry


def history(
    activities: Sequence[Activity],
    events: Sequence[Event],
    *,
    names: Mapping[str, str],
    moments: Moments,
) -> list[Entry]:
    """The latest first. `names` is the colleagues', by id."""
    lines = [_Line(a.occurred_at, False, a.id, _of_activity(a, names, moments)) for a in activities]
    sent_at = {a.send_id: a.occurred_at for a in activities if a.kind == "email_sent"}
    for same in _grouped(events, moments):
        latest = same[0]
        moment = max(latest.occurred_at, sent_at.get(latest.send_id, latest.occurred_at))
        lines.append(_Line(moment, True, latest.id, _of_events(same, moments)))
    lines.sort(key=lambda line: (line.moment, line.is_event, line.number), reverse=True)
    return [line.entry for line in lines]


def told_completely(
    activities: Sequence[Activity], events: Sequence[Event], *, limit: int
) -> tuple[list[Activity], list[Event]]:
    """Both lists as far back as both reach, where one was cut off at `limit`, latest first."""
    cut = [rows[-1].occurred_at for rows in (activities, events) if len(rows) == limit]
    if not cut:
        return list(activities), list(events)
    since = max(cut)
    return (
        [a for a in activities if a.occurred_at >= since],
        [e for e in events if e.occurred_at >= since],
    )


def _grouped(events: Iterable[Event], moments: Moments) -> Iterator[list[Event]]:
    """The same thing on the same e-mail on one day of the viewer's, the latest first."""
    groups: dict[Hashable, list[Event]] = {}
    for event in events:
        if event.event not in _TOLD_ELSEWHERE:
            day = event.occurred_at.astimezone(moments.zone).date()
            key = (_what(event), event.send_id, day)
            groups.setdefault(key, []).append(event)
    yield from groups.values()


def _what(event: Event) -> str:
    if event.is_machine:
        # Scored as a machine's, so it is never told as a person's, whatever the reason is called.
        return words.MACHINE_REASON.get(event.machine_reason) or "Opened by a machine"
    said = words.EVENT.get(event.event, "Reported by SendGrid")
    host = urlsplit(event.url).hostname if event.event == "click" else None
    return f"{said} {host}" if host else said


def _of_events(same: Sequence[Event], moments: Moments) -> Entry:
    latest = same[0]
    what = _what(latest)
    if latest.template_name:
        what += f": {latest.template_name}"
    if len(same) > 1:
        what += f" ({words.counted(len(same), 'time')})"
    if latest.event in _WITH_REASON and latest.reason:
        what += f"\n{_shortened(latest.reason)}"
    return Entry(
        kind="E-mail",
        what=what,
        when=moments.when(latest.occurred_at),
        exact=moments.exact(latest.occurred_at),
        faint=latest.is_machine,
    )


def _of_activity(activity: Activity, names: Mapping[str, str], moments: Moments) -> Entry:
    what, more = activity.summary, ""
    if prefix := _PREFIX.get(activity.kind):
        what, _, more = activity.summary.removeprefix(prefix).partition("\n\n")
    return Entry(
        kind=words.ACTIVITY_KIND.get(activity.kind, "Event"),
        what=what,
        when=moments.when(activity.occurred_at),
        exact=moments.exact(activity.occurred_at),
        who=names.get(activity.actor_id or "", ""),
        more=more,
    )


def _shortened(reason: str) -> str:
    """A provider's reason may be a page of text."""
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]} …"
