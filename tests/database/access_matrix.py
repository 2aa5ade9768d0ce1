"""Who may do what with whose rows: DESIGN section 5 as data, and the measuring of it.

R/I/U/D; a lower-case letter means own or assigned rows only; a missing letter means never.
"""

from collections.abc import Iterator

from psycopg import errors

from crm.database.gateway import SERVICE, Identity
from tests import cast
from tests.conftest import Raw
from tests.database.access_probes import (
    ALICES_CONTACT,
    CAROLS_CONTACT,
    PROBES,
    STAGE,
)

ACTORS: dict[str, Identity] = {
    "sales": cast.ALICE,
    "admin": cast.BOB,
    "service": SERVICE,
    "outsider": cast.CHARLIE,
    "anon": cast.ANON,
}

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
}


def expected(table: str, actor: str, operation: str, *, own: bool) -> bool:
    """What DESIGN says of one cell; outsiders and anon have nothing anywhere."""
    letters = MATRIX[table].get(actor, "")
    return operation in letters or (own and operation.lower() in letters)


def allowed(raw: Raw, table: str, actor: str, operation: str, *, own: bool) -> bool:
    """Tries it as that person and takes it back: True if it touched the row."""
    identity = ACTORS[actor]
    with raw.transaction(force_rollback=True):
        raw.execute(
            "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
            (identity.role, identity.claims_json()),
        )
        try:
            with raw.transaction():
                return raw.execute(_statement(table, operation, own=own)).rowcount > 0
        except errors.InsufficientPrivilege:
            return False


def _statement(table: str, operation: str, *, own: bool) -> bytes:
    probe = PROBES[table]
    where = f"where {probe.key} = '{probe.own if own else probe.others}'"
    values = probe.insert.format(
        contact=ALICES_CONTACT if own else CAROLS_CONTACT,
        person=cast.ALICE_ID if own else cast.CAROL_ID,
    )
    return {
        "R": f"select {probe.key} from {table} {where}",
        "I": f"insert into {table} {values}",
        "U": f"update {table} set {probe.update} {where}",
        "D": f"delete from {table} {where}",
    }[operation].encode()


def differences(raw: Raw, table: str) -> list[str]:
    """The cells of a table that differ from DESIGN, in words."""
    return [
        f"{actor} {operation} {'own' if own else 'others'}: {'allowed' if is_now else 'refused'}"
        for actor, operation, own in _cells()
        if (is_now := allowed(raw, table, actor, operation, own=own))
        != expected(table, actor, operation, own=own)
    ]


def _cells() -> Iterator[tuple[str, str, bool]]:
    for actor in ACTORS:
        for operation in "RIUD":
            yield actor, operation, True
            yield actor, operation, False


def set_the_stage(raw: Raw) -> None:
    """One row of Alice's and one of Carol's in every table."""
    raw.execute(STAGE.encode())
