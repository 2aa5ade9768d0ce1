"""What can be done with many contacts at once: the words for each, and what does a part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.records.contact_changes import ContactOutcome
from crm.records.contacts import Contact
from crm.records.enrollments import Action as EnrollmentAction
from crm.ui import session
from crm.ui.bulk_job import Part

_CHANGED = frozenset({"changed"})


@dataclass(frozen=True, slots=True)
class BulkAction:
    """`button` and `means` name whom it is about by {whom}; `done` says it of one and of several;
    `revert` is how to get back."""

    title: str
    button: str
    means: str
    done: tuple[str, str]
    revert: str
    succeeded: frozenset[str] = _CHANGED


_UNDO_BY_ENROLLING = "To go back, enroll them again: nobody receives an e-mail twice."

ACTIONS: Mapping[str, BulkAction] = {
    "type": BulkAction(
        "Change type",
        "Change {whom}",
        "",
        ("was changed", "were changed"),
        "To go back, change the type again: the campaign goes on where it was.",
    ),
    "owner": BulkAction(
        "Change owner",
        "Hand over {whom}",
        "The new owner may change them, and e-mails name the new owner from now on.",
        ("was handed over", "were handed over"),
        "To go back, change the owner again; an admin can do so for any contact.",
    ),
    "add_tags": BulkAction(
        "Add tags",
        "Tag {whom}",
        "",
        ("was tagged", "were tagged"),
        "To go back, remove the tags again.",
    ),
    "remove_tags": BulkAction(
        "Remove tags",
        "Remove from {whom}",
        "",
        ("lost the tags", "lost the tags"),
        "To go back, add the tags again.",
    ),
    "enroll": BulkAction(
        "Enroll",
        "Enroll {whom}",
        "Who may not be written to is left out, and nobody receives an e-mail twice.",
        ("was enrolled", "were enrolled"),
        "To go back, stop the campaigns.",
        frozenset({"enrolled"}),
    ),
    "pause": BulkAction(
        "Pause campaigns",
        "Pause {whom}",
        "No campaign writes to {whom} until somebody resumes it. Everybody keeps their place.",
        ("was paused", "were paused"),
        "To go back, resume their campaigns.",
    ),
    "resume": BulkAction(
        "Resume campaigns",
        "Resume {whom}",
        "What is paused goes on from where it was.",
        ("goes on", "go on"),
        "To go back, pause their campaigns.",
    ),
    "stop": BulkAction(
        "Stop campaigns",
        "Stop for {whom}",
        "No campaign writes to {whom} any more until somebody enrolls again.",
        ("was stopped", "were stopped"),
        _UNDO_BY_ENROLLING,
    ),
    "archive": BulkAction(
        "Archive",
        "Archive {whom}",
        "Their campaigns stop, and they leave the list. Nothing is deleted.",
        ("was archived", "were archived"),
        "",
    ),
    "unarchive": BulkAction(
        "Take out of the archive",
        "Take out {whom}",
        "They are back in the list. No campaign starts by itself.",
        ("was taken out of the archive", "were taken out of the archive"),
        "To go back, archive them again.",
    ),
    "undo_archive": BulkAction(
        "Undo the archiving",
        "Bring back {whom}",
        "They are back in the list, and the campaigns that ran go on.",
        ("is back", "are back"),
        "To go back, archive them again.",
        frozenset({"restored"}),
    ),
    "export": BulkAction(
        "Export",
        "Export {whom}",
        "A file for spreadsheets. That you took it is written to the audit log.",
        ("is in the file", "are in the file"),
        "",
        frozenset({"read"}),
    ),
}


def changing(changes: Mapping[str, object]) -> Part:
    def part(ids: Sequence[str], moment: datetime) -> Sequence[ContactOutcome]:
        return session.current().db.contact_changes.change(ids, changes, now=moment)

    return part


def campaigns(action: EnrollmentAction) -> Part:
    def part(ids: Sequence[str], moment: datetime) -> Sequence[ContactOutcome]:
        return session.current().db.contact_changes.change_campaigns(ids, action, now=moment)

    return part


def enrolling(campaign_id: str | None) -> Part:
    def part(ids: Sequence[str], moment: datetime) -> Sequence[ContactOutcome]:
        outcomes = session.current().db.enrollments.enroll(
            ids, campaign_id=campaign_id, source="bulk", now=moment
        )
        return [ContactOutcome(o.contact_id, o.outcome) for o in outcomes]

    return part


def bringing_back(archived_at: datetime) -> Part:
    def part(ids: Sequence[str], moment: datetime) -> Sequence[ContactOutcome]:
        return session.current().db.contact_changes.undo_archive(
            ids, archived_at=archived_at, now=moment
        )

    return part


def reading(into: list[Contact]) -> Part:
    def part(ids: Sequence[str], _moment: datetime) -> Sequence[ContactOutcome]:
        found = session.current().db.contact_changes.read(ids)
        into.extend(found)
        there = {contact.id for contact in found}
        return [ContactOutcome(i, "read" if i in there else "gone") for i in ids]

    return part
