"""Settings kept in the database: what admins change while the system runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from crm.database.gateway import Gateway
from crm.records.rows import columns_of


@dataclass(frozen=True, slots=True)
class SendingRules:
    """Defaults for contacts that name no zone or country, and the cap on e-mails to one person."""

    default_time_zone: str
    default_country: str
    contact_daily_cap: int | None
    halted_because: str | None


@dataclass(frozen=True, slots=True)
class SavedSender:
    """The sender as admins have it, each a row of app_settings by its name. None: as the
    environment has it (MAIL_FROM_NAME and so on)."""

    mail_from_name: str | None
    mail_from_email: str | None
    mail_reply_to: str | None
    mail_postal_address: str | None

    def given(self) -> dict[str, str]:
        """Those that are saved, by name."""
        values = {name: getattr(self, name) for name in columns_of(SavedSender)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How many e-mails a new sending domain sends on its first days (UTC)."""

    starts_on: date
    daily: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingLimits:
    """Caps and breakers, each a row of app_settings by its name. None: no cap."""

    account_daily_cap: int | None
    warm_up: WarmUp | None
    contact_daily_cap: int | None
    unconfirmed_grace_minutes: int
    send_attempts: int
    soft_bounce_limit: int
    breaker_days: int
    breaker_least_sends: int
    breaker_bounce_percent: float
    breaker_complaint_percent: float
    breaker_failure_percent: float

    def on_day(self, day: date) -> int | None:
        """The account's cap of this day (UTC), as private.account_room() has it."""
        caps = [self.account_daily_cap]
        if self.warm_up:
            days_in = max((day - self.warm_up.starts_on).days, 0)
            caps += self.warm_up.daily[days_in : days_in + 1]
        return min((cap for cap in caps if cap is not None), default=None)


@dataclass(frozen=True, slots=True)
class AccountDay:
    """What the account may hand over today (UTC; None: no cap), and what it has."""

    limit: int | None
    handed_over: int

    @property
    def is_full(self) -> bool:
        return self.limit is not None and self.handed_over >= self.limit


class AppSettingRecords:
    def __init__(self, gateway: Gateway, *, as_service: bool) -> None:
        self._gateway = gateway
        # The service reads the table; people read the view without secrets.
        self._relation = "app_settings" if as_service else "app_settings_public"

    def sending_rules(self) -> SendingRules:
        values = self._values()
        cap = values["contact_daily_cap"]
        return SendingRules(
            default_time_zone=str(values["default_time_zone"]),
            default_country=str(values["default_country"]),
            contact_daily_cap=int(cap) if cap is not None else None,
            halted_because=values["sending_halt"],
        )

    def sending_limits(self) -> SendingLimits:
        values = self._values()
        plain = {name: values[name] for name in columns_of(SendingLimits) if name != "warm_up"}
        return SendingLimits(**plain, warm_up=_warm_up(values["warm_up"]))

    def change_limits(self, limits: SendingLimits, *, now: datetime) -> int:
        """Write what differs from today's, all or nothing (admins only); returns how many changed.

        Raises:
            NotAllowedError: for who is no admin.
            InvalidValueError: for a number out of bounds.
        """
        before = self.sending_limits()
        changes = {
            name: _plain(getattr(limits, name))
            for name in columns_of(SendingLimits)
            if getattr(before, name) != getattr(limits, name)
        }
        if not changes:
            return 0
        # As text: through the REST API a null of jsonb would arrive as SQL's.
        written = self._gateway.call("change_limits", p_limits=json.dumps(changes), p_now=now)
        return int(written)

    def saved_sender(self) -> SavedSender:
        values = self._values()
        return SavedSender(**{name: values[name] for name in columns_of(SavedSender)})

    def change_sender(self, sender: SavedSender, *, now: datetime) -> int:
        """All or nothing (admins only); returns how many of the four changed.

        Raises:
            NotAllowedError: for who is no admin.
            InvalidValueError: for a name or an address that could not stand in an e-mail.
        """
        return self._change({n: getattr(sender, n) for n in columns_of(SavedSender)}, now)

    def change_defaults(self, *, time_zone: str, country: str, now: datetime) -> int:
        """The zone (IANA) and the country (ISO 3166) of contacts that name none (admins only);
        returns how many of the two changed."""
        return self._change({"default_time_zone": time_zone, "default_country": country}, now)

    def account_day(self, *, now: datetime) -> AccountDay:
        """Today's use of the account's cap; who is no admin may not know and reads 0."""
        today = now.astimezone(UTC).date()
        rows = self._gateway.select("account_days", columns=["handed_over"], where={"day": today})
        handed_over = int(rows[0]["handed_over"]) if rows else 0
        return AccountDay(self.sending_limits().on_day(today), handed_over)

    def resume_sending(self, *, now: datetime) -> None:
        """Lift the account-wide halt (admins only)."""
        self._gateway.call("resume_sending", p_now=now)

    def _change(self, values: Mapping[str, str | None], now: datetime) -> int:
        written = self._gateway.call("change_settings", p_settings=json.dumps(values), p_now=now)
        return int(written)

    def _values(self) -> dict[str, Any]:
        rows = self._gateway.select(self._relation, columns=["key", "value"])
        return {row["key"]: row["value"] for row in rows}


def _warm_up(stored: Mapping[str, Any] | None) -> WarmUp | None:
    if stored is None:
        return None
    return WarmUp(date.fromisoformat(stored["starts_on"]), tuple(stored["daily"]))


def _plain(value: object) -> object:
    if isinstance(value, WarmUp):
        return {"starts_on": value.starts_on.isoformat(), "daily": list(value.daily)}
    return value
