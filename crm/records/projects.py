"""Projects: work for a contact on its way over a board of stages.

Moving one writes the contact's timeline; completing one makes the contact a client, forwards only.
The database sees to both (migrations/…_sales_work.sql).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from crm.database.gateway import Filter, Gateway, Row
from crm.records.rows import columns_of, record_from, records_from

Moved = Literal[
    "moved", "unchanged", "gone", "promoted", "there_already", "further_along", "not_yours"
]


@dataclass(frozen=True, slots=True)
class Project:
    """A card of the board. Money in cents; `stage_changed_at` is since when it stands there."""

    id: str
    contact_id: str
    contact_name: str
    contact_email: str | None
    company_name: str
    contact_type: str
    name: str
    stage: str
    value_cents: int
    owner_id: str | None
    owner_name: str | None
    lost_reason: str
    completed_at: datetime | None
    stage_changed_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StageTotal:
    """All projects of a stage together, those not shown included."""

    stage: str
    projects: int
    value_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDraft:
    """What the form writes; the contact of a project never changes."""

    name: str
    value_cents: int
    owner_id: str | None


class ProjectRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def in_stage(
        self, stage: str, *, owner_id: str | None, since: datetime | None, limit: int
    ) -> list[Project]:
        """The latest moved first. `since` leaves out what came into the stage before."""
        where: dict[str, Any] = {"stage": stage}
        if owner_id:
            where["owner_id"] = owner_id
        if since:
            where["stage_changed_at"] = Filter(">=", since)
        return self._list(where, limit)

    def of_contact(self, contact_id: str, *, limit: int = 50) -> list[Project]:
        return self._list({"contact_id": contact_id}, limit)

    def get(self, project_id: str) -> Project | None:
        rows = self._gateway.select(
            "project_list", columns=columns_of(Project), where={"id": project_id}
        )
        return record_from(Project, rows[0]) if rows else None

    def totals(self, *, owner_id: str | None, since: datetime | None) -> Mapping[str, StageTotal]:
        """By stage; `since` concerns completed and lost projects only."""
        rows = self._gateway.call("project_totals", p_owner=owner_id, p_since=since)
        return {total.stage: total for total in records_from(StageTotal, rows)}

    def add(self, contact_id: str, draft: ProjectDraft, *, now: datetime) -> str:
        row = _values(draft) | {"contact_id": contact_id, "created_at": now, "updated_at": now}
        return str(self._gateway.insert("projects", [row], returning=["id"])[0]["id"])

    def change(self, project_id: str, draft: ProjectDraft, *, now: datetime) -> bool:
        """False where it is gone, or a colleague's."""
        changed = self._gateway.update(
            "projects",
            _values(draft) | {"updated_at": now},
            where={"id": project_id},
            returning=["id"],
        )
        return bool(changed)

    def move(self, project_id: str, stage: str, *, reason: str = "", now: datetime) -> Moved:
        """To another stage. `gone` also where it is a colleague's; for a completion what became of
        the contact: promoted to client, there_already, further_along (off the path), or not_yours
        (a colleague's contact: the type stays, the project is completed)."""
        outcome: Moved = self._gateway.call(
            "move_project", p_project=project_id, p_stage=stage, p_reason=reason, p_now=now
        )
        return outcome

    def _list(self, where: Mapping[str, Any], limit: int) -> list[Project]:
        rows = self._gateway.select(
            "project_list",
            columns=columns_of(Project),
            where=where,
            order=["stage_changed_at desc", "id desc"],
            limit=limit,
        )
        return records_from(Project, rows)


def _values(draft: ProjectDraft) -> Row:
    return {"name": draft.name, "value_cents": draft.value_cents, "owner_id": draft.owner_id}
