"""Is this database whole? Schema by name, the library's counts, strays, invariants, open doors.

Reads only, in one question to the database: public.health_report() holds the SQL, so that it is the
same over a direct connection and over Supabase's REST API. Run by scripts/check_drip_tables.py;
every finding names the thing that is off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from crm.database.accepted_findings import ACCEPTED
from crm.database.errors import MissingFunctionError
from crm.database.expected_schema import Names, expected_names
from crm.database.gateway import Gateway
from crm.database.migrations import all_migrations, applied_versions

# The e-mails of the library; a campaign may have more, written by an admin.
PUBLISHED_EMAILS = {"networking": 8, "lead": 6, "prospect": 5, "client": 4}

_NAMED_AT_MOST = 5
_FUNCTION = "health_report"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is off: what kind of check found it, and its name."""

    check: str
    name: str
    problem: str

    def __str__(self) -> str:
        return f"{self.check} {self.name}: {self.problem}"


_NO_CHECK = Finding(
    "function", f"public.{_FUNCTION}", "missing, so nothing else is known; run the migrations"
)


@dataclass(frozen=True, slots=True)
class HealthReport:
    """`checked` counts what was looked at, by check."""

    checked: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def is_healthy(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class Answer:
    """To one question. `ids` are all names, or up to a hundred of the `total` things that are off;
    `total` is None where something is missing that the question is about, and `trouble` says what.
    """

    kind: str
    name: str
    ids: Sequence[str]
    total: int | None
    trouble: str


def check_health(gateway: Gateway, address: str = "") -> HealthReport:
    """Look at everything, as the service. `address` is that of a direct connection, if there is
    one: it tells which migrations are pending where the check itself is missing too.

    Raises:
        DatabaseUnreachableError: if there is no connection.
    """
    # Asked first: unlike a pool, a plain connection gives up at once and without a word in the log.
    pending = tuple(_pending(applied_versions(address))) if address else ()
    try:
        rows = gateway.call(_FUNCTION)
    except MissingFunctionError:
        return HealthReport({"migration": len(all_migrations())}, (*pending, _NO_CHECK))
    answers = [Answer(**row) for row in rows]
    there = {a.name: a for a in answers if a.kind == "names"}
    asked = [a for a in answers if a.kind != "names"]
    expected = expected_names()
    return HealthReport(
        {
            "migration": there["migration"].total or 0,
            **{kind: len(names) for kind, names in expected.items()},
            **Counter(a.kind for a in asked),
            "published e-mails of a campaign": len(PUBLISHED_EMAILS),
        },
        (
            *_unrecorded(there["migration"]),
            *_missing(expected, there),
            *_unpublished(there["published e-mail"].ids),
            *(finding for answer in asked for finding in _off(answer)),
        ),
    )


def _pending(applied: Collection[str]) -> Iterator[Finding]:
    for migration in all_migrations():
        if migration.version not in applied:
            yield Finding("migration", migration.title, "not applied; run scripts/migrate.py")


def _unrecorded(record: Answer) -> Iterator[Finding]:
    """Where nobody kept a record, the migrations went through Supabase's SQL editor: the names and
    the functions' texts then tell whether all of them did."""
    return iter(()) if record.total is None else _pending(record.ids)


def _missing(expected: Names, there: Mapping[str, Answer]) -> Iterator[Finding]:
    for kind, names in expected.items():
        absent = sorted(names.difference(there[kind].ids))
        if kind == "function text":
            # A function that is not there at all is named under its own kind.
            known = set(there["function"].ids)
            changed = dict.fromkeys(name.partition(" ")[0] for name in absent)
            yield from (Finding(kind, n, "not the migrations'") for n in changed if n in known)
            continue
        problem = "is off" if "security" in kind else "missing"
        yield from (Finding(kind, name, problem) for name in absent)


def _unpublished(emails: Collection[str]) -> Iterator[Finding]:
    published = Counter(email.rpartition(".")[0] for email in emails)
    for campaign, wanted in PUBLISHED_EMAILS.items():
        if published[campaign] < wanted:
            problem = f"{published[campaign]} of {wanted}; run scripts/populate_drip_templates.py"
            yield Finding("published e-mails", campaign, problem)


def _off(answer: Answer) -> Iterator[Finding]:
    if answer.total is None:
        yield Finding(answer.kind, answer.name, f"cannot be checked: {answer.trouble}")
        return
    accepted = ACCEPTED.get(answer.name, {})
    off = [name for name in answer.ids if name not in accepted]
    if off:
        total = answer.total - (len(answer.ids) - len(off))
        some = ", ".join(off[:_NAMED_AT_MOST])
        more = ", …" if total > _NAMED_AT_MOST else ""
        yield Finding(answer.kind, answer.name, f"{total} ({some}{more})")
