"""A batch of claimed contacts as letters, and as postponements for those who get none now."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from crm.drip.compose import Held, Letter
from crm.mail.unsubscribe_tokens import UnsubscribeTokens, unsubscribe_url
from crm.scheduler.desk import Desk
from db_service import ClaimedSend, Postponement

logger = logging.getLogger(__name__)

AFTER_FAILURE = timedelta(hours=1)


class Writer:
    def __init__(self, desk: Desk, tokens: UnsubscribeTokens, public_url: str) -> None:
        self._desk = desk
        self._tokens = tokens
        self._public_url = public_url

    def write(
        self, claimed: Sequence[ClaimedSend], *, now: datetime
    ) -> tuple[list[Letter], list[Postponement], dict[str, str]]:
        """Decide and render: letters, what waits, and what came too late (send → why).

        One contact never stops a batch, whatever it brings along.
        """
        written = [self._one(due, now) for due in claimed]
        held = [x for x in written if isinstance(x, Held)]
        return (
            [x for x in written if isinstance(x, Letter)],
            [_postponement(x) for x in held if x.until is not None],
            {x.send_id: x.explanation for x in held if x.until is None},
        )

    def _one(self, due: ClaimedSend, now: datetime) -> Letter | Held:
        try:
            token = self._tokens.sign(uuid.UUID(due.contact_id), self._desk.key_of(due.campaign_id))
            link = unsubscribe_url(self._public_url, token)
            return self._desk.composer.compose(due, now=now, unsubscribe_url=link)
        except Exception:  # the loop's boundary: postponed with its reason, the others go on
            logger.exception("send %s could not be rendered", due.send_id)
            explanation = (
                "The e-mail could not be written for this contact; the log has the details."
            )
            return Held(due.send_id, now + AFTER_FAILURE, "render_failed", explanation)


def _postponement(held: Held) -> Postponement:
    return Postponement(
        send_id=held.send_id, until=held.until, reason=held.reason, explanation=held.explanation
    )
