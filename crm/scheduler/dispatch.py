"""One request's whole way: hand over, send, settle. Runs in worker threads."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import stamina

from crm.drip.compose import Letter
from crm.mail.delivery import Outcome, deliver
from crm.mail.message import MailRequest, Recipient, SenderIdentity
from crm.mail.senders import Sender
from crm.scheduler.desk import Desk
from crm.scheduler.progress import Lease, Progress, StopReason
from db_service import (
    DatabaseError,
    DatabaseUnreachableError,
    EngineRecords,
    Postponement,
    Settlement,
)

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 120.0  # how long to insist on writing down what the provider answered
AFTER_FAILURE_SECONDS = 60.0
# An unwell provider makes every request unconfirmed, and each of those waits for a person.
AFTER_UNCLEAR_ANSWER = timedelta(minutes=10)


class Dispatcher:
    def __init__(
        self,
        engine: EngineRecords,
        sender: Sender,
        desk: Desk,
        *,
        lease: Lease,
        identity: SenderIdentity,
        clock: Callable[[], datetime],
        progress: Progress,
    ) -> None:
        self._engine = engine
        self._sender = sender
        self._desk = desk
        self._lease = lease
        self._identity = identity
        self._clock = clock
        self._progress = progress
        # Half a lease: the other half is for the claim's way here.
        self._leave_within = timedelta(seconds=lease.seconds / 2)

    def post(self, letters: Sequence[Letter]) -> None:
        """Letters of one template: what may still go leaves in one request and is written down."""
        if self._progress.stop_because:
            self._put_back(letters)
            return
        request_id, leave_by = str(uuid4()), self._clock() + self._leave_within
        allowed = self._hand_over(letters, request_id, leave_by)
        going = [letter for letter in letters if letter.due.send_id in allowed]
        if going:
            request = self._request(going, request_id, leave_by)
            outcomes = deliver(self._sender, request)
            self._progress.count(requests=1)
            self._settle(going, outcomes)
        # After the others: what was handed over and does not leave would wait for evidence.
        if len(going) < len(letters):
            self._give_back([letter for letter in letters if letter.due.send_id not in allowed])

    def _hand_over(
        self, letters: Sequence[Letter], request_id: str, leave_by: datetime
    ) -> set[str]:
        try:
            return self._engine.hand_over(
                self._lease.token,
                provider=self._sender.name,
                request_id=request_id,
                values={letter.due.send_id: letter.values for letter in letters},
                leave_by=leave_by,
                now=self._clock(),
            )
        except DatabaseUnreachableError:
            self._take_back(letters)
            raise

    def _take_back(self, letters: Sequence[Letter]) -> None:
        """Marked as handed over or not, nobody knows; but nothing left, so all are due again."""
        now = self._clock()
        reason = "The database did not answer before it could leave; it is due again."
        settlements = [
            Settlement(send_id=x.due.send_id, status="retry", reason=reason, retry_at=now)
            for x in letters
        ]
        self._write_down(settlements, now)

    def _put_back(self, letters: Sequence[Letter]) -> None:
        """The run ended before these could leave."""
        because, until = self._progress.stop_because, self._progress.wake_at
        reason = str(self._progress.stop_reason)
        postponements = [
            Postponement(
                send_id=letter.due.send_id, until=until, reason=reason, explanation=because
            )
            for letter in letters
        ]
        self._engine.postpone(self._lease.run, postponements, now=self._clock())
        self._progress.count(postponed=len(letters))

    def _give_back(self, letters: Sequence[Letter]) -> None:
        """Stopped, paused or changed after the claim; the database says why, contact by contact."""
        given_back = [letter.due.send_id for letter in letters]
        self._engine.give_back(self._lease.run, given_back, now=self._clock())
        self._progress.count(withdrawn=len(letters))

    def _request(
        self, letters: Sequence[Letter], request_id: str, leave_by: datetime
    ) -> MailRequest:
        first = letters[0].due
        # Two clocks: one may be set back, the other does not count while the machine sleeps.
        at_latest = time.monotonic() + self._leave_within.total_seconds()
        return MailRequest(
            skeleton=self._desk.skeleton_of(first.template_id),
            recipients=tuple(_recipient(letter) for letter in letters),
            sender=self._identity,
            category=self._desk.key_of(first.campaign_id),
            request_id=request_id,
            may_leave=lambda: self._clock() < leave_by and time.monotonic() < at_latest,
            still_wanted=self._still_wanted,
        )

    def _still_wanted(self, send_ids: Collection[str]) -> Collection[str]:
        """Nobody, if the database cannot say: what has not left yet is due again."""
        try:
            return self._engine.still_wanted(self._lease.token, list(send_ids), now=self._clock())
        except DatabaseError as error:
            logger.warning("cannot ask who may still be written to: %s", type(error).__name__)
            return frozenset()

    def _settle(self, letters: Sequence[Letter], outcomes: Sequence[Outcome]) -> None:
        now = self._clock()
        settlements = [self._settlement(x, o, now) for x, o in zip(letters, outcomes, strict=True)]
        self._write_down(settlements, now)
        self._progress.count(**Counter(str(o.status) for o in outcomes))
        self._heed(outcomes, now)

    def _write_down(self, settlements: Sequence[Settlement], now: datetime) -> None:
        """What is known must not be lost: giving up now would make it an unconfirmed result."""
        for attempt in stamina.retry_context(
            on=_may_pass_later, attempts=50, timeout=SETTLE_SECONDS
        ):
            with attempt:
                self._engine.settle(self._lease.run, self._lease.token, settlements, now=now)

    def _settlement(self, letter: Letter, outcome: Outcome, now: datetime) -> Settlement:
        if outcome.status == "accepted":
            following = self._desk.composer.next_due(letter.due, sent_at=now)
            step, due_at = following or (None, None)
            return Settlement(
                send_id=outcome.send_id,
                status="accepted",
                message_id=outcome.message_id,
                next_step=step,
                next_send_at=due_at,
            )
        return Settlement(
            send_id=outcome.send_id,
            status=outcome.status,
            reason=outcome.reason,
            retry_at=now + _wait_after(outcome) if outcome.status == "retry" else None,
            address_refused=outcome.address_refused,
        )

    def _heed(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Trouble with account or connection ends the run; a refused key stops all sending."""
        halting = next((o for o in outcomes if o.halt), None)
        unclear = next((o for o in outcomes if o.status == "unconfirmed"), None)
        waiting = next((o for o in outcomes if o.status == "retry" and not o.withdrawn), None)
        if halting:
            reason = halting.reason or "The provider refused our credentials."
            self._engine.halt_sending(reason, now=now)
            logger.error("sending is halted: the provider refused our credentials")
            self._progress.stop(reason, StopReason.HALTED)
        elif unclear:
            reason = unclear.reason or "The provider gave no clear answer."
            self._progress.stop(reason, StopReason.PROVIDER, wake_at=now + AFTER_UNCLEAR_ANSWER)
        elif waiting:
            reason = waiting.reason or "The provider asked to wait."
            self._progress.stop(reason, StopReason.PROVIDER, wake_at=now + _wait_after(waiting))


def _may_pass_later(error: Exception) -> bool:
    return isinstance(error, DatabaseError) and not error.permanent


def _wait_after(outcome: Outcome) -> timedelta:
    """A halt itself holds everything; when it is lifted, nothing more is to be waited for."""
    if outcome.halt:
        return timedelta(0)
    return timedelta(seconds=outcome.retry_after_seconds or AFTER_FAILURE_SECONDS)


def _recipient(letter: Letter) -> Recipient:
    due = letter.due
    return Recipient(
        send_id=due.send_id,
        email=due.email,
        name=f"{due.first_name} {due.last_name}".strip(),
        values=letter.values,
        unsubscribe_url=letter.unsubscribe_url,
    )
