"""What a field of an audited row is called, and how its value reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from crm.records.states import TemplateStatus
from crm.ui import limits_form, switch_words, words
from crm.ui.moments import Moments

NOTHING = "nothing"

_CAMPAIGN = "drip_campaigns"
_E_MAIL = "drip_campaign_templates"

TEMPLATE_STATUS: Mapping[str, str] = {
    TemplateStatus.DRAFT: "Draft",
    TemplateStatus.PUBLISHED: "Published",
    TemplateStatus.RETIRED: "Retired",
}

SETTING: Mapping[str, str] = {
    "default_time_zone": "Time zone of contacts without one",
    "default_country": "Country of contacts without one",
    "discovery_form_accept_first": "Discovery calls from the website wait for a colleague",
    "discovery_form_open": "Discovery call form for everybody",
    "sending_halt": "All sending stopped",
    "warm_up": "Warm-up",
    "mail_from_name": "Sender's name",
    "mail_from_email": "Sender's address",
    "mail_reply_to": "Address for replies",
    "mail_postal_address": "Postal address",
} | {
    field.name: field.label
    for field in (*limits_form.CAPS, *limits_form.BREAKERS, *limits_form.CARE)
}

# Without a value they limit nothing.
_CAPS = frozenset(field.name for field in limits_form.CAPS)

# What says nothing to a reader: names of rows, moments the entry itself has, the engine's notes.
_UNTOLD = frozenset(
    {
        "contact_id",
        "content_hash",
        "counted_since",
        "created_at",
        "created_by",
        "id",
        "invited_at",
        "key",
    }
)

_LABEL: Mapping[str, str] = {
    "body": "text",
    "campaign_id": "campaign",
    "contact_type": "type",
    "delay_days": "days after the one before",
    "email": "address",
    "expires_after_days": "worth sending for (days)",
    "first_admin": "first admin",
    "full_name": "name",
    "invited_by": "invited by",
    "is_secret": "secret",
    "is_type_campaign": "belongs to a contact type",
    "path_rank": "place on the sales path",
    "paused_reason": "reason",
    "position": "place",
    "published_at": "published",
    "respect_holidays": "keeps holidays",
    "row_count": "rows",
    "secret": "signing secret",
    "url": "web address",
    "window_days": "sending days",
    "window_end": "sends until",
    "window_start": "sends from",
}


@dataclass(frozen=True, slots=True)
class Known:
    """Names of what entries point to, by id or key. What is gone since has none."""

    campaigns: Mapping[str, str]
    people: Mapping[str, str]
    contact_types: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One field, before and after, in words."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values for one viewer."""

    known: Known
    moments: Moments

    def changes(
        self, relation: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> list[Change]:
        """Every field that differs; all that has a value, where there is only one side."""
        was, is_now = before or {}, after or {}
        names = [name for name in {**was, **is_now} if name not in _UNTOLD]
        return [
            Change(
                _LABEL.get(name, name.replace("_", " ")),
                self.value(relation, name, was.get(name)),
                self.value(relation, name, is_now.get(name)),
            )
            for name in names
            if not _same(was.get(name), is_now.get(name))
        ]

    def setting(self, key: str, value: Any) -> str:
        """The value of an app setting, with its unit."""
        if _is_empty(value):
            return "no limit" if key in _CAPS else NOTHING
        if isinstance(value, int | float) and key.endswith("_percent"):
            return f"{value:g} %"
        return self.value("app_settings", "value", value)

    def value(self, relation: str, name: str, value: Any) -> str:
        if _is_empty(value):
            return NOTHING
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str):
            return self._text(relation, name, value)
        if name == "window_days":
            return words.weekdays(value)
        return _structure(value)

    def _text(self, relation: str, name: str, value: str) -> str:
        if in_words := self._code(relation, name, value):
            return in_words
        if name.endswith(("_at", "_since", "_until")):
            return self._moment(value)
        if name in {"window_start", "window_end"}:
            return "24:00" if (name, value) == ("window_end", "00:00:00") else value[:5]
        return value

    def _code(self, relation: str, name: str, value: str) -> str:
        """The words for a code or an id; empty for what is neither."""
        if name == "status" and relation == _CAMPAIGN:
            return words.CAMPAIGN_STATUS[value][0]
        if name == "status" and relation == _E_MAIL:
            return TEMPLATE_STATUS[value]
        if name == "role":
            return words.ROLE[value][0]
        if name == "reason" and relation == "suppressions":
            return words.SUPPRESSION_REASON.get(value, "")
        if name == "campaign_id":
            return self.known.campaigns.get(value, "a campaign that is gone")
        if name == "policy":
            return switch_words.POLICY[value]
        if name in {"contact_type", "from_type", "to_type"}:
            return self.known.contact_types.get(value, value)
        if name.endswith("_by"):
            return self.known.people.get(value, "a former colleague")
        return ""

    def day(self, value: str) -> str:
        """ "21 November 2026" of a stored moment, by the viewer's calendar."""
        local = datetime.fromisoformat(value).astimezone(self.moments.zone)
        return f"{local.day} {local:%B %Y}"

    def _moment(self, value: str) -> str:
        try:
            return self.moments.when(datetime.fromisoformat(value))
        except ValueError:
            return value


def _same(one: Any, other: Any) -> bool:
    return one == other or (_is_empty(one) and _is_empty(other))


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _structure(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(
            f"{str(name).replace('_', ' ')}: {_structure(part)}" for name, part in value.items()
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_structure(part) for part in value)
    if isinstance(value, int):
        return words.number(value)
    return _day(str(value))


def _day(text: str) -> str:
    """ "21 November 2026" of an ISO date; any other text as it is."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day.day} {day:%B %Y}"
