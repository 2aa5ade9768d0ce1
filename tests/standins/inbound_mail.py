"""A stand-in for SendGrid's Inbound Parse: the same form, really signed."""

from __future__ import annotations

import base64
import email
import json
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

BOUNDARY = "xYzZY"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


class InboundParse:
    """Holds the private key of one account."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """As SendGrid shows it: the DER form in base64."""
        der = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def headers(self, body: bytes, at: datetime) -> dict[str, str]:
        timestamp = str(int(at.timestamp()))
        signature = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "Content-Type": CONTENT_TYPE,
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }


def form(fields: dict[str, bytes], files: dict[str, tuple[str, bytes]] | None = None) -> bytes:
    """A multipart body; `files` by field name, as (file name, content)."""
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (BOUNDARY.encode(), name.encode(), value)
        for name, value in fields.items()
    ]
    parts += [
        b'--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n%s\r\n"
        % (BOUNDARY.encode(), name.encode(), file_name.encode(), content)
        for name, (file_name, content) in (files or {}).items()
    ]
    return b"".join(parts) + b"--%s--\r\n" % BOUNDARY.encode()


def parsed(source: bytes, *, envelope_from: str | None = None) -> bytes:
    """What SendGrid posts for an e-mail by default: its headers, its texts, its files."""
    message = email.message_from_bytes(source, policy=SMTP)
    assert isinstance(message, EmailMessage)
    fields = {
        "headers": source.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n",
        "dkim": b"{@customer.example : pass}",
        "to": b"hello@reply.mpt.example",
        "from": str(message.get("From", "")).encode(),
        "sender_ip": b"192.0.2.1",
        "spam_report": b"",
        "envelope": _envelope(message, envelope_from),
        "subject": str(message.get("Subject", "")).encode(),
        "spam_score": b"0.1",
        "SPF": b"pass",
    }
    fields |= _texts(message)
    files = {
        f"attachment{number}": (str(part.get_filename()), part.get_payload(decode=True))
        for number, part in enumerate(message.iter_attachments(), 1)
        if part.get_filename()
    }
    fields["attachments"] = str(len(files)).encode()
    return form(fields, {name: (file, bytes(data)) for name, (file, data) in files.items()})


def raw(source: bytes, *, envelope_from: str | None = None) -> bytes:
    """What SendGrid posts with "POST the raw, full MIME message"."""
    message = email.message_from_bytes(source, policy=SMTP)
    assert isinstance(message, EmailMessage)
    return form(
        {
            "email": source,
            "to": b"hello@reply.mpt.example",
            "from": str(message.get("From", "")).encode(),
            "envelope": _envelope(message, envelope_from),
            "charsets": json.dumps({"to": "UTF-8", "from": "UTF-8"}).encode(),
        }
    )


def _envelope(message: EmailMessage, envelope_from: str | None) -> bytes:
    """Without one given, the From address, as people's programs do."""
    sender = message["From"].addresses[0].addr_spec if message["From"] else ""
    chosen = sender if envelope_from is None else envelope_from
    return json.dumps({"to": ["hello@reply.mpt.example"], "from": chosen}).encode()


def _texts(message: EmailMessage) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    charsets = {"to": "UTF-8", "from": "UTF-8", "subject": "UTF-8"}
    for field, kind in (("text", "plain"), ("html", "html")):
        part = message.get_body((kind,))
        if part is not None and part.get_content_subtype() == kind:
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            found[field] = payload
            charsets[field] = str(part.get_content_charset("utf-8"))
    return found | {"charsets": json.dumps(charsets).encode()}
