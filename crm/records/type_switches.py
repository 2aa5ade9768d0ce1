"""What a change of a contact's type brings: the policy of each pair of types, and a look ahead."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.database.gateway import Gateway, Row
from crm.records.rows import records_from
from crm.records.states import SwitchPolicy

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class SwitchOutcome:
    """What would become of one campaign for so many contacts (preview_switch lists the outcomes).

    `received` counts e-mails of the new type's campaign that were received before, at most.
    """

    campaign_name: str
    outcome: str
    contacts: int
    received: int


class TypeSwitchRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def policies(self) -> dict[Pair, SwitchPolicy]:
        """By (from type, to type); a pair that is not named stops one and starts the other."""
        rows = self._gateway.select("type_switches", columns=["from_type", "to_type", "policy"])
        return {(row["from_type"], row["to_type"]): SwitchPolicy(row["policy"]) for row in rows}

    def change(self, policies: Mapping[Pair, SwitchPolicy], *, now: datetime) -> int:
        """Write these pairs, all or nothing (admins only); returns how many changed.

        Raises:
            NotAllowedError: for who is no admin.
            InvalidValueError: for a type that is not there.
        """
        switches = [
            {"from_type": old, "to_type": new, "policy": policy.value}
            for (old, new), policy in policies.items()
        ]
        written = self._gateway.call("change_switches", p_switches=json.dumps(switches), p_now=now)
        return int(written)

    def preview(
        self, contact_ids: Sequence[str], contact_type: str, *, now: datetime
    ) -> list[SwitchOutcome]:
        """What changing these contacts to this type would bring; nothing is changed.

        Contacts that the asker may not change are left out.
        """
        rows: list[Row] = self._gateway.call(
            "preview_switch", p_contacts=list(contact_ids), p_type=contact_type, p_now=now
        )
        return records_from(SwitchOutcome, rows)

    def start_waiting(self, enrollment_ids: Sequence[str], *, now: datetime) -> int:
        """Begin what waits for another campaign to end: that one is stopped by hand. Returns how
        many began."""
        return int(
            self._gateway.call("start_waiting", p_enrollments=list(enrollment_ids), p_now=now)
        )
