"""Contacts: find, add, change, archive. Enrollments follow by the database's own rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from crm.database.gateway import IS_NOT_NULL, IS_NULL, Gateway, Row, among
from crm.records.contact_search import (
    EVERYONE,
    NOBODY,
    ContactCount,
    ContactSearch,
    Order,
)
from crm.records.rows import columns_of, record_from, records_from
from crm.records.states import EmailStatus

__all__ = [
    "EVERYONE",
    "Contact",
    "ContactCount",
    "ContactDraft",
    "ContactPage",
    "ContactRecords",
    "ContactSearch",
    "ContactType",
    "MergeFields",
]

_EVERY_ONE_OF_THEM = 2**31 - 2  # what an integer of the database can hold, and one to spare


@dataclass(frozen=True, slots=True)
class ContactType:
    """A kind of contact; `campaign_id` names the campaign its contacts are enrolled in, `path_rank`
    its place on the sales path (None: off the path)."""

    key: str
    label: str
    position: int
    campaign_id: str | None
    path_rank: int | None


@dataclass(frozen=True, slots=True)
class Contact:
    """A person as lists and the contact page show them, with the live campaign beside."""

    id: str
    first_name: str
    last_name: str
    full_name: str
    email: str | None
    phone: str
    company_name: str
    job_title: str
    industry: str
    contact_type: str
    type_label: str
    owner_id: str | None
    owner_name: str | None
    city: str
    state: str
    country: str
    time_zone: str | None
    email_status: str
    email_status_reason: str
    archived_at: datetime | None
    source: str
    profile_url: str
    website: str
    tags: tuple[str, ...]
    notes: str
    created_at: datetime
    updated_at: datetime
    campaign_name: str | None
    enrollment_status: str | None
    next_send_at: datetime | None
    quiet_until: datetime | None
    quiet_reason: str
    created_by: str | None
    last_activity_at: datetime | None


@dataclass(frozen=True, slots=True)
class MergeFields:
    """What an e-mail to this contact is filled with, for a preview of it."""

    first_name: str
    last_name: str
    email: str | None
    company_name: str
    job_title: str
    industry: str
    city: str
    country: str
    owner_name: str | None
    owner_email: str | None
    owner_phone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDraft:
    """What a form or a script may write. The address arrives normalised (crm.mail.addresses)."""

    first_name: str = ""
    last_name: str = ""
    email: str | None = None
    phone: str = ""
    company_name: str = ""
    job_title: str = ""
    industry: str = ""
    contact_type: str = "networking"
    owner_id: str | None = None
    city: str = ""
    state: str = ""
    country: str = ""
    time_zone: str | None = None
    profile_url: str = ""
    website: str = ""
    tags: tuple[str, ...] = ()
    notes: str = ""


@dataclass(frozen=True, slots=True)
class ContactPage:
    """One page of a list; `next_before` asks for the following page."""

    contacts: tuple[Contact, ...]
    next_before: str | None = field(default=None)


class ContactRecords:
    """Raises members of crm.database.errors; ConflictError when an address is taken."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def types(self) -> list[ContactType]:
        rows = self._gateway.select(
            "contact_types", columns=columns_of(ContactType), order=["position"]
        )
        return records_from(ContactType, rows)

    def page(
        self,
        search: ContactSearch = EVERYONE,
        *,
        order: Order = "newest",
        before: str | None = None,
        size: int = 50,
    ) -> ContactPage:
        """`before` is the `next_before` of the page before, in the same order."""
        found = self.found_ids(search, order=order, before=before, size=size + 1)
        rows = self._gateway.select(
            "contact_list", columns=columns_of(Contact), where={"id": among(found[:size])}
        )
        contacts = {contact.id: contact for contact in records_from(Contact, rows)}
        return ContactPage(
            # One may have been erased between the two questions.
            tuple(contacts[key] for key in found[:size] if key in contacts),
            found[size - 1] if len(found) > size else None,
        )

    def found_ids(
        self,
        search: ContactSearch = EVERYONE,
        *,
        order: Order = "newest",
        before: str | None = None,
        size: int = 1000,
    ) -> list[str]:
        """Ids alone, for what is done with all of them. `before` is the last id of the part before;
        at most 1000 come at once through the REST API."""
        found: list[str] = self._gateway.call(
            "find_contacts",
            p_search=search.as_json(),
            p_order=order,
            p_before=before,
            p_limit=size,
        )
        return found

    def count_up_to(self, most: int, search: ContactSearch = EVERYONE) -> ContactCount:
        """Counts to `most` and no further, so that it never takes long."""
        rows = self._gateway.call("count_found", p_search=search.as_json(), p_most=most)
        # Who is not on the staff is told nothing.
        return ContactCount(rows[0]["total"], rows[0]["kind"]) if rows else NOBODY

    def count(self, search: ContactSearch = EVERYONE) -> int:
        """Exactly, which takes its time in a large database."""
        return self.count_up_to(_EVERY_ONE_OF_THEM, search).total

    def count_all(self) -> int:
        """Contacts in the database, archived ones included."""
        return self._gateway.count("contacts")

    def get(self, contact_id: str) -> Contact | None:
        return self._first({"id": contact_id})

    def by_email(self, email: str) -> Contact | None:
        return self._first({"email": email})

    def merge_fields(self, contact_id: str) -> MergeFields | None:
        rows = self._gateway.select(
            "contact_merge_fields", columns=columns_of(MergeFields), where={"id": contact_id}
        )
        return record_from(MergeFields, rows[0]) if rows else None

    def add(self, draft: ContactDraft, *, created_by: str | None, now: datetime) -> str:
        """Add a contact and return its id; its type's campaign starts by itself."""
        row = _row(draft) | {"created_by": created_by, "created_at": now, "updated_at": now}
        return str(self._gateway.insert("contacts", [row], returning=["id"])[0]["id"])

    def change(self, contact_id: str, draft: ContactDraft, *, now: datetime) -> bool:
        """Write every field of the draft; False if the contact is gone or not yours to change."""
        return self._update([contact_id], _row(draft) | {"updated_at": now}) == 1

    def change_type(self, contact_ids: Sequence[str], contact_type: str, *, now: datetime) -> int:
        """Set the type: the old campaign stops, the new one starts. Returns how many changed."""
        return self._update(contact_ids, {"contact_type": contact_type, "updated_at": now})

    def archive(self, contact_ids: Sequence[str], *, now: datetime) -> int:
        return self._update(
            contact_ids, {"archived_at": now, "updated_at": now}, archived_at=IS_NULL
        )

    def unarchive(self, contact_ids: Sequence[str], *, now: datetime) -> int:
        """Take contacts out of the archive. They are not enrolled again by themselves."""
        return self._update(
            contact_ids, {"archived_at": None, "updated_at": now}, archived_at=IS_NOT_NULL
        )

    def set_email_status(
        self, contact_id: str, status: EmailStatus, *, reason: str, now: datetime
    ) -> bool:
        """Whether we may write to this person. Anything but ok stops every enrollment at once."""
        values = {
            "email_status": status.value,
            "email_status_reason": reason,
            "email_status_at": now,
            "updated_at": now,
        }
        return self._update([contact_id], values) == 1

    def unsubscribe(self, contact_id: str, *, now: datetime) -> bool:
        """The person said stop: the contact is stopped, and every address we wrote to is listed.

        False if the contact is gone. Repeating it changes nothing.
        """
        return bool(self._gateway.call("unsubscribe_contact", p_contact=contact_id, p_now=now))

    def prefer(
        self, contact_id: str, campaign_key: str | None, choice: str, *, now: datetime
    ) -> bool:
        """What the person chose on the preference page: this_campaign (no more of it, ever),
        pause (nothing for 30 days), or everything. False if the contact is gone."""
        return bool(
            self._gateway.call(
                "choose_preference",
                p_contact=contact_id,
                p_campaign=campaign_key,
                p_choice=choice,
                p_now=now,
            )
        )

    def industries(self) -> list[str]:
        """Industries in use, for filters and forms."""
        rows = self._gateway.select("industries_in_use", order=["industry"])
        return [str(row["industry"]) for row in rows]

    def tags(self) -> list[str]:
        """Tags in use, for filters and forms."""
        rows = self._gateway.select("tags_in_use", order=["tag"])
        return [str(row["tag"]) for row in rows]

    def _first(self, where: Row) -> Contact | None:
        rows = self._gateway.select(
            "contact_list", columns=columns_of(Contact), where=where, limit=1
        )
        return record_from(Contact, rows[0]) if rows else None

    def _update(self, contact_ids: Sequence[str], values: Row, **where: object) -> int:
        wanted = {"id": among(contact_ids)} | where
        return len(self._gateway.update("contacts", values, where=wanted, returning=["id"]))


def _row(draft: ContactDraft) -> Row:
    row = {name: getattr(draft, name) for name in columns_of(ContactDraft)}
    return row | {"tags": list(draft.tags)}
