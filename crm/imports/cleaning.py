"""Turns the rows of a contact file into clean contacts and rejections, one by one, in order."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from crm.imports.columns import CONTACT_FIELDS, TYPE_ALIASES, normalise_header
from crm.imports.contact_rows import CleanContact, RejectedRow
from crm.imports.places import country_code, phone_number, zone_name
from crm.imports.reader import ContactFile, SourceRow
from crm.imports.rejects import restore
from crm.imports.text import (
    first_of_several,
    many_lines,
    one_line,
    split_full_name,
    split_tags,
    without_unseen,
)

__all__ = ["CleanContact", "RejectedRow", "clean_rows"]

_FALLBACK_TYPE = "networking"
_LONGEST = {"notes": 10_000, "profile_url": 2_000, "website": 2_000, "tags": 2_000}
_LONGEST_OTHER = 200
# What exports write where nothing is known.
_BLANK_WORDS = frozenset(("-", "n/a", "na", "none", "null", "[not provided]", "not provided"))
_STOP_WORDS = frozenset(
    (
        *("true", "yes", "y", "1", "x", "✓", "ja", "oui", "si", "sí", "sim", "tak", "on", "wahr"),
        *("vrai", "unsubscribed", "optedout", "optout", "stop", "donotemail", "abgemeldet"),
        *("désabonné", "complained", "bounced", "invalid", "spamreport"),
    )
)
_GO_ON_WORDS = frozenset(
    (
        *("", "false", "no", "n", "0", "nein", "non", "nie", "não", "off", "falsch", "faux"),
        *("subscribed", "optedin", "optin", "active", "ok", "never", "-", "na", "n/a", "none"),
        "null",
    )
)
_FOREIGN_SCHEME = re.compile(r"(?!https?://)[a-z][a-z0-9+.\-]*:(?!\d)", re.IGNORECASE)
_SHOWN_LENGTH = 60


class _RowRefused(ValueError):
    """A cell that makes the row unusable, in words for the rejects file."""


@dataclass(slots=True)
class _Rules:
    """The answers of the mapping page, and what earlier rows of this file have taken."""

    columns: dict[str, tuple[str, ...]]
    normalise: Callable[[str], str]
    default_type: str
    types: dict[str, str]
    default_country: str
    restores: bool
    addresses: dict[str, int] = field(default_factory=dict)
    people: dict[tuple[str, str, str], int] = field(default_factory=dict)


def clean_rows(
    file: ContactFile,
    mapping: Mapping[str, str | None],
    *,
    normalise: Callable[[str], str],
    known_types: frozenset[str],
    default_type: str | None = None,
    type_aliases: Mapping[str, str] = TYPE_ALIASES,
    default_country: str = "",
) -> Iterator[CleanContact | RejectedRow]:
    """Every row that is not blank, as a contact or a rejection; the same each time it is asked.

    `mapping` is header to field (CONTACT_FIELDS) or None; where several headers hold one field, the
    first that is filled counts, and for opting out any that says so. `normalise` gives an address's
    stored form and raises ValueError with the reason. A type that is neither known nor an alias
    becomes `default_type`, or networking without one. `default_country` (alpha-2) is where
    telephone numbers of contacts without a country belong. Raises ValueError for a mapping or type
    that does not exist.
    """
    rules = _Rules(
        columns=_columns(file, mapping),
        normalise=normalise,
        default_type=default_type or _FALLBACK_TYPE,
        types=_types(known_types, type_aliases),
        default_country=default_country,
        restores=file.origin in {"mpt_crm", "rejects"},
    )
    if rules.default_type not in known_types:
        raise ValueError(f"There is no contact type {rules.default_type!r}")
    return (_clean(row, rules) for row in file.rows())


def _columns(file: ContactFile, mapping: Mapping[str, str | None]) -> dict[str, tuple[str, ...]]:
    columns: dict[str, tuple[str, ...]] = {}
    for header in file.headers:
        chosen = mapping.get(header)
        if chosen is not None:
            columns[chosen] = (*columns.get(chosen, ()), header)
    if unknown := columns.keys() - CONTACT_FIELDS.keys():
        raise ValueError(f"There is no contact field {sorted(unknown)[0]!r}")
    if missing := mapping.keys() - set(file.headers):
        raise ValueError(f"The file has no column {sorted(missing)[0]!r}")
    return columns


def _types(known: frozenset[str], aliases: Mapping[str, str]) -> dict[str, str]:
    by_alias = {normalise_header(alias): key for alias, key in aliases.items() if key in known}
    return {**by_alias, **{normalise_header(key): key for key in known}}


def _clean(row: SourceRow, rules: _Rules) -> CleanContact | RejectedRow:
    if row.problem:
        return RejectedRow(row.row_number, (row.problem,), row.values)
    if rules.restores:
        row = SourceRow(row.row_number, {key: restore(cell) for key, cell in row.values.items()})
    reasons: list[str] = []
    email = _attempt(_email, row, rules, reasons)
    opted_out = _attempt(_opted_out, row, rules, reasons)
    contact = _contact(row, rules, reasons, email=email, opted_out=bool(opted_out))
    if not reasons:
        reasons.extend(_taken_before(contact, rules))
    if reasons:
        suppress = email if opted_out else None
        return RejectedRow(row.row_number, tuple(reasons), row.values, suppress)
    return contact


def _contact(
    row: SourceRow, rules: _Rules, reasons: list[str], *, email: str | None, opted_out: bool
) -> CleanContact:
    cells = {name: _text(name, row, rules, reasons) for name in _TEXT_FIELDS}
    first, last = _names(cells, row, rules, reasons)
    if not (email or first or last or reasons):
        reasons.append("The row has no name and no address. Fill in one of them.")
    country = country_code(cells["country"]) if cells["country"] else ""
    return CleanContact(
        row_number=row.row_number,
        first_name=first,
        last_name=last,
        email=email,
        phone=phone_number(cells["phone"], country or rules.default_country),
        company_name=cells["company_name"],
        job_title=cells["job_title"],
        industry=cells["industry"],
        contact_type=rules.types.get(normalise_header(cells["contact_type"]), rules.default_type),
        owner_name=cells["owner_name"],
        city=cells["city"],
        state=cells["state"],
        country=country,
        time_zone=zone_name(cells["time_zone"]) if cells["time_zone"] else None,
        opted_out=opted_out,
        profile_url=_link("profile_url", cells, rules, reasons),
        website=_link("website", cells, rules, reasons),
        tags=split_tags(_raw("tags", row, rules)),
        notes=_notes(row, rules, reasons),
    )


_TEXT_FIELDS = tuple(
    name for name in CONTACT_FIELDS if name not in {"email", "opted_out", "notes", "tags"}
)
