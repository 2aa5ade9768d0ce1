"""Is the database at the state this program was written for?"""

from __future__ import annotations

from crm.database.gateway import Gateway
from crm.database.migrations import all_migrations


class InstallationRecords:
    """For admins and the service; others get NotAllowedError."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def pending_migrations(self) -> list[str] | None:
        """Names of migrations that are not applied, the first to apply first; None where the
        database was set up without a record of them."""
        applied = set(self._gateway.call("applied_migrations"))
        if not applied:
            return None
        return [m.title for m in all_migrations() if m.version not in applied]
