"""Senders and engines that let something happen in the middle of a tick."""

from collections.abc import Callable, Sequence
from typing import Any

from crm.mail.message import Answer, MailRequest
from crm.mail.senders import Sender
from crm.records.engine import ClaimedSend, EngineRecords


class SenderThatWaits:
    """Does something before a request leaves, or after it was answered."""

    def __init__(
        self,
        sender: Sender,
        *,
        before: Callable[[MailRequest], None] | None = None,
        after: Callable[[Answer], None] | None = None,
    ) -> None:
        self._sender = sender
        self._before = before
        self._after = after

    @property
    def name(self) -> str:
        return self._sender.name

    def send(self, request: MailRequest) -> Answer:
        if self._before:
            self._before(request)
        answer = self._sender.send(request)
        if self._after:
            self._after(answer)
        return answer

    def close(self) -> None:
        self._sender.close()


class EngineThatPauses(EngineRecords):
    """Does something between two of the tick's statements."""

    before_claim: Callable[[], object] = staticmethod(lambda: None)
    after_claim: Callable[[], object] = staticmethod(lambda: None)
    before_settle: Callable[[], object] = staticmethod(lambda: None)

    def claim_due(self, *arguments: Any, **named: Any) -> list[ClaimedSend]:
        self.before_claim()
        claimed = super().claim_due(*arguments, **named)
        if claimed:
            self.after_claim()
        return claimed

    def settle(self, run: int, lease_token: str, settlements: Sequence[Any], **named: Any) -> int:
        self.before_settle()
        return super().settle(run, lease_token, settlements, **named)
