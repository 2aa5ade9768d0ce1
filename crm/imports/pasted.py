"""People pasted as text: a line each, as they stand in a mail, a chat or a spreadsheet.

"Ada Byron <ada@harbor.example>", "Byron, Ada <ada@harbor.example>", "Ada Byron, Harbor Precision,
ada@harbor.example", the same with tabs or semicolons, an address alone, or a name alone. Several
recipients in one line, as mail programs copy them, are several people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from crm.imports.contact_rows import CleanContact, RejectedRow
from crm.imports.text import one_line, split_full_name, without_unseen

MOST_LINES = 1_000
_LONGEST = 200
_HEADER = "Line"
_IN_BRACKETS = re.compile(r"<([^<>]*)>")
_DIVIDER = re.compile(r"\t|;|,")
# Between recipients: after a closed bracket, or between bare addresses.
_NEXT_IN_BRACKETS = re.compile(r"(?<=>)\s*[;,]\s*")
_NEXT_BARE = re.compile(r"[;,\s]+")
_QUOTES = "\"“”'"
_BULLET = re.compile(r"^\s*(?:[-*•·–]|\d{1,3}[.)])\s+")


def pasted_people(
    text: str, *, normalise: Callable[[str], str]
) -> Iterator[CleanContact | RejectedRow]:
    """A contact of type networking, or a rejection, for each line that is not blank. `normalise`
    gives an address's stored form and raises ValueError with the reason."""
    seen: dict[str, int] = {}
    lines = [
        (number, person)
        for number, line in enumerate(text.splitlines(), start=1)
        for person in _recipients(line)
        if one_line(person)
    ]
    for number, line in lines[:MOST_LINES]:
        yield _person(number, line, normalise, seen)
    for number, line in lines[MOST_LINES:]:
        yield _refused(number, line, f"Only {MOST_LINES:,} lines are read; paste the rest after.")


def typed_person(
    *,
    first_name: str,
    last_name: str,
    email: str,
    company_name: str,
    normalise: Callable[[str], str],
) -> CleanContact | RejectedRow:
    """The same for one person typed into fields."""
    first, last, company = map(one_line, (first_name, last_name, company_name))
    try:
        address = normalise(email) if email.strip() else None
    except ValueError as error:
        return _refused(1, email, str(error))
    if not (first or last or address):
        return _refused(1, "", "Fill in a name or an e-mail address.")
    return _contact(1, first, last, address, [company])


def _recipients(line: str) -> list[str]:
    if line.count("@") < 2:
        return [line]
    if len(_IN_BRACKETS.findall(line)) > 1:
        return _NEXT_IN_BRACKETS.split(line)
    bare = [part for part in _NEXT_BARE.split(line) if part]
    return bare if all("@" in part for part in bare) else [line]


def _person(
    number: int, line: str, normalise: Callable[[str], str], seen: dict[str, int]
) -> CleanContact | RejectedRow:
    parts, address = _parts_and_address(_BULLET.sub("", line))
    name, *more = parts or [""]
    if any(len(part) > _LONGEST for part in parts):
        return _refused(number, line, f"A part of it is longer than {_LONGEST} characters.")
    email = None
    if address:
        try:
            email = normalise(address)
        except ValueError as error:
            return _refused(number, line, str(error))
    if not name and not email:
        return _refused(number, line, "There is no name and no address in it.")
    who = email or " ".join(parts).casefold()
    if who in seen:
        return _refused(number, line, f"The same person stands in line {seen[who]}.")
    seen[who] = number
    first_name, last_name = split_full_name(name) if name else ("", "")
    return _contact(number, first_name, last_name, email, more)


def _parts_and_address(line: str) -> tuple[list[str], str]:
    """Name, company, job title as far as they are there, and the address as written."""
    if (found := _IN_BRACKETS.search(line)) and "@" in found[1]:
        before, after = _parts(line[: found.start()]), _parts(line[found.end() :])
        if len(before) == 2 and not line[: found.start()].rstrip().endswith((",", ";", "\t")):
            before = [", ".join(before)]  # "Byron, Ada <…>"
        return [*before, *after], without_unseen(found[1])
    parts, address = [], ""
    for part in _DIVIDER.split(line):
        words = part.split()
        if not address:
            # "Ada Byron ada@harbor.example": the address is the word with the sign.
            address = next((word for word in words if "@" in word), "")
            words = [word for word in words if word != address]
        parts += _parts(" ".join(words))
    return parts, without_unseen(address)


def _parts(text: str) -> list[str]:
    return [part for part in (one_line(p).strip(_QUOTES) for p in _DIVIDER.split(text)) if part]


def _contact(
    number: int, first_name: str, last_name: str, email: str | None, more: list[str]
) -> CleanContact:
    company, job_title = [*more, "", ""][:2]
    return CleanContact(
        row_number=number,
        first_name=first_name,
        last_name=last_name,
        email=email,
        phone="",
        company_name=company,
        job_title=job_title,
        industry="",
        contact_type="networking",
        owner_name="",
        city="",
        state="",
        country="",
        time_zone=None,
        opted_out=False,
        profile_url="",
        website="",
        tags=(),
        notes="",
    )


def _refused(number: int, line: str, reason: str) -> RejectedRow:
    return RejectedRow(number, (reason,), {_HEADER: line})
