"""Two records of one person, field by field: where they differ, and what is best kept of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from crm.records.contact_changes import MERGED_FIELDS
from crm.records.contacts import Contact, ContactType
from crm.records.states import EmailStatus
from crm.ui import countries

Side = Literal["keep", "drop", "both"]
EMPTY = "–"

_LABEL: Mapping[str, str] = {
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail",
    "phone": "Phone",
    "company_name": "Company",
    "job_title": "Job title",
    "contact_type": "Type",
    "owner_id": "Owner",
    "industry": "Industry",
    "tags": "Tags",
    "city": "City",
    "state": "State or region",
    "country": "Country",
    "time_zone": "Time zone",
    "website": "Website",
    "profile_url": "Profile link",
    "notes": "Notes",
}
_JOINED = frozenset({"tags", "notes"})
_LONGEST_NOTES = 10_000


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which the two differ, each side in words, and the side to start with."""

    name: str
    label: str
    sides: Mapping[Side, str]
    suggested: Side
    is_contested: bool  # both sides know something


def better_kept(one: Contact, other: Contact) -> bool:
    """Whether `one` is the better record to keep: in use, reachable, in a campaign, older."""
    return _merits(one) >= _merits(other)


def _merits(contact: Contact) -> tuple[object, ...]:
    return (
        contact.archived_at is None,
        contact.email is not None and contact.email_status == EmailStatus.OK,
        contact.enrollment_status == "active",
        -contact.created_at.timestamp(),
    )


def differences(keep: Contact, drop: Contact, types: Sequence[ContactType]) -> list[Difference]:
    """In the order of the form; what is the same in both needs no choice."""
    return [
        _difference(name, keep, drop, types)
        for name in MERGED_FIELDS
        if getattr(keep, name) != getattr(drop, name)
    ]


def same_in_both(keep: Contact, drop: Contact) -> list[str]:
    """The labels of what both have alike, what neither has left out."""
    return [
        _LABEL[name]
        for name in MERGED_FIELDS
        if getattr(keep, name) == getattr(drop, name) and getattr(keep, name)
    ]


def values(keep: Contact, drop: Contact, chosen: Mapping[str, Side]) -> dict[str, object]:
    """What the kept record gets where it is not its own value that was chosen."""
    return {
        name: _joined(name, keep, drop) if side == "both" else getattr(drop, name)
        for name, side in chosen.items()
        if side != "keep"
    }


def _difference(
    name: str, keep: Contact, drop: Contact, types: Sequence[ContactType]
) -> Difference:
    sides: dict[Side, str] = {
        "keep": _in_words(name, keep),
        "drop": _in_words(name, drop),
    }
    if name in _JOINED and getattr(keep, name) and getattr(drop, name) and _fits(name, keep, drop):
        sides["both"] = "Both together"
    contested = bool(getattr(keep, name) and getattr(drop, name))
    return Difference(name, _LABEL[name], sides, _suggested(name, keep, drop, types), contested)


def _suggested(name: str, keep: Contact, drop: Contact, types: Sequence[ContactType]) -> Side:
    kept, dropped = getattr(keep, name), getattr(drop, name)
    if not kept or not dropped:
        return "keep" if kept else "drop"
    if name in _JOINED and _fits(name, keep, drop):
        return "both"
    if name == "email":
        return "drop" if keep.email_status != EmailStatus.OK == drop.email_status else "keep"
    if name == "contact_type":
        rank = {kind.key: kind.path_rank if kind.path_rank is not None else -1 for kind in types}
        return "drop" if rank.get(dropped, -1) > rank.get(kept, -1) else "keep"
    if name in {"first_name", "last_name"}:
        # "Gr." and "Grace": the longer says more.
        return "drop" if str(dropped).startswith(str(kept).rstrip(".")) else "keep"
    return "keep"


def _fits(name: str, keep: Contact, drop: Contact) -> bool:
    return name != "notes" or len(keep.notes) + len(drop.notes) + 2 <= _LONGEST_NOTES


def _joined(name: str, keep: Contact, drop: Contact) -> object:
    if name == "tags":
        return list(dict.fromkeys([*keep.tags, *drop.tags]))
    return f"{keep.notes}\n\n{drop.notes}"


def _in_words(name: str, contact: Contact) -> str:
    if name == "contact_type":
        return contact.type_label
    if name == "owner_id":
        return contact.owner_name or "Nobody"
    if name == "tags":
        return ", ".join(contact.tags) or EMPTY
    if name == "country":
        return countries.country(contact.country) if contact.country else EMPTY
    if name == "time_zone":
        return countries.zone_words(contact.time_zone) if contact.time_zone else "As usual"
    text = " ".join(str(getattr(contact, name) or "").split())
    return (f"{text[:79]}…" if len(text) > 80 else text) or EMPTY
