"""Who may do what with whose rows: DESIGN section 5 as data, and the measuring of it.

R/I/U/D; a lower-case letter means own or assigned rows only; a missing letter means never.
`differences` asks a Try for every cell: tried directly (access_direct), or through an adapter of
the gateway (tests/contract/gateway/access_cells).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from crm.database.gateway import SERVICE, Identity
from tests import cast
from tests.conftest import Raw
from tests.database.access_probes import PROBES, STAGE, Probe
from tests.database.access_probes_of_pages import PROBES_OF_PAGES, STAGE_OF_PAGES

ALL_PROBES = PROBES | PROBES_OF_PAGES

ACTORS: dict[str, Identity] = {
    "sales": cast.ALICE,
    "admin": cast.BOB,
    "service": SERVICE,
    "outsider": cast.CHARLIE,
    "anon": cast.ANON,
}

WITH_AN_ACCOUNT = ("sales", "admin", "outsider")  # those whom policies are for

MATRIX: dict[str, dict[str, str]] = {
    "contacts": {"sales": "RIu", "admin": "RIUD", "service": "RIU"},
    "activities": {"sales": "Riu", "admin": "RIU", "service": "RI"},
    "drip_campaigns": {"sales": "R", "admin": "RIUD", "service": "R"},
    "drip_campaign_templates": {"sales": "R", "admin": "RIUD", "service": "R"},
    "contact_types": {"sales": "R", "admin": "RIUD", "service": "R"},
    "campaign_enrollments": {"sales": "Riu", "admin": "RIU", "service": "RIU"},
    "email_sends": {"sales": "r", "admin": "R", "service": "RIU"},
    "email_events": {"sales": "r", "admin": "R", "service": "RI"},
    "drip_decisions": {"sales": "r", "admin": "R", "service": "RI"},
    "projects": {"sales": "RIu", "admin": "RIUD", "service": "R"},
    "networking_events": {"sales": "RIu", "admin": "RIUD", "service": "R"},
    "networking_event_attendees": {"sales": "RIu", "admin": "RIUD", "service": "R"},
    "discovery_submissions": {"sales": "RIU", "admin": "RUD", "service": "I"},
    # A draft is its writer's alone: nothing of Alice's or Carol's for an admin.
    "discovery_drafts": {"sales": "riud", "admin": "", "service": ""},
    "suppressions": {"sales": "RI", "admin": "RI", "service": "RI"},
    "webhook_endpoints": {"sales": "", "admin": "RIUD", "service": "RIU"},
    "webhook_deliveries": {"sales": "", "admin": "RIUD", "service": "RIU"},
    "audit_log": {"sales": "", "admin": "R", "service": "R"},
    "app_settings": {"sales": "", "admin": "RU", "service": "R"},
    "profiles": {"sales": "Ru", "admin": "RIU", "service": "R"},
    "scheduler_runs": {"sales": "R", "admin": "R", "service": "RIU"},
    "send_requests": {"sales": "", "admin": "R", "service": "RIU"},
    "quarantined_messages": {"sales": "", "admin": "R", "service": "RI"},
    "breaker_counts": {"sales": "", "admin": "R", "service": "RIU"},
    "account_days": {"sales": "", "admin": "R", "service": "RIU"},
    "former_addresses": {"sales": "", "admin": "R", "service": "R"},
    "invitations": {"sales": "", "admin": "RID", "service": ""},
    "contact_activity": {"sales": "R", "admin": "R", "service": "R"},
    # Neither of the two is shared.
    "saved_views": {"sales": "riud", "admin": "", "service": ""},
    "type_changes": {"sales": "R", "admin": "R", "service": "R"},
    "type_switches": {"sales": "R", "admin": "RIUD", "service": "R"},
}


class Outcome(Enum):
    DONE = "allowed"  # a row was seen, added, changed or gone
    NOTHING = "let in"  # and found no row
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing somebody tries: the row is Alice's (own) or Carol's."""

    table: str
    actor: str
    operation: str
    own: bool

    @property
    def probe(self) -> Probe:
        return ALL_PROBES[self.table]

    @property
    def row(self) -> str:
        return self.probe.row(own=self.own)

    def __str__(self) -> str:
        return f"{self.actor} {self.operation} {'own' if self.own else 'others'}"


Try = Callable[[Cell], Outcome]


def expected(cell: Cell) -> bool:
    """What DESIGN says of one cell; outsiders and anon have nothing anywhere."""
    letters = MATRIX[cell.table].get(cell.actor, "")
    return cell.operation in letters or (cell.own and cell.operation.lower() in letters)


def differences(
    attempt: Try, table: str, operations: str = "RIUD", actors: Iterable[str] = tuple(ACTORS)
) -> list[str]:
    """The cells of a table that differ from DESIGN, in words; what should be refused goes first."""
    cells = sorted(_cells(table, operations, actors), key=expected)
    return [
        f"{cell}: {found.value}"
        for cell in cells
        if (found := _told_apart(cell, attempt(cell))) is not _wanted(cell)
    ]


def _wanted(cell: Cell) -> Outcome:
    return Outcome.DONE if expected(cell) else Outcome.REFUSED


def _told_apart(cell: Cell, outcome: Outcome) -> Outcome:
    # To the anonymous a grant opens the door, however few rows the policies leave them; for those
    # with an account, finding nothing is how row-level security refuses.
    if outcome is Outcome.NOTHING and cell.actor != "anon":
        return Outcome.REFUSED
    return outcome


def _cells(table: str, operations: str, actors: Iterable[str]) -> Iterator[Cell]:
    for actor in actors:
        for operation in operations:
            yield Cell(table, actor, operation, own=True)
            yield Cell(table, actor, operation, own=False)


def set_the_stage(raw: Raw) -> None:
    """One row of Alice's and one of Carol's in every table."""
    raw.execute((STAGE + STAGE_OF_PAGES).encode())


def fingerprint(raw: Raw, cell: Cell) -> object:
    """Of the row of a cell, or of the whole table for what is added: another after each write."""
    column = ALL_PROBES[cell.table].key
    where = "true" if cell.operation == "I" else f"{column} = '{cell.row}'"
    return raw.execute(
        f"select array_agg(ctid::text || xmin::text order by ctid) as print from {cell.table}"
        f" where {where}".encode()
    ).fetchone()
