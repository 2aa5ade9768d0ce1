"""E-mails sent, held or failed, and their exact content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.database.gateway import IS_NOT_NULL, Gateway, among
from crm.records.rows import columns_of, record_from, records_from

_UNCONFIRMED: dict[str, Any] = {"held_at": IS_NOT_NULL, "status": "unconfirmed"}


@dataclass(frozen=True, slots=True)
class Send:
    """One e-mail to one contact. `status` is a SendStatus.

    `subject` is what the person got, or will get; None where it cannot be told without the whole
    e-mail, as before its hand-over. `template_subject` is as written, merge fields and all.
    """

    id: str
    enrollment_id: str
    contact_id: str
    contact_name: str
    to_email: str
    campaign_id: str
    campaign_name: str
    step: int
    template_name: str
    status: str
    reason: str
    attempts: int
    handed_over_at: datetime | None
    settled_at: datetime | None
    retry_at: datetime | None
    held_at: datetime | None
    provider: str
    provider_message_id: str | None
    delivered_at: datetime | None
    first_opened_at: datetime | None
    first_clicked_at: datetime | None
    subject: str | None
    template_subject: str


@dataclass(frozen=True, slots=True)
class UnconfirmedGroup:
    """Unconfirmed e-mails that left at one moment, most often one request whose answer was lost."""

    campaign_id: str
    campaign_name: str
    step: int
    template_name: str
    handed_over_at: datetime | None
    count: int


@dataclass(frozen=True, slots=True)
class SendContent:
    """Everything needed to show an e-mail exactly as it went out: skeleton, values, sender."""

    id: str
    to_email: str
    handed_over_at: datetime | None
    merge_values: Sequence[str]
    compiled: Mapping[str, Any]
    sender: Mapping[str, str] | None


class SendRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def sent(
        self, *, contact_id: str | None = None, campaign_id: str | None = None, limit: int
    ) -> list[Send]:
        """E-mails that left, the latest first."""
        where: dict[str, Any] = {"status": among(["accepted", "delivered", "bounced", "dropped"])}
        if contact_id:
            where["contact_id"] = contact_id
        if campaign_id:
            where["campaign_id"] = campaign_id
        return self._list(where, ["id desc"], limit)

    def held(self, *, status: str | None = None, limit: int) -> list[Send]:
        """Unconfirmed and failed e-mails, or those of one status, which wait for a person."""
        where: dict[str, Any] = {"held_at": IS_NOT_NULL}
        if status:
            where["status"] = status
        return self._list(where, ["held_at desc"], limit)

    def unconfirmed_groups(self, *, limit: int) -> list[UnconfirmedGroup]:
        """Unconfirmed e-mails by campaign, step and hand-over, the latest first; at most `limit`
        e-mails are counted."""
        names = [name for name in columns_of(UnconfirmedGroup) if name != "count"]
        rows = self._gateway.select(
            "send_list",
            columns=names,
            where=_UNCONFIRMED,
            order=["handed_over_at desc"],
            limit=limit,
        )
        counted = Counter(tuple(row[name] for name in names) for row in rows)
        return records_from(
            UnconfirmedGroup,
            [dict(zip(names, key, strict=True)) | {"count": n} for key, n in counted.items()],
        )

    def unconfirmed(
        self, group: UnconfirmedGroup | None = None, *, limit: int | None = None
    ) -> list[Send]:
        """Those of a group, or of all, that are unconfirmed by now; in order of names."""
        where = dict(_UNCONFIRMED)
        if group:
            where["campaign_id"] = group.campaign_id
            where["step"] = group.step
            where["handed_over_at"] = group.handed_over_at
        return self._list(where, ["contact_name", "id"], limit)

    def content(self, send_id: str) -> SendContent | None:
        rows = self._gateway.select(
            "send_content", columns=columns_of(SendContent), where={"id": send_id}, limit=1
        )
        return record_from(SendContent, rows[0]) if rows else None

    def retry_failed(self, send_ids: Sequence[str], *, now: datetime) -> int:
        """Give failed e-mails another try at the next tick; returns how many enrollments go on."""
        return int(self._gateway.call("retry_failed", p_sends=list(send_ids), p_now=now))

    def mark_as_sent(self, send_ids: Sequence[str], *, now: datetime) -> int:
        """A person knows that these unconfirmed e-mails went out: their enrollments go on."""
        return int(self._gateway.call("mark_as_sent", p_sends=list(send_ids), p_now=now))

    def send_again(self, send_ids: Sequence[str], *, now: datetime) -> int:
        """A person knows that these unconfirmed e-mails did not go out: due again at once."""
        return int(self._gateway.call("send_again", p_sends=list(send_ids), p_now=now))

    def _list(self, where: dict[str, Any], order: list[str], limit: int | None) -> list[Send]:
        rows = self._gateway.select(
            "send_list", columns=columns_of(Send), where=where, order=order, limit=limit
        )
        return records_from(Send, rows)
