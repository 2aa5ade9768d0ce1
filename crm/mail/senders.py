"""The one thing delivery asks of a provider."""

from typing import Protocol

from crm.mail.message import Answer, MailRequest


class Sender(Protocol):
    """Makes one request and says what is known about it afterwards.

    `send` answers; it does not raise for anything the network or the provider does. An exception
    that comes out of it all the same is a fault of ours, and delivery counts the request as
    unconfirmed. Thread-safe: several requests may be in flight through one sender.
    """

    @property
    def name(self) -> str:
        """How logs and pages call it: "sendgrid" or "outbox"."""
        ...

    def send(self, request: MailRequest) -> Answer: ...

    def close(self) -> None:
        """Gives connections back; the sender is not used afterwards."""
        ...
