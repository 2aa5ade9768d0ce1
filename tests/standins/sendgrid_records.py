"""What the SendGrid stand-in remembers, and the answers a test can put in its mouth."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AcceptedMail:
    """One accepted personalization, with the content of the request it travelled in."""

    envelope: Json
    personalization: Json
    message_id: str
    at: datetime

    @property
    def to(self) -> str:
        return str(self.personalization["to"][0]["email"])

    @property
    def name(self) -> str:
        return str(self.personalization["to"][0].get("name", ""))

    @property
    def subject(self) -> str:
        return self._substituted(self.personalization.get("subject") or self.envelope["subject"])

    @property
    def text(self) -> str:
        return self._content("text/plain")

    @property
    def html(self) -> str:
        return self._content("text/html")

    @property
    def headers(self) -> dict[str, str]:
        return {**self.envelope.get("headers", {}), **self.personalization.get("headers", {})}

    @property
    def custom_args(self) -> dict[str, str]:
        return {
            **self.envelope.get("custom_args", {}),
            **self.personalization.get("custom_args", {}),
        }

    @property
    def send_id(self) -> str:
        return self.custom_args.get("send_id", "")

    def _content(self, kind: str) -> str:
        for part in self.envelope["content"]:
            if part["type"] == kind:
                return self._substituted(part["value"])
        return ""

    def _substituted(self, text: str) -> str:
        """Key after key, as SendGrid does: a value that contains a later key is replaced too."""
        for key, value in self.personalization.get("substitutions", {}).items():
            text = text.replace(key, value)
        return text


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One POST to Mail Send. `status` is None where the connection was dropped instead."""

    status: int | None
    recipients: int
    bytes: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """The answer to one coming request, whatever is in it.

    `accept` says whether the mail is recorded as accepted; `drop` closes the connection, after
    reading the request or in the middle of it. Without status and drop, the request is answered
    as usual, after `delay_seconds`.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_seconds: float = 0.0
    accept: bool = False
    drop: Literal["no", "after_reading", "while_reading"] = "no"


def rate_limited(*, reset_epoch_seconds: float | None = None, **headers: str) -> Scripted:
    """A 429; `headers` such as retry_after="30" instead of SendGrid's own."""
    given = {name.replace("_", "-").title(): value for name, value in headers.items()}
    if reset_epoch_seconds is not None:
        given |= {
            "X-RateLimit-Limit": "600",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": f"{reset_epoch_seconds:.0f}",
        }
    return Scripted(status=429, headers=given, body=b'{"errors":[{"message":"too many requests"}]}')


def server_error(status: int = 503, *, accept: bool = False) -> Scripted:
    return Scripted(status=status, body=b"upstream is unwell", accept=accept)


def unauthorized() -> Scripted:
    body = b'{"errors":[{"message":"Maximum credits exceeded","field":null,"help":null}]}'
    return Scripted(status=401, body=body)


def forbidden() -> Scripted:
    body = b'{"errors":[{"message":"The from address is not verified","field":"from","help":null}]}'
    return Scripted(status=403, body=body)


def refused(message: str = "Bad Request", *, field_name: str | None = None) -> Scripted:
    """A 400 that blames the request, or the field, without naming a recipient."""
    quoted = "null" if field_name is None else f'"{field_name}"'
    body = f'{{"errors":[{{"message":"{message}","field":{quoted},"help":null}}]}}'
    return Scripted(status=400, body=body.encode())


def garbage() -> Scripted:
    return Scripted(status=200, body=b"<html>a captive portal</html>")


def redirect(location: str) -> Scripted:
    return Scripted(status=307, headers={"Location": location})


def slow(seconds: float) -> Scripted:
    """Accepted, but answered late."""
    return Scripted(delay_seconds=seconds)


def drop_before_accepting() -> Scripted:
    return Scripted(drop="after_reading")


def drop_after_accepting() -> Scripted:
    return Scripted(drop="after_reading", accept=True)


def drop_while_reading() -> Scripted:
    return Scripted(drop="while_reading")


class Records:
    """Everything seen so far. The server's lock guards writing."""

    def __init__(self, *, keep_mail: bool) -> None:
        self.mail: list[AcceptedMail] = []
        self.requests: list[SeenRequest] = []
        self.send_counts: Counter[str] = Counter()
        self.accepted = 0
        self._keep_mail = keep_mail

    def accept(self, payload: Json, message_id: str) -> None:
        at = datetime.now(UTC)
        people = payload["personalizations"]
        self.accepted += len(people)
        self.send_counts.update(
            person.get("custom_args", {}).get("send_id", "") for person in people
        )
        if self._keep_mail:
            envelope = {key: value for key, value in payload.items() if key != "personalizations"}
            self.mail += [AcceptedMail(envelope, person, message_id, at) for person in people]

    def stats(self) -> Json:
        """Counts only: nothing personal leaves through the control routes' statistics."""
        return {
            "requests": len(self.requests),
            "accepted": self.accepted,
            "distinct_send_ids": len(self.send_counts),
            "duplicates": sum(count - 1 for count in self.send_counts.values()),
            "statuses": dict(Counter(str(seen.status) for seen in self.requests)),
        }
