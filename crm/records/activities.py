"""A contact's timeline, and what people write on it: notes, calls, meetings, tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Literal

from crm.database.gateway import IS_NOT_NULL, IS_NULL, Filter, Gateway, Row, among
from crm.records.rows import columns_of, records_from

# A person's own entries besides tasks.
LoggedKind = Literal["note", "call", "meeting"]


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that happened with a contact, in words for people."""

    id: int
    contact_id: str
    occurred_at: datetime
    kind: str
    summary: str
    actor_id: str | None
    send_id: str | None


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry of the contact page's timeline; the kind "decision" is why an e-mail did not go.

    What follows `template_name` is known of an e-mail, to those who may read what was sent: opens
    and clicks of people and of machines are counted apart. `subject` is what the person got,
    `template_subject` as written, merge fields and all. All moments are aware UTC.
    """

    source: int
    id: int
    contact_id: str
    occurred_at: datetime
    kind: str
    summary: str
    actor_name: str | None
    due_at: datetime | None
    completed_at: datetime | None
    assigned_name: str | None
    decision_reason: str | None
    until: datetime | None
    template_name: str | None
    campaign_name: str | None
    send_id: str | None
    send_status: str | None
    provider: str | None
    delivered_at: datetime | None
    opens: int
    last_opened_at: datetime | None
    clicks: int
    last_clicked_at: datetime | None
    clicked_urls: tuple[str, ...] | None
    machine_opens: int
    machine_clicks: int
    trouble: str | None
    trouble_reason: str | None
    complained_at: datetime | None
    subject: str | None
    template_subject: str | None


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do about a contact. `actor` wrote it down, `assigned` is who does it."""

    id: int
    contact_id: str
    contact_name: str
    company_name: str
    summary: str
    added_at: datetime
    due_at: datetime | None
    completed_at: datetime | None
    actor_id: str | None
    actor_name: str | None
    assigned_to: str | None
    assigned_name: str | None

    @property
    def due_on(self) -> date | None:
        """The day, the same for every reader: a task is due on a day and not at a moment."""
        return self.due_at.astimezone(UTC).date() if self.due_at else None

    def is_overdue(self, today: date) -> bool:
        """`today` is the reader's."""
        return self.completed_at is None and self.due_on is not None and self.due_on < today


def due_moment(day: date | None) -> datetime | None:
    """What stands for the day a task is due: its noon in UTC, that day in nearly every zone."""
    return datetime.combine(day, time(12), UTC) if day else None


class ActivityRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def timeline(self, contact_id: str, *, limit: int = 100) -> list[Activity]:
        """The latest first."""
        rows = self._gateway.select(
            "activities",
            columns=columns_of(Activity),
            where={"contact_id": contact_id},
            order=["occurred_at desc", "id desc"],
            limit=limit,
        )
        return records_from(Activity, rows)

    def history(
        self, contact_ids: Sequence[str], *, kinds: Sequence[str] = (), limit: int
    ) -> list[Happening]:
        """What happened with a contact and those merged into it, the latest first; `kinds` empty
        means everything, decisions about e-mails included."""
        found: list[Happening] = []
        most = self._gateway.most_rows()
        while len(found) < limit:
            asked = min(limit - len(found), most)
            part = self._part(contact_ids, kinds, found[-1] if found else None, asked)
            found += part
            if len(part) < asked:
                break
        return found

    def add_note(self, contact_id: str, text: str, *, actor_id: str, now: datetime) -> None:
        self.log(contact_id, "note", text, actor_id=actor_id, happened_at=now)

    def log(
        self,
        contact_id: str,
        kind: LoggedKind,
        text: str,
        *,
        actor_id: str,
        happened_at: datetime,
    ) -> None:
        """A note, or a call or meeting that was; at most 10,000 characters."""
        self._add(contact_id, kind, text, {"occurred_at": happened_at, "actor_id": actor_id})

    def add_task(
        self,
        contact_id: str,
        text: str,
        *,
        due_on: date | None,
        assigned_to: str,
        actor_id: str,
        now: datetime,
    ) -> None:
        more = {"due_at": due_moment(due_on), "assigned_to": assigned_to, "actor_id": actor_id}
        self._add(contact_id, "task", text, {"occurred_at": now} | more)

    def open_tasks(
        self, person_id: str, *, limit: int, due_until: date | None = None
    ) -> list[Task]:
        """What is assigned to a colleague and not done, the most urgent first, those without a day
        last; with `due_until` only what is due that day or before."""
        where: dict[str, Any] = {"assigned_to": person_id, "completed_at": IS_NULL}
        if due_until:
            where["due_at"] = Filter("<=", due_moment(due_until))
        return self._tasks(where, ["due_at", "id"], limit)

    def count_open_tasks(self, person_id: str, *, due_until: date | None = None) -> int:
        where: dict[str, Any] = {"assigned_to": person_id, "completed_at": IS_NULL}
        if due_until:
            where["due_at"] = Filter("<=", due_moment(due_until))
        return self._gateway.count("task_list", where=where)

    def tasks_of(self, contact_ids: Sequence[str], *, limit: int) -> list[Task]:
        """What is still to do about a contact and those merged into it, the most urgent first."""
        where = {"contact_id": among(contact_ids), "completed_at": IS_NULL}
        return self._tasks(where, ["due_at", "id"], limit)

    def done_tasks(self, contact_ids: Sequence[str], *, limit: int) -> list[Task]:
        """What was done about a contact and those merged into it, the latest first."""
        where = {"contact_id": among(contact_ids), "completed_at": IS_NOT_NULL}
        return self._tasks(where, ["completed_at desc", "id desc"], limit)

    def complete_task(self, task_id: int, *, now: datetime) -> bool:
        """False if it was done already, or is neither one's own nor assigned to one."""
        return self._change(task_id, {"completed_at": now}, completed_at=IS_NULL)

    def reopen_task(self, task_id: int) -> bool:
        return self._change(task_id, {"completed_at": None}, completed_at=IS_NOT_NULL)

    def move_task(self, task_id: int, *, due_on: date | None, assigned_to: str) -> bool:
        """Another day, another colleague, or both. False if it is done, or not yours to change."""
        values = {"due_at": due_moment(due_on), "assigned_to": assigned_to}
        return self._change(task_id, values, completed_at=IS_NULL)

    def _part(
        self, contact_ids: Sequence[str], kinds: Sequence[str], last: Happening | None, limit: int
    ) -> list[Happening]:
        rows = self._gateway.call(
            "contact_timeline",
            p_contacts=list(contact_ids),
            p_kinds=list(kinds) or None,
            p_before=last.occurred_at if last else None,
            p_before_source=last.source if last else None,
            p_before_id=last.id if last else None,
            p_limit=limit,
        )
        return records_from(Happening, rows)

    def _add(self, contact_id: str, kind: str, text: str, more: Row) -> None:
        row = {"contact_id": contact_id, "kind": kind, "summary": text} | more
        self._gateway.insert("activities", [row])

    def _tasks(self, where: dict[str, Any], order: list[str], limit: int) -> list[Task]:
        rows = self._gateway.select(
            "task_list", columns=columns_of(Task), where=where, order=order, limit=limit
        )
        return records_from(Task, rows)

    def _change(self, task_id: int, values: Row, **where: object) -> bool:
        wanted = {"id": task_id, "kind": "task"} | where
        return bool(self._gateway.update("activities", values, where=wanted, returning=["id"]))
