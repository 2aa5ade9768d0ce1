"""One request's whole way: hand over, send, settle. Runs in worker threads."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import stamina

from crm.drip.compose import Letter
from crm.mail.delivery import Outcome, deliver
from crm.mail.message import MailRequest, Recipient, SenderIdentity
from crm.mail.senders import Sender
from crm.scheduler.desk import Desk
from db_service import DatabaseUnreachableError, EngineRecords, Postponement, Settlement

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 120.0  # how long to insist on writing down what the provider answered
AFTER_FAILURE_SECONDS = 60.0


class Progress:
    """Counts and the reason to end the run, shared by the threads of one tick."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.stop_because = ""
        self.wake_at: datetime | None = None
        self._lock = threading.Lock()

    def count(self, **numbers: int) -> None:
        with self._lock:
            self.counts.update(numbers)

    def stop(self, because: str, *, wake_at: datetime | None = None) -> None:
        """The first reason stands; the run ends after what is in flight."""
        with self._lock:
            self.stop_because = self.stop_because or because
            self.wake_at = self.wake_at or wake_at


@dataclass(frozen=True, slots=True)
class Lease:
    """Under which run and token this tick claims, hands over and settles."""

    run: int
    token: str


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

    def post(self, letters: Sequence[Letter]) -> None:
        """Letters of one template: what may still go leaves in one request and is written down."""
        allowed = self._engine.hand_over(
            self._lease.token,
            provider=self._sender.name,
            values={letter.due.send_id: letter.values for letter in letters},
            now=self._clock(),
        )
        going = [letter for letter in letters if letter.due.send_id in allowed]
        if len(going) < len(letters):
            self._give_back([letter for letter in letters if letter.due.send_id not in allowed])
        if going:
            outcomes = deliver(self._sender, self._request(going))
            self._progress.count(requests=1)
            self._settle(going, outcomes)

    def _give_back(self, letters: Sequence[Letter]) -> None:
        explanation = "Stopped, paused or changed after it was claimed; it was not sent."
        given_back = [
            Postponement(
                send_id=letter.due.send_id,
                until=None,
                reason="consent_withdrawn",
                explanation=explanation,
            )
            for letter in letters
        ]
        self._engine.postpone(self._lease.run, given_back, now=self._clock())
        self._progress.count(withdrawn=len(letters))

    def _request(self, letters: Sequence[Letter]) -> MailRequest:
        first = letters[0].due
        return MailRequest(
            skeleton=self._desk.skeleton_of(first.template_id),
            recipients=tuple(_recipient(letter) for letter in letters),
            sender=self._identity,
            category=self._desk.key_of(first.campaign_id),
        )

    def _settle(self, letters: Sequence[Letter], outcomes: Sequence[Outcome]) -> None:
        now = self._clock()
        settlements = [self._settlement(x, o, now) for x, o in zip(letters, outcomes, strict=True)]
        # The provider has answered: giving up now would make a known result an unconfirmed one.
        for attempt in stamina.retry_context(
            on=DatabaseUnreachableError, attempts=50, timeout=SETTLE_SECONDS
        ):
            with attempt:
                self._engine.settle(self._lease.run, self._lease.token, settlements, now=now)
        self._progress.count(**Counter(str(o.status) for o in outcomes))
        self._heed(outcomes, now)

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
        wait = outcome.retry_after_seconds or AFTER_FAILURE_SECONDS
        return Settlement(
            send_id=outcome.send_id,
            status=outcome.status,
            reason=outcome.reason,
            retry_at=now + timedelta(seconds=wait) if outcome.status == "retry" else None,
            address_refused=outcome.address_refused,
        )

    def _heed(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Trouble with account or connection ends the run; a refused key stops all sending."""
        halting = next((o for o in outcomes if o.halt), None)
        if halting:
            reason = halting.reason or "The provider refused our credentials."
            self._engine.halt_sending(reason, now=now)
            logger.error("sending is halted: the provider refused our credentials")
            self._progress.stop(reason)
            return
        postponed = next(
            (o for o in outcomes if o.status == "retry" and o.retry_after_seconds), None
        )
        if postponed and postponed.retry_after_seconds:
            wake_at = now + timedelta(seconds=postponed.retry_after_seconds)
            self._progress.stop(postponed.reason or "The provider asked to wait.", wake_at=wake_at)


def _recipient(letter: Letter) -> Recipient:
    due = letter.due
    return Recipient(
        send_id=due.send_id,
        email=due.email,
        name=f"{due.first_name} {due.last_name}".strip(),
        values=letter.values,
        unsubscribe_url=letter.unsubscribe_url,
    )
