"""What changes contacts: many at once, archiving with an exact undo, and merging two into one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.database.gateway import Gateway, Row, among
from crm.records.contacts import Contact
from crm.records.enrollments import Action
from crm.records.rows import columns_of, in_parts, records_from

# What may be merged field by field; tags are a tuple, contact_type a key, owner_id and email an id
# and an address or None.
MERGED_FIELDS = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "company_name",
    "job_title",
    "contact_type",
    "owner_id",
    "industry",
    "tags",
    "city",
    "state",
    "country",
    "time_zone",
    "website",
    "profile_url",
    "notes",
)


@dataclass(frozen=True, slots=True)
class ContactOutcome:
    """What became of one contact of many: `changed`, or a code that says why it was left alone
    (the functions in migrations/20261121002400_contact_changes.sql list theirs)."""

    contact_id: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Similar:
    """A contact that may be the same person. `sign` is phone, name or address."""

    contact_id: str
    sign: str


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Contacts that share a `sign` (phone, or name and company), the oldest first."""

    contact_ids: tuple[str, ...]
    sign: str


@dataclass(frozen=True, slots=True)
class MergedInto:
    """The contact that a merged one lives on in."""

    contact_id: str
    name: str
    merged_at: datetime


class ContactChangeRecords:
    """Raises members of crm.database.errors."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def change(
        self, contact_ids: Sequence[str], changes: Mapping[str, object], *, now: datetime
    ) -> list[ContactOutcome]:
        """`changes` holds any of contact_type, owner_id (None: nobody), add_tags, remove_tags and
        archived. Outcomes: changed, unchanged, not_yours, merged, gone."""
        wish = json.dumps(dict(changes))
        return self._outcomes("change_contacts", contact_ids, p_changes=wish, p_now=now)

    def change_campaigns(
        self, contact_ids: Sequence[str], action: Action, *, now: datetime
    ) -> list[ContactOutcome]:
        """Pause, resume or stop all that runs for them. Outcomes: changed, nothing_runs,
        stays_paused, not_yours."""
        return self._outcomes("change_campaigns_of", contact_ids, p_action=action, p_now=now)

    def undo_archive(
        self, contact_ids: Sequence[str], *, archived_at: datetime, now: datetime
    ) -> list[ContactOutcome]:
        """Take back what was archived at that moment, with the campaigns that ran, as they were.
        Outcomes: restored, unchanged, not_yours."""
        return self._outcomes("undo_archive", contact_ids, p_archived_at=archived_at, p_now=now)

    def read(self, contact_ids: Sequence[str]) -> list[Contact]:
        """These contacts, in this order; who is gone is left out."""
        rows: list[Row] = []
        for some in in_parts(contact_ids, self._gateway.most_rows()):
            rows += self._gateway.select(
                "contact_list", columns=columns_of(Contact), where={"id": among(some)}
            )
        found = {contact.id: contact for contact in records_from(Contact, rows)}
        return [found[contact_id] for contact_id in contact_ids if contact_id in found]

    def similar(
        self,
        *,
        first_name: str,
        last_name: str,
        company_name: str,
        phone: str,
        email: str | None,
        besides: str | None = None,
        limit: int = 5,
    ) -> list[Similar]:
        """Contacts in use that may be this person, `besides` left out; the strongest sign first."""
        found = self._gateway.call(
            "similar_contacts",
            p_first_name=first_name,
            p_last_name=last_name,
            p_company=company_name,
            p_phone=phone,
            p_email=email or "",
            p_except=besides,
            p_limit=limit,
        )
        return records_from(Similar, found)

    def duplicate_groups(self, *, limit: int) -> list[DuplicateGroup]:
        """Those with the newest contact first. Reads all contacts: seconds at a million."""
        found = self._gateway.call("duplicate_groups", p_limit=limit)
        return records_from(DuplicateGroup, found)

    def merge(
        self, keep_id: str, drop_id: str, values: Mapping[str, object], *, now: datetime
    ) -> str:
        """Two records of one person become one, for good. `values`: the fields of the kept one
        that get another value (MERGED_FIELDS). Answers merged, same, gone, not_yours,
        already_merged, kept_is_archived or under_way (try again shortly).

        Raises:
            InvalidValueError: for an address that neither of them has.
        """
        answer = self._gateway.call(
            "merge_contacts",
            p_keep=keep_id,
            p_drop=drop_id,
            p_values=json.dumps(dict(values)),
            p_now=now,
        )
        return str(answer)

    def family(self, contact_id: str) -> list[str]:
        """The kept contact, then all that were merged into it; without a merge just this one."""
        return [str(found) for found in self._gateway.call("contact_family", p_contact=contact_id)]

    def merged_into(self, contact_id: str) -> MergedInto | None:
        """Where a merged contact lives on."""
        rows = self._contacts(contact_id, ["merged_into", "archived_at"])
        kept_id = rows[0]["merged_into"] if rows else None
        kept = self._contacts(kept_id, ["first_name", "last_name", "email"]) if kept_id else []
        if not kept_id or not kept:
            return None
        name = f"{kept[0]['first_name']} {kept[0]['last_name']}".strip()
        when = self._gateway.select(
            "activities",
            columns=["occurred_at"],
            where={"contact_id": contact_id, "kind": "merged"},
            order=["id desc"],
            limit=1,
        )
        merged_at = when[0]["occurred_at"] if when else rows[0]["archived_at"]
        return MergedInto(str(kept_id), name or str(kept[0]["email"] or "Nameless"), merged_at)

    def _contacts(self, contact_id: str, columns: list[str]) -> list[Row]:
        return self._gateway.select("contacts", columns=columns, where={"id": among([contact_id])})

    def _outcomes(
        self, function: str, contact_ids: Sequence[str], **parameters: object
    ) -> list[ContactOutcome]:
        rows: list[Row] = []
        for some in in_parts(contact_ids, self._gateway.most_rows()):
            rows += self._gateway.call(function, p_contacts=some, **parameters)
        return records_from(ContactOutcome, rows)
