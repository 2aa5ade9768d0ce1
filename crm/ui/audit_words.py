"""An entry of the audit log as one plain sentence, and the areas people look through it by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm.records.audit import AuditActor, AuditEntry
from crm.records.states import SwitchPolicy
from crm.ui import words
from crm.ui.audit_fields import NOTHING, SETTING, Change, Reader

_TOLD_AT_MOST = 3
_LONGEST_VALUE = 40
_CHANGES = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Area:
    """A kind of entry: what a filter calls it, and the word beside an entry of it."""

    label: str
    kind: str
    relations: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()


AREAS: tuple[Area, ...] = (
    Area("Campaigns", "Campaign", ("drip_campaigns",), _CHANGES),
    Area("E-mails of campaigns", "E-mail", ("drip_campaign_templates",), _CHANGES),
    Area("Contact types", "Type", ("contact_types", "type_switches"), _CHANGES),
    Area("Settings", "Setting", ("app_settings",), _CHANGES),
    Area("Users and invitations", "User", ("profiles", "invitations"), _CHANGES),
    Area("Suppressions lifted", "Lifted", ("suppressions",), ("LIFT", "DELETE")),
    Area("Exports", "Export", (), ("EXPORT",)),
    Area("Erased contacts", "Erased", (), ("ERASE",)),
    Area("Merged contacts", "Merged", (), ("MERGE",)),
    Area("Webhooks", "Webhook", ("webhook_endpoints",), _CHANGES),
)

_NOUN: Mapping[str, str] = {
    "drip_campaigns": "campaign",
    "contact_types": "contact type",
    "profiles": "user",
    "webhook_endpoints": "webhook",
}

_EXPORTED: Mapping[str, tuple[str, str]] = {
    "contacts": ("contact", "contacts"),
    "audit_log": ("entry of the audit log", "entries of the audit log"),
}


def kind(entry: AuditEntry) -> str:
    """The word beside an entry, such as "Campaign"."""
    for area in AREAS:
        if entry.operation in area.operations and (
            not area.relations or entry.relation in area.relations
        ):
            return area.kind
    return "Other"


def who(actor: AuditActor | AuditEntry) -> str:
    if actor.actor_kind == "person":
        return actor.actor_name or "Somebody"
    if actor.actor_kind == "operator":
        return (
            f"An operator at the server (as {actor.actor_name})"
            if actor.actor_name
            else "Operators"
        )
    return "The system" if actor.actor_kind == "service" else "Not known"


def sentence(entry: AuditEntry, reader: Reader) -> str:
    """ "Bob Admin changed campaign Lead: status Running → Paused"; plain text."""
    return f"{_subject(entry)} {_deed(entry, reader)}"


def changes(entry: AuditEntry, reader: Reader) -> list[Change]:
    """Field by field; of a lifted suppression what it was, since the sentence says why it went."""
    if entry.relation == "app_settings":
        return _setting_changes(entry, reader)
    if entry.operation == "MERGE":
        return []
    after = None if entry.operation == "LIFT" else entry.after
    return reader.changes(entry.relation, entry.before, after)


def _setting_changes(entry: AuditEntry, reader: Reader) -> list[Change]:
    was, is_now = entry.before or {}, entry.after or {}
    if was.get("value") == is_now.get("value"):
        return reader.changes(entry.relation, entry.before, entry.after)
    before, after = (reader.setting(entry.row_key, side.get("value")) for side in (was, is_now))
    return [Change(_setting_name(entry.row_key), before, after)]


def _setting_name(key: str) -> str:
    return SETTING.get(key, key.replace("_", " "))


def _subject(entry: AuditEntry) -> str:
    return "Somebody" if entry.actor_kind == "unknown" else who(entry)


def _deed(entry: AuditEntry, reader: Reader) -> str:
    special = _SPECIAL.get((entry.relation, entry.operation)) or _SPECIAL.get(("", entry.operation))
    told = special(entry, reader) if special else ""
    if told:
        return told
    name = _name(entry, reader)
    if entry.operation == "INSERT":
        return f"added {name}"
    if entry.operation == "DELETE":
        return f"deleted {name}"
    return f"changed {name}: {_summary(changes(entry, reader))}"


def _row(entry: AuditEntry) -> Mapping[str, Any]:
    return entry.after or entry.before or {}


def _name(entry: AuditEntry, reader: Reader) -> str:
    row = entry.before or entry.after or {}
    if entry.relation == "drip_campaign_templates":
        campaign = reader.value(entry.relation, "campaign_id", row.get("campaign_id"))
        return f"e-mail “{row.get('name', '')}” of {campaign}"
    if entry.relation == "app_settings":
        return f"the setting “{_setting_name(entry.row_key)}”"
    if entry.relation == "invitations":
        return f"the invitation of {row.get('email', '')}"
    noun = _NOUN.get(entry.relation, entry.relation.replace("_", " "))
    named = next((row[n] for n in ("name", "label", "full_name", "url") if row.get(n)), "")
    return f"{noun} {named}".strip()


def _summary(all_changes: list[Change]) -> str:
    parts = [_part(change) for change in all_changes[:_TOLD_AT_MOST]]
    if more := len(all_changes) - _TOLD_AT_MOST:
        parts += [f"and {more} more"] if more > 0 else []
    return ", ".join(parts)


def _part(change: Change) -> str:
    if max(len(change.before), len(change.after)) > _LONGEST_VALUE:
        return change.label
    if change.before == NOTHING:
        return f"{change.label} {change.after}"
    return f"{change.label} {change.before} → {change.after}"


# What deserves better than "changed row so-and-so". Empty: told as everything else is.


def _exported(entry: AuditEntry, _reader: Reader) -> str:
    row = _row(entry)
    several = entry.relation.replace("_", " ")
    one, many = _EXPORTED.get(entry.relation, (f"row of {several}", f"rows of {several}"))
    return f"exported {words.counted(int(row['row_count']), one, many)}: {row['description']}"


def _erased(entry: AuditEntry, reader: Reader) -> str:
    row = _row(entry)
    label = reader.value("contacts", "contact_type", row.get("contact_type"))
    return f"erased a contact ({label}, added on {reader.day(row['created_at'])})"


def _merged(entry: AuditEntry, reader: Reader) -> str:
    was, is_now = (
        reader.value("contacts", "contact_type", (side or {}).get("contact_type"))
        for side in (entry.before, entry.after)
    )
    types = was if was == is_now else f"{was} → {is_now}"
    return f"merged a contact into another ({types})"


def _lifted(entry: AuditEntry, reader: Reader) -> str:
    was, reason = entry.before or {}, (entry.after or {}).get("reason", "")
    stop = reader.value("suppressions", "reason", was.get("reason"))
    return f"lifted the stop for {was.get('email', '')} ({stop}): {reason}"


def _unlisted(entry: AuditEntry, _reader: Reader) -> str:
    return f"deleted {(entry.before or {}).get('email', '')} from the suppression list"


def _setting(entry: AuditEntry, reader: Reader) -> str:
    was, is_now = entry.before or {}, entry.after or {}
    if entry.row_key == "sending_halt":
        return (
            f"stopped all sending: {is_now['value']}"
            if is_now.get("value")
            else "let sending go on"
        )
    name = _name(entry, reader)
    if was.get("is_secret") or is_now.get("is_secret"):
        return f"changed {name}, which is kept secret"
    before, after = (reader.setting(entry.row_key, side.get("value")) for side in (was, is_now))
    return f"changed {name}: {before} → {after}" if before != after else ""


def _published(entry: AuditEntry, reader: Reader) -> str:
    row = _row(entry)
    verb = "published" if row.get("status") == "published" else "drafted"
    return f"{verb} version {row.get('version', 1)} of {_name(entry, reader)}"


def _retired(entry: AuditEntry, reader: Reader) -> str:
    return f"retired {_name(entry, reader)}" if _row(entry).get("status") == "retired" else ""


def _joined(entry: AuditEntry, reader: Reader) -> str:
    role = reader.value("profiles", "role", _row(entry).get("role"))
    if entry.row_key == entry.actor_id:
        return f"accepted the invitation and joined as {role}"
    return f"added {_name(entry, reader)} as {role}"


def _let_in_or_out(entry: AuditEntry, reader: Reader) -> str:
    if [change.label for change in changes(entry, reader)] != ["active"]:
        return ""
    verb = "reactivated" if _row(entry).get("active") else "deactivated"
    return f"{verb} {_name(entry, reader)}"


def _invited(entry: AuditEntry, reader: Reader) -> str:
    row = _row(entry)
    return f"invited {row.get('email', '')} as {reader.value('profiles', 'role', row.get('role'))}"


def _uninvited(entry: AuditEntry, reader: Reader) -> str:
    # Who accepts has no profile yet, and stands in the log by the address.
    if entry.actor_kind == "person" and entry.actor_name in ("", _row(entry).get("email")):
        return "took up the invitation"
    return f"withdrew {_name(entry, reader)}"


def _switched(entry: AuditEntry, reader: Reader) -> str:
    row = _row(entry)
    old, new = (reader.value(entry.relation, side, row[side]) for side in ("from_type", "to_type"))
    # A pair that is not named goes back to what is usual.
    policy = (entry.after or {}).get("policy", SwitchPolicy.STOP_AND_START)
    return f"set the change from {old} to {new}: {reader.value(entry.relation, 'policy', policy)}"


_SPECIAL = {
    ("", "EXPORT"): _exported,
    ("", "ERASE"): _erased,
    ("", "LIFT"): _lifted,
    ("", "MERGE"): _merged,
    ("suppressions", "DELETE"): _unlisted,
    ("app_settings", "UPDATE"): _setting,
    ("drip_campaign_templates", "INSERT"): _published,
    ("drip_campaign_templates", "UPDATE"): _retired,
    **{("type_switches", operation): _switched for operation in _CHANGES},
    ("profiles", "INSERT"): _joined,
    ("profiles", "UPDATE"): _let_in_or_out,
    ("invitations", "INSERT"): _invited,
    ("invitations", "DELETE"): _uninvited,
}
