"""From one mail request to exactly one outcome a recipient.

What was certainly not accepted is sent again in smaller or cleaned requests; what may have been
accepted is unconfirmed and never sent again from here. After an answer that concerns the account
or the connection, what has not left yet stays for a later tick.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import uuid4

from crm.mail.message import (
    MAX_RECIPIENTS,
    Accepted,
    Answer,
    MailRequest,
    NotSent,
    RateLimited,
    Recipient,
    RecipientsRefused,
    Refused,
    TooLarge,
    Unauthorized,
    Unconfirmed,
    fill,
    unsafe_as_substitutions,
)
from crm.mail.senders import Sender

logger = logging.getLogger(__name__)

RETRY_SECONDS = 60.0
"""The wait after a request that certainly did not reach the provider."""

MAX_REFUSALS = 64
"""Refused requests looked into per delivery. One bad recipient among 1000 takes 21 requests to
find; a batch that is wrong as a whole must not become 2000. What is left waits for a later tick,
where the breakers see the failures."""

Status = Literal["accepted", "failed", "retry", "unconfirmed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one send. `halt` asks the caller to pause all sending; `address_refused` says
    that the provider failed it for this recipient, not for the e-mail; `withdrawn` that it was not
    wanted any more when its turn came."""

    send_id: str
    status: Status
    message_id: str | None = None
    reason: str | None = None
    retry_after_seconds: float | None = None
    halt: bool = False
    address_refused: bool = False
    withdrawn: bool = False


def deliver(sender: Sender, request: MailRequest) -> list[Outcome]:
    """Sends the request, in as many parts as it takes; outcomes come in the recipients' order."""
    delivery = _Delivery(sender)
    delivery.run(request)
    return [delivery.outcomes[recipient.send_id] for recipient in request.recipients]


class _Delivery:
    """The state of one `deliver`: parts still to send, outcomes so far."""

    def __init__(self, sender: Sender) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._sender = sender
        self._refusals = 0
        self._pending: list[MailRequest] = []
        self._stopped: Outcome | None = None
        self._asked = False

    def run(self, request: MailRequest) -> None:
        sound = self._fail_misaligned(request)
        parts = _parts(request, sound)
        # Only a request that leaves as it was handed over keeps its id: were one part refused and
        # another accepted, the events of one would prove what is not true of the other.
        if len(parts) > 1:
            parts = [_another(part, part.recipients) for part in parts]
        self._pending = list(reversed(parts))
        while self._pending:
            part = self._pending.pop()
            if self._stopped is not None:
                self._postpone(part, self._stopped)
            elif wanted := self._still_wanted(part):
                self._settle(wanted, self._ask(wanted))

    def _still_wanted(self, part: MailRequest) -> MailRequest | None:
        """The first request leaves right after the hand-over; until a later one, people may have
        said stop."""
        if not self._asked:
            return part
        wanted = part.still_wanted([recipient.send_id for recipient in part.recipients])
        others = [r for r in part.recipients if r.send_id not in wanted]
        self._postpone(replace(part, recipients=tuple(others)), _WITHDRAWN)
        going = tuple(r for r in part.recipients if r.send_id in wanted)
        return replace(part, recipients=going) if going else None

    def _ask(self, part: MailRequest) -> Answer:
        self._asked = True
        try:
            return self._sender.send(part)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, bytes may have left
            # The type alone: the words of an exception can quote an address.
            logger.error(
                "sender %s failed unexpectedly with %s: send %s and %d more are unconfirmed",
                self._sender.name,
                type(error).__name__,
                part.recipients[0].send_id,
                len(part.recipients) - 1,
            )
            return Unconfirmed(f"unexpected {type(error).__name__} while sending")

    def _settle(self, part: MailRequest, answer: Answer) -> None:
        match answer:
            case Accepted(message_id):
                self._record(part.recipients, "accepted", message_id=message_id)
            case RecipientsRefused():
                self._without(part, answer)
            case Refused(reason):
                self._bisect(part, reason)
            case TooLarge():
                self._split(part, "the e-mail is too large for the provider")
            case _:
                self._stop(part, answer)

    def _without(self, part: MailRequest, refused: RecipientsRefused) -> None:
        """Fails the recipients the provider named and sends to the others at once."""
        named = {i: words for i, words in refused.reasons.items() if 0 <= i < len(part.recipients)}
        if not named:
            # Refused for a recipient that is not in the request: find the culprit ourselves.
            self._bisect(part, next(iter(refused.reasons.values()), "refused without a reason"))
            return
        for index, words in named.items():
            about_address = index not in refused.content_at_fault
            self._record(
                (part.recipients[index],), "failed", reason=words, address_refused=about_address
            )
        others = tuple(r for i, r in enumerate(part.recipients) if i not in named)
        if others and self._may_look_further():
            self._pending.append(_another(part, others))
        elif others:
            self._record(others, "retry", reason=_TOO_MANY, retry_after_seconds=RETRY_SECONDS)

    def _bisect(self, part: MailRequest, reason: str) -> None:
        """Halves a refused request until the one recipient it was refused for is alone."""
        if len(part.recipients) == 1 or self._may_look_further():
            self._split(part, reason)
        else:
            self._record(part.recipients, "retry", reason=reason, retry_after_seconds=RETRY_SECONDS)

    def _split(self, part: MailRequest, reason: str) -> None:
        if len(part.recipients) == 1:
            self._record(part.recipients, "failed", reason=reason)
            return
        middle = len(part.recipients) // 2
        self._pending.append(_another(part, part.recipients[middle:]))
        self._pending.append(_another(part, part.recipients[:middle]))

    def _stop(
        self, part: MailRequest, answer: RateLimited | Unauthorized | NotSent | Unconfirmed
    ) -> None:
        """Settles this part and keeps the parts that have not left yet for a later tick."""
        later = _later(answer)
        self._stopped = later
        if isinstance(answer, Unconfirmed):
            self._record(part.recipients, "unconfirmed", reason=answer.reason)
        else:
            self._postpone(part, later)

    def _postpone(self, part: MailRequest, later: Outcome) -> None:
        for recipient in part.recipients:
            self.outcomes[recipient.send_id] = replace(later, send_id=recipient.send_id)

    def _may_look_further(self) -> bool:
        self._refusals += 1
        return self._refusals <= MAX_REFUSALS

    def _fail_misaligned(self, request: MailRequest) -> list[Recipient]:
        """A recipient with more or fewer values than tags would get another one's words."""
        expected = len(request.skeleton.tags)
        sound = [r for r in request.recipients if len(r.values) == expected]
        odd = [r for r in request.recipients if len(r.values) != expected]
        self._record(odd, "failed", reason="the values do not match the template's tags")
        return sound

    def _record(
        self,
        recipients: Iterable[Recipient],
        status: Status,
        *,
        message_id: str | None = None,
        reason: str | None = None,
        retry_after_seconds: float | None = None,
        address_refused: bool = False,
    ) -> None:
        for recipient in recipients:
            self.outcomes[recipient.send_id] = Outcome(
                send_id=recipient.send_id,
                status=status,
                message_id=message_id,
                reason=reason,
                retry_after_seconds=retry_after_seconds,
                address_refused=address_refused,
            )


def _another(request: MailRequest, recipients: tuple[Recipient, ...]) -> MailRequest:
    return replace(request, recipients=recipients, request_id=str(uuid4()))


_WITHDRAWN = Outcome(
    send_id="",
    status="retry",
    reason="Stopped, paused or changed before it left.",
    withdrawn=True,
)
_TOO_MANY = "too many refused requests at once; tried again later"


def _later(answer: RateLimited | Unauthorized | NotSent | Unconfirmed) -> Outcome:
    """The outcome, for any recipient, of everything that did not leave because of this answer."""
    match answer:
        case RateLimited(seconds):
            reason, halt = "the provider's rate limit was reached", False
        case Unauthorized(words):
            seconds, reason, halt = RETRY_SECONDS, words, True
        case NotSent(words):
            seconds, reason, halt = RETRY_SECONDS, words, False
        case Unconfirmed():
            seconds, halt = RETRY_SECONDS, False
            reason = "not sent: the request before it got no clear answer"
    return Outcome(
        send_id="", status="retry", reason=reason, retry_after_seconds=seconds, halt=halt
    )


def _parts(request: MailRequest, recipients: Sequence[Recipient]) -> list[MailRequest]:
    """The requests it takes at least: shared ones first, then those that travel alone."""
    unsafe = unsafe_as_substitutions(request.skeleton.tags)
    shared: list[Recipient] = []
    alone: list[Recipient] = []
    for recipient in recipients:
        (alone if unsafe(recipient.values) else shared).append(recipient)
    together = [replace(request, recipients=group) for group in _groups(shared)]
    return together + [_finished(request, recipient) for recipient in alone]


def _groups(recipients: Iterable[Recipient]) -> list[tuple[Recipient, ...]]:
    """At most 1000 a group and an address once in each, both SendGrid's rules per request."""
    times_seen: dict[str, int] = {}
    rounds: list[list[Recipient]] = []
    for recipient in recipients:
        address = recipient.email.lower()
        turn = times_seen.get(address, 0)
        times_seen[address] = turn + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(recipient)
    return [
        tuple(members[start : start + MAX_RECIPIENTS])
        for members in rounds
        for start in range(0, len(members), MAX_RECIPIENTS)
    ]


def _finished(request: MailRequest, recipient: Recipient) -> MailRequest:
    """A request of its own with the content filled in here, without substitutions."""
    return replace(
        request,
        skeleton=fill(request.skeleton, recipient.values),
        recipients=(replace(recipient, values=()),),
    )
