"""The merge fields a template may use, and what a stored value must become before it is one.

Values come from strangers: a web form, a CSV file, a badge scan. What reaches a letter is one line
of readable text, or nothing.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

MAX_VALUE_LENGTH = 200
"""Characters of one merge value; nothing longer is a name."""

MergeValues = Mapping[str, Mapping[str, str | None]]
"""What one contact gives, by group and field: `{"contact": {"first_name": "Ann", …}, …}`."""


@dataclass(frozen=True, slots=True)
class MergeField:
    """One registered field; `example` is what an ordinary contact has."""

    name: str
    description: str
    example: str
    may_be_missing: bool = True


_FIELDS = (
    MergeField("contact.first_name", "First name of the contact", "Amara"),
    MergeField("contact.last_name", "Last name of the contact", "Okafor"),
    MergeField("contact.full_name", "First and last name of the contact", "Amara Okafor"),
    MergeField(
        "contact.email",
        "E-mail address of the contact",
        "amara.okafor@example.com",
        may_be_missing=False,
    ),
    MergeField("contact.job_title", "Job title of the contact", "Operations Director"),
    MergeField("contact.industry", "Industry the contact works in", "Construction"),
    MergeField("contact.city", "City of the contact", "Leeds"),
    MergeField("contact.country", "Country of the contact", "United Kingdom"),
    MergeField("company.name", "Company of the contact", "Northgate Builders"),
    MergeField("owner.name", "Colleague who looks after the contact", "Daniel Reyes"),
    MergeField("owner.first_name", "First name of that colleague", "Daniel"),
    MergeField(
        "owner.email",
        "E-mail address of that colleague",
        "daniel@example.com",
    ),
    MergeField("owner.phone", "Phone number of that colleague", "+44 113 496 0200"),
    MergeField("sender.name", "Name the e-mail is sent under", "MPT", may_be_missing=False),
    MergeField(
        "sender.email",
        "Address the e-mail is sent from",
        "hello@example.com",
        may_be_missing=False,
    ),
    MergeField(
        "sender.postal_address",
        "Postal address in the footer",
        "1 Quay Street, Bristol BS1 4DJ, United Kingdom",
        may_be_missing=False,
    ),
    MergeField("sender.company", "Company of the sender", "MPT Consulting"),
    MergeField("sender.website", "Website of the sender", "https://example.com"),
    MergeField(
        "sender.booking_url",
        "Where a call can be booked",
        "https://example.com/book",
    ),
    MergeField(
        "unsubscribe_url",
        "The recipient's own unsubscribe link",
        "https://example.com/unsubscribe/sample",
        may_be_missing=False,
    ),
)

MERGE_FIELDS: Mapping[str, MergeField] = {field.name: field for field in _FIELDS}
"""Every field by its name as written in a template."""

GROUPS = frozenset(name.partition(".")[0] for name in MERGE_FIELDS if "." in name)
"""What stands before the dot: contact, company, owner, sender."""


def nearest_field(name: str) -> str | None:
    """The known field most like `name`, for the message about an unknown one."""
    found = difflib.get_close_matches(name, MERGE_FIELDS, n=1, cutoff=0.5)
    return found[0] if found else None


def clean_value(value: str | None) -> str:
    """One line of readable text of at most 200 characters; empty for a missing or blank value."""
    if not value:
        return ""
    # Nearly every value takes this way: C code, no copy.
    if (
        value.isprintable()
        and len(value) <= MAX_VALUE_LENGTH
        and value == value.strip(" ")
        and "  " not in value
    ):
        return value
    return _one_readable_line(value) or ""


def example_values() -> dict[str, dict[str, str | None]]:
    """An ordinary contact with every field known, `sender` included."""
    values: dict[str, dict[str, str | None]] = {}
    for field in _FIELDS:
        group, _, key = field.name.partition(".")
        if key:
            values.setdefault(group, {})[key] = field.example
    return values


# Characters nobody sees, or that turn the direction of the text around them. The joiners U+200C and
# U+200D stay: Persian and many emoji need them.
_INVISIBLE = frozenset("\u200b\u200e\u200f\u061c\u2060\ufeff\u00ad") | frozenset(
    map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)


def _one_readable_line(value: str) -> str | None:
    line = " ".join("".join(map(_readable, value)).split())[:MAX_VALUE_LENGTH].rstrip()
    seen = any(unicodedata.category(character) not in _UNSEEN for character in line)
    return line if seen else None


_UNSEEN = frozenset({"Cf", "Mn", "Me", "Zs"})


def _readable(character: str) -> str:
    if character in _INVISIBLE:
        return ""
    if unicodedata.category(character) in {"Cc", "Zl", "Zp"}:
        return " "
    code = ord(character)
    # Lone surrogates cannot be encoded; noncharacters are errors in HTML (WHATWG, 13.2.3.5).
    if 0xD800 <= code <= 0xDFFF or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE:
        return ""
    return character
