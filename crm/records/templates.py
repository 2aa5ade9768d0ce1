"""The e-mails of campaigns, as versions: what is published never changes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.database.gateway import Gateway, among
from crm.records.rows import columns_of, records_from


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """One version of one step. `compiled` is the JSON of crm.drip.compile.CompiledTemplate."""

    id: str
    campaign_id: str
    step: int
    position: int
    version: int
    status: str
    name: str
    subject: str
    preheader: str
    body: str
    delay_days: int
    expires_after_days: int | None
    content_hash: str
    compiled: Mapping[str, Any]
    published_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDraft:
    """A text ready to be published as the next version of its step."""

    campaign_id: str
    step: int
    name: str
    subject: str
    preheader: str
    body: str
    delay_days: int
    expires_after_days: int | None = None
    content_hash: str
    compiled: Mapping[str, Any]


class TemplateRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def published(self) -> list[TemplateVersion]:
        """What is sent today, by campaign and position."""
        return self._list({"status": "published"})

    def ever_published(self) -> list[TemplateVersion]:
        """What is or was sent, by campaign and position."""
        return self._list({"status": among(["published", "retired"])})

    def get(self, template_id: str) -> TemplateVersion | None:
        found = self._list({"id": template_id})
        return found[0] if found else None

    def publish(self, draft: TemplateDraft, *, now: datetime) -> TemplateVersion:
        """Publish the next version of a step and retire the one before, in one transaction."""
        row = {name: getattr(draft, name) for name in columns_of(TemplateDraft)}
        row["compiled"] = dict(draft.compiled)
        template_id = self._gateway.call(
            "publish_template",
            p_campaign=row.pop("campaign_id"),
            p_step=row.pop("step"),
            p_content=json.dumps(row),
            p_now=now,
        )
        return self._list({"id": template_id})[0]

    def reorder(self, campaign_id: str, steps: Sequence[int], *, now: datetime) -> None:
        """Put the published e-mails into this order (admins only). Nobody receives one again."""
        self._gateway.call("reorder_steps", p_campaign=campaign_id, p_steps=list(steps), p_now=now)

    def retire(self, campaign_id: str, step: int, *, now: datetime) -> int:
        """Take an e-mail out of the sequence (admins only); returns how many waited for it."""
        return int(
            self._gateway.call("retire_step", p_campaign=campaign_id, p_step=step, p_now=now)
        )

    def _list(self, where: dict[str, Any]) -> list[TemplateVersion]:
        rows = self._gateway.select(
            "drip_campaign_templates",
            columns=columns_of(TemplateVersion),
            where=where,
            order=["campaign_id", "position"],
        )
        return records_from(TemplateVersion, rows)
