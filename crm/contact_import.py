"""A contact file into the database: read, clean, store in chunks, count; for page and script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from crm.imports.cleaning import CleanContact, RejectedRow, clean_rows
from crm.imports.reader import ContactFile
from crm.mail.addresses import normalise_address
from crm.records.contact_imports import ContactImportRecords, OnDuplicate

# One statement a chunk; a few thousand rows keep it well under a second. Over REST it goes in as
# many parts as an answer has room for.
CHUNK_ROWS = 2_000

# How the timeline names where a contact came from: "Imported from HubSpot".
_SOURCE_NAMES = {
    "hubspot": "HubSpot",
    "linkedin": "LinkedIn",
    "google": "Google Contacts",
    "outlook": "Outlook",
    "salesforce": "Salesforce",
    "mpt_crm": "an MPT-CRM export",
    "rejects": "a rejects file",
}
_FIELDS = tuple(field.name for field in fields(CleanContact))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportChoices:
    """What the person decides. `mapping` is header to field (crm.imports.columns) or None."""

    mapping: Mapping[str, str | None]
    known_types: frozenset[str]
    default_type: str | None = None
    default_country: str = ""
    on_duplicate: OnDuplicate = "update"
    enroll: bool = False


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of the rows; the parts add up to `read`."""

    read: int = 0
    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    suppressed: int = 0
    archived: int = 0
    rejected: int = 0


class ContactImport:
    """One import of one file. Iterate `run()`, then ask `summary` and `rejected()`."""

    def __init__(
        self, file: ContactFile, choices: ImportChoices, records: ContactImportRecords
    ) -> None:
        self._file = file
        self._choices = choices
        self._records = records
        self._counts: Counter[str] = Counter()

    @property
    def source(self) -> str:
        return _SOURCE_NAMES.get(self._file.origin, "a file")

    @property
    def summary(self) -> ImportSummary:
        parts = {field.name: self._counts[field.name] for field in fields(ImportSummary)}
        return ImportSummary(**parts | {"read": self._counts.total()})

    def rows(self) -> Iterator[CleanContact | RejectedRow]:
        """The cleaned rows, nothing stored: for a preview.

        Raises:
            ImportFileError: for a file that cannot be read on.
        """
        return clean_rows(
            self._file,
            self._choices.mapping,
            normalise=normalise_address,
            known_types=self._choices.known_types,
            default_type=self._choices.default_type,
            default_country=self._choices.default_country,
        )

    def run(self, *, now: datetime) -> Iterator[int]:
        """Stores chunk by chunk; yields the number of rows read so far.

        Raises:
            ImportFileError: for a file that cannot be read on; chunks before it are stored.
            DatabaseError: chunks before it are stored, and importing again repeats nothing.
        """
        chunk: list[CleanContact] = []
        suppress: list[str] = []
        for row in self.rows():
            if isinstance(row, RejectedRow):
                self._counts["rejected"] += 1
                if row.suppress:
                    suppress.append(row.suppress)
            else:
                chunk.append(row)
            if len(chunk) + len(suppress) >= CHUNK_ROWS:
                self._store(chunk, suppress, now)
                chunk, suppress = [], []
                yield self._counts.total()
        self._store(chunk, suppress, now)
        yield self._counts.total()

    def rejected(self) -> Iterator[RejectedRow]:
        """The rejected rows, read from the file once more: no number of them fills the memory."""
        return (row for row in self.rows() if isinstance(row, RejectedRow))

    def _store(self, chunk: list[CleanContact], suppress: list[str], now: datetime) -> None:
        if suppress:
            self._records.suppress(suppress, now=now)
        if not chunk:
            return
        stored = self._records.store(
            [_as_row(contact) for contact in chunk],
            source=self.source,
            on_duplicate=self._choices.on_duplicate,
            enroll=self._choices.enroll,
            now=now,
        )
        self._counts.update(row.outcome for row in stored)


def _as_row(contact: CleanContact) -> dict[str, Any]:
    return {name: getattr(contact, name) for name in _FIELDS}
