"""The half of the SendGrid stand-in that reports: signed events of accepted mail, as SendGrid's.

    emitter = EventEmitter()
    settings = Settings(sendgrid_webhook_public_key=emitter.public_key, …)
    emitter.post(site_url + PATH, [event_of(mail, "delivered", at=moment)])

`again` gives an event as SendGrid repeats it at times: the same in all but its sg_event_id.
"""

import base64
import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.standins.sendgrid_records import AcceptedMail

PATH = "/hooks/sendgrid/events"
Event = dict[str, Any]

_DETAILS: dict[str, Mapping[str, Any]] = {
    "processed": {},
    "delivered": {"response": "250 OK", "ip": "192.0.2.10", "tls": 1},
    "deferred": {"response": "451 4.7.1 try again later", "attempt": "1", "ip": "192.0.2.10"},
    "bounce": {
        "type": "bounce",
        "reason": "550 5.1.1 The account that you tried to reach does not exist",
        "status": "5.1.1",
        "bounce_classification": "Invalid Address",
        "ip": "192.0.2.10",
        "tls": 1,
    },
    "blocked": {
        "type": "blocked",
        "reason": "421 4.7.0 try again later",
        "status": "4.7.0",
        "bounce_classification": "Reputation",
        "ip": "192.0.2.10",
    },
    "dropped": {"reason": "Bounced Address", "status": "5.0.0"},
    "open": {
        "useragent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
        "ip": "198.51.100.7",
        "sg_content_type": "html",
        "sg_machine_open": False,
    },
    "click": {
        "useragent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
        "ip": "198.51.100.7",
        "url": "https://mpt.example/book",
        "url_offset": {"index": 0, "type": "html"},
    },
    "spamreport": {},
    "unsubscribe": {},
    "group_unsubscribe": {"asm_group_id": 10, "ip": "198.51.100.7"},
    "group_resubscribe": {"asm_group_id": 10, "ip": "198.51.100.7"},
}


def event(
    kind: str,
    *,
    email: str,
    at: datetime | int,
    message_id: str = "",
    custom_args: Mapping[str, str] | None = None,
    **fields: Any,
) -> Event:
    """One event; `kind` as the database names it, `message_id` as Mail Send's X-Message-Id, `at`
    aware or in seconds since 1970 UTC. `fields` are put over what SendGrid would say."""
    made: Event = {
        "email": email,
        "timestamp": at if isinstance(at, int) else int(at.timestamp()),
        "event": "bounce" if kind == "blocked" else kind,
        "sg_event_id": _event_id(),
        "category": ["drip"],
        **_DETAILS[kind],
        **(custom_args or {}),
    }
    if message_id:
        made["sg_message_id"] = f"{message_id}.recvd-6f9c7d4b8-x2x7q-1-69B03E0A-3B.0"
        made["smtp-id"] = f"<{message_id}@geopod-ismtpd-12>"
    return made | fields


def event_of(mail: AcceptedMail, kind: str, *, at: datetime | int, **fields: Any) -> Event:
    """An event of an accepted mail, carrying its custom_args at the top level."""
    return event(
        kind,
        email=mail.to,
        at=at,
        message_id=mail.message_id,
        custom_args=mail.custom_args,
        **fields,
    )


def again(told: Event) -> Event:
    """The same event under a new sg_event_id."""
    return {**told, "sg_event_id": _event_id()}


def _event_id() -> str:
    return base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")


class EventEmitter:
    """Signs and posts. Give the same `private_key` to emitters of several processes."""

    def __init__(self, private_key: ec.EllipticCurvePrivateKey | None = None) -> None:
        self._key = private_key or ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """As SendGrid shows it: base64 of the DER form."""
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()

    def signed_headers(self, body: bytes, timestamp: int | str | None = None) -> dict[str, str]:
        """For any signed webhook; `timestamp` in seconds since 1970 UTC, the present if absent."""
        stamp = str(int(time.time()) if timestamp is None else timestamp)
        signature = self._key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        }

    def post(
        self,
        url: str,
        events: Sequence[Event],
        *,
        timestamp: int | None = None,
        client: httpx.Client | None = None,
    ) -> httpx.Response:
        """One signed request. Over `client`, or a connection of its own.

        Raises:
            httpx.HTTPError: if there was no answer.
        """
        body = body_of(events)
        headers = {"Content-Type": "application/json", **self.signed_headers(body, timestamp)}
        if client is not None:
            return client.post(url, content=body, headers=headers)
        return httpx.post(url, content=body, headers=headers, trust_env=False, timeout=30)


def body_of(events: Sequence[Event]) -> bytes:
    """SendGrid's own form: one event a line."""
    return b"[" + b",\r\n".join(json.dumps(told).encode() for told in events) + b"]\r\n"
