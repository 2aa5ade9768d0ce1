"""What the contact list can be asked for: filters that combine, an order, and how many fit."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Order = Literal["newest", "name", "company", "activity"]
# Beside the codes of EmailStatus: nobody said stop, but there is no address to write to.
NO_ADDRESS = "no_address"

_MOST_WORDS = 8
# A telephone number is the same however it is written down.
_NUMBER = re.compile(r"^[+(]?[0-9][0-9 ()./+-]*$")
_FEWEST_DIGITS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSearch:
    """Filters of the contact list; all given ones must hold. Moments are aware UTC, from `since`
    on and before `until`; `quiet_since` and `never_active` are about what counts as activity in
    migrations/…_contact_search.sql."""

    text: str = ""
    contact_types: tuple[str, ...] = ()
    email_statuses: tuple[str, ...] = ()
    owner_id: str | None = None
    unowned: bool = False
    industry: str = ""
    tag: str = ""
    campaign_id: str | None = None
    without_campaign: bool = False
    active_since: datetime | None = None
    quiet_since: datetime | None = None
    never_active: bool = False
    created_since: datetime | None = None
    created_until: datetime | None = None
    archived: bool = False

    def as_json(self) -> str:
        """For find_contacts and count_found; what is left out filters nothing."""
        wanted: dict[str, object] = {
            "words": _words(self.text),
            "types": self.contact_types,
            "statuses": self.email_statuses,
            "owner": self.owner_id,
            "unowned": self.unowned,
            "industry": self.industry,
            "tag": self.tag,
            "campaign": self.campaign_id,
            "without_campaign": self.without_campaign,
            "never_active": self.never_active,
            "archived": self.archived,
        }
        for name in ("active_since", "quiet_since", "created_since", "created_until"):
            moment = getattr(self, name)
            wanted[name] = moment and moment.isoformat()
        return json.dumps({name: value for name, value in wanted.items() if value})


EVERYONE = ContactSearch()


@dataclass(frozen=True, slots=True)
class ContactCount:
    """How many a search finds: "exactly"; "about", the planner's estimate for everybody; or "more"
    than `total`, as far as was counted."""

    total: int
    kind: Literal["exactly", "about", "more"]


NOBODY = ContactCount(0, "exactly")


def _words(text: str) -> list[str]:
    """Each must occur; a number counts by its digits alone."""
    digits = re.sub("[^0-9]", "", text)
    if _NUMBER.match(text.strip()) and len(digits) >= _FEWEST_DIGITS:
        return [digits]
    return text.split()[:_MOST_WORDS]
