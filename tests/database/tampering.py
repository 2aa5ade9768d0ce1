"""What nobody may do and the database's owner can: writing over the audit log."""

from tests.conftest import Raw

_TRIGGERS = ("chain_audit", "refuse_change", "refuse_truncate")


def tamper(raw: Raw, *statements: str) -> None:
    """With every trigger of the log out of the way, which are in force again afterwards."""
    raw.execute("alter table audit_log disable trigger all")
    for statement in statements:
        raw.execute(statement.encode())
    for trigger in _TRIGGERS:
        raw.execute(f"alter table audit_log enable always trigger {trigger}".encode())


def make_entries(raw: Raw, count: int = 6) -> None:
    for n in range(count):
        raw.execute("update drip_campaigns set description = %s where key = 'lead'", (f"No. {n}",))
