"""Turns the rows of a contact file into clean contacts and rejections, one by one, in order."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from crm.imports.columns import CONTACT_FIELDS, TYPE_ALIASES, normalise_header
from crm.imports.contact_rows import CleanContact, RejectedRow
from crm.imports.places import country_code, phone_number, zone_name
from crm.imports.reader import ContactFile, SourceRow
from crm.imports.rejects import restore
from crm.imports.row_cells import RowCells, shown
from crm.imports.text import (
    first_of_several,
    one_line,
    split_full_name,
    split_tags,
    without_unseen,
)

__all__ = ["CleanContact", "RejectedRow", "clean_rows"]

_FALLBACK_TYPE = "networking"
_NO_ADDRESS = frozenset(("-", "--", "n/a", "na", "none", "null", "unknown", "[not provided]"))
# Compared as headers are: lower case, without spaces and accents.
_STOP_WORDS = frozenset(
    (
        *("true", "yes", "y", "1", "x", "✓", "✔", "ja", "oui", "si", "sim", "tak", "on", "wahr"),
        *("vrai", "verdadero", "unsubscribed", "unsubscribe", "optedout", "optout", "stop"),
        *("donotemail", "abgemeldet", "desabonne", "bounced", "complained", "invalid"),
    )
)
_GO_ON_WORDS = frozenset(
    (
        *("false", "no", "n", "0", "nein", "non", "nie", "nao", "off", "falsch", "faux", "falso"),
        *("subscribed", "optedin", "optin", "active", "ok", "never", "-", "na", "none", "null"),
    )
)
# "javascript:" and its like would run when clicked. "acme.com:8080" is a port, not a scheme.
_FOREIGN_SCHEME = re.compile(r"(?!https?://)[a-z][a-z0-9+.\-]*:(?!\d)", re.IGNORECASE)


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
    telephone numbers of contacts without a country belong. Raises ValueError at once for a mapping
    or type that does not exist, and ImportFileError while reading, as `ContactFile.rows` does.
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
        raise ValueError(f"There is no contact field {min(unknown)!r}")
    if missing := mapping.keys() - set(file.headers):
        raise ValueError(f"The file has no column {min(missing)!r}")
    return columns


def _types(known: frozenset[str], aliases: Mapping[str, str]) -> dict[str, str]:
    by_alias = {normalise_header(alias): key for alias, key in aliases.items() if key in known}
    return {**by_alias, **{normalise_header(key): key for key in known}}


def _clean(row: SourceRow, rules: _Rules) -> CleanContact | RejectedRow:
    if row.problem:
        return RejectedRow(row.row_number, (row.problem,), row.values)
    values = row.values
    if rules.restores:
        values = {header: restore(cell) for header, cell in values.items()}
    cells = RowCells(rules.columns, values)
    contact = _contact(row.row_number, cells, rules)
    # A row that is refused anyway must not stand in the way of a good row further down.
    if not cells.reasons:
        _claim(contact, cells, rules)
    if not cells.reasons:
        return contact
    suppress = contact.email if contact.opted_out else None
    return RejectedRow(row.row_number, tuple(cells.reasons), values, suppress)


def _contact(row_number: int, cells: RowCells, rules: _Rules) -> CleanContact:
    email = _email(cells, rules.normalise)
    first_name, last_name = _names(cells)
    if not (email or first_name or last_name or cells.reasons):
        cells.reasons.append("The row has no name and no address. Fill in one of them.")
    country = country_code(cells.text("country"))
    return CleanContact(
        row_number=row_number,
        first_name=first_name,
        last_name=last_name,
        email=email,
        phone=phone_number(
            cells.text("phone", _first_line_value), country or rules.default_country
        ),
        company_name=cells.text("company_name"),
        job_title=cells.text("job_title"),
        industry=cells.text("industry"),
        contact_type=_contact_type(cells, rules),
        owner_name=cells.text("owner_name"),
        city=cells.text("city"),
        state=cells.text("state"),
        country=country,
        time_zone=zone_name(cells.text("time_zone")),
        opted_out=_opted_out(cells),
        profile_url=_link("profile_url", cells),
        website=_link("website", cells),
        tags=split_tags(cells.text("tags")),
        notes=cells.lines("notes"),
    )


def _email(cells: RowCells, normalise: Callable[[str], str]) -> str | None:
    address = cells.text("email", _address)
    if not address or address.casefold() in _NO_ADDRESS:
        return None
    try:
        return normalise(address)
    except ValueError as error:
        problem = str(error).rstrip(".")
        why = f"“{shown(address)}” is not an address ({problem}). Correct it or leave it empty."
        cells.refuse(cells.header("email"), why)
        return None


def _address(cell: str) -> str:
    return without_unseen(first_of_several(cell))


def _first_line_value(cell: str) -> str:
    return one_line(first_of_several(cell))


def _names(cells: RowCells) -> tuple[str, str]:
    first_name, last_name = cells.text("first_name"), cells.text("last_name")
    if first_name or last_name:
        return first_name, last_name
    return split_full_name(cells.text("full_name"))


def _contact_type(cells: RowCells, rules: _Rules) -> str:
    written = cells.text("contact_type")
    return rules.types.get(normalise_header(written), rules.default_type)


def _opted_out(cells: RowCells) -> bool:
    """Whether any column says stop. A word that says neither is refused: guessing either way would
    write to a person who said no, or silence one who did not."""
    stop = False
    for header, cell in cells.written("opted_out"):
        text = one_line(cell).casefold()
        word = normalise_header(text) or text
        if word in _STOP_WORDS:
            stop = True
        elif word and word not in _GO_ON_WORDS:
            cells.refuse(header, f"“{shown(cell)}” says neither yes nor no. Write one of them.")
    return stop


def _link(name: str, cells: RowCells) -> str:
    link = cells.text(name)
    if _FOREIGN_SCHEME.match(link):
        cells.refuse(cells.header(name), "only links that begin with https:// or http:// are kept.")
    return link


def _claim(contact: CleanContact, cells: RowCells, rules: _Rules) -> None:
    """Refuses the second row of an address; of a name and company where no address is known."""
    if contact.email is not None:
        earlier = rules.addresses.setdefault(contact.email, contact.row_number)
        if earlier != contact.row_number:
            cells.refuse(
                cells.header("email"), f"row {earlier} has the same address. Keep one of the rows."
            )
        return
    person = (contact.last_name, contact.first_name, contact.company_name)
    key = (person[0].casefold(), person[1].casefold(), person[2].casefold())
    earlier = rules.people.setdefault(key, contact.row_number)
    if earlier != contact.row_number:
        cells.reasons.append(
            f"Row {earlier} has the same name and company, and neither has an address to tell them "
            "apart. Keep one of the rows, or add an address."
        )
