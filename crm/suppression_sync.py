"""Our suppression list and SendGrid's, held side by side and settled; for page and script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from crm.mail.sendgrid_suppressions import (
    BATCH_SIZE,
    ListName,
    SuppressionClient,
    SuppressionListsError,
)
from crm.mail.suppression_drift import Drift, compare, masked
from crm.settings import Settings, SettingsError
from db_service import DbService

__all__ = [
    "Drift",
    "Settled",
    "SuppressionListsError",
    "find_drift",
    "masked",
    "settle_drift",
    "suppression_client",
]

LISTS: tuple[ListName, ...] = ("spam_reports", "unsubscribes", "bounces", "invalid_emails")
SOURCE = "sendgrid"

Progress = Callable[[str, int], None]
"""Told what is being done, and how many addresses that were more."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How many addresses were new on each side."""

    added_here: int
    added_there: int


def _silent(_doing: str, _addresses: int) -> None:
    """For who needs no progress."""


@contextmanager
def suppression_client(settings: Settings) -> Iterator[SuppressionClient]:
    """A client of the account that e-mails are sent with.

    Raises:
        SettingsError: without SENDGRID_API_KEY.
    """
    key = settings.sendgrid_api_key.get_secret_value()
    if not key:
        raise SettingsError("SENDGRID_API_KEY: not set, so there are no lists to compare with.")
    client = SuppressionClient(key, settings.sendgrid_base_url)
    try:
        yield client
    finally:
        client.close()


def find_drift(
    service: DbService, client: SuppressionClient, *, progress: Progress = _silent
) -> Drift:
    """Read both sides and compare them; changes nothing.

    Raises:
        SuppressionListsError: if SendGrid cannot be asked.
        DatabaseError: if our list cannot be read.
    """
    theirs = [entry for name in LISTS for entry in _read(client, name, progress)]
    # Read after theirs: an address that came meanwhile, by the webhook say, is then no drift.
    return compare(theirs, ((s.email, s.reason) for s in service.suppressions.all()))


def settle_drift(
    service: DbService,
    client: SuppressionClient,
    drift: Drift,
    now: datetime,
    *,
    progress: Progress = _silent,
) -> Settled:
    """Add to each side what only the other has. What was added stays if it breaks off, and
    settling again goes on from there. `now` is aware UTC.

    Raises:
        SuppressionListsError, DatabaseError: as find_drift does.
    """
    added_here = 0
    for batch in _batches(sorted(drift.only_there)):
        reasons = [drift.only_there[email] for email in batch]
        added_here += service.suppressions.add(batch, reasons, source=SOURCE, now=now)
        progress("adding here", len(batch))
    for batch in _batches(drift.only_here):
        client.add_unsubscribes(batch)
        progress("adding at SendGrid", len(batch))
    return Settled(added_here, len(drift.only_here))


def _read(
    client: SuppressionClient, name: ListName, progress: Progress
) -> Iterator[tuple[str, str]]:
    for page in client.pages(name):
        progress(f"reading {name}", len(page))
        yield from ((name, address) for address in page)


def _batches(addresses: Sequence[str]) -> Iterator[list[str]]:
    remaining = iter(addresses)
    while batch := list(islice(remaining, BATCH_SIZE)):
        yield batch
