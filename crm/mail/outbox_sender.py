"""Writes e-mail to a folder instead of sending it: the sender without a SendGrid key.

Each e-mail is a file that any mail program opens: folder/<yyyy-mm-dd>/<send_id>.eml.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from crm.mail.finished_mail import UnwritableError, finished_mail, sender_is_writable
from crm.mail.message import Accepted, Answer, MailRequest, NotSent, RecipientsRefused, Refused

logger = logging.getLogger(__name__)


class OutboxSender:
    """A `Sender`. `clock` gives the Date and the day's folder, as aware UTC."""

    def __init__(self, folder: Path, *, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._clock = clock

    @property
    def name(self) -> str:
        return "outbox"

    def send(self, request: MailRequest) -> Answer:
        """All of the request's e-mails are written, or none: a half would be written again."""
        if not request.recipients:
            return Refused("a request needs a recipient")
        if not sender_is_writable(request.sender):
            return Refused("the sender's address is malformed")
        at = self._clock()
        mails, reasons = _written(request, at)
        if reasons:
            return RecipientsRefused(reasons, content_at_fault=frozenset(reasons))
        day = self._folder / at.strftime("%Y-%m-%d")
        try:
            _store(day, mails)
        except OSError as error:
            logger.warning("the outbox cannot be written: %s", type(error).__name__)
            return NotSent(f"the outbox cannot be written: {type(error).__name__}")
        return Accepted(f"outbox-{uuid4().hex}")

    def close(self) -> None:
        """Nothing is held open."""


def _written(request: MailRequest, at: datetime) -> tuple[dict[str, bytes], dict[int, str]]:
    """File name → e-mail, and index → reason for those that cannot be written."""
    mails: dict[str, bytes] = {}
    reasons: dict[int, str] = {}
    for index, recipient in enumerate(request.recipients):
        try:
            mails[f"{recipient.send_id}.eml"] = finished_mail(request, recipient, at=at)
        except UnwritableError as error:
            reasons[index] = str(error)
    return mails, reasons


def _store(day: Path, mails: dict[str, bytes]) -> None:
    """Under hidden names first, then renamed: no reader sees half an e-mail.

    Raises OSError, after taking the files of this call away again.
    """
    touched: list[Path] = []
    try:
        day.mkdir(parents=True, exist_ok=True)
        for file_name, mail in mails.items():
            hidden, final = day / f".{file_name}.{uuid4().hex}", day / file_name
            touched.append(hidden)
            hidden.write_bytes(mail)
            hidden.replace(final)
            touched.append(final)
    except OSError:
        for path in touched:
            path.unlink(missing_ok=True)
        raise
