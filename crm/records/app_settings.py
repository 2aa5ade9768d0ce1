"""Settings kept in the database: what admins change while the system runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crm.database.gateway import Gateway


@dataclass(frozen=True, slots=True)
class SendingRules:
    """Defaults for contacts that name no zone or country, and the cap on e-mails to one person."""

    default_time_zone: str
    default_country: str
    contact_daily_cap: int | None
    halted_because: str | None


class AppSettingRecords:
    def __init__(self, gateway: Gateway, *, as_service: bool) -> None:
        self._gateway = gateway
        # The service reads the table; people read the view without secrets.
        self._relation = "app_settings" if as_service else "app_settings_public"

    def sending_rules(self) -> SendingRules:
        rows = self._gateway.select(self._relation, columns=["key", "value"])
        values = {row["key"]: row["value"] for row in rows}
        cap = values["contact_daily_cap"]
        return SendingRules(
            default_time_zone=str(values["default_time_zone"]),
            default_country=str(values["default_country"]),
            contact_daily_cap=int(cap) if cap is not None else None,
            halted_because=values["sending_halt"],
        )

    def resume_sending(self, *, now: datetime) -> None:
        """Lift the account-wide halt (admins only)."""
        self._gateway.call("resume_sending", p_now=now)
