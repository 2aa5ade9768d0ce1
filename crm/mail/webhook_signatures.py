"""Whether a request to a public route was signed by the provider.

The event webhook and the inbound one sign alike: ECDSA over P-256 and SHA-256, of the timestamp
header's text followed by the raw body (SendGrid, "Event Webhook Security Features").

The key is used with `cryptography` directly: sendgrid's EventWebhook takes the body as text only,
and would fail on a body that is not UTF-8, which an inbound e-mail may well be.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"

OLDEST = timedelta(days=7)
"""SendGrid repeats a delivery for 24 hours; with room for clocks and for a longer practice. What an
old signed body could do again, it cannot: events and replies are stored once."""

FURTHEST_AHEAD = timedelta(days=1)

_EPOCH_SECONDS = re.compile(r"[0-9]{1,12}")
_SIGNED_WITH = ec.ECDSA(Prehashed(hashes.SHA256()))
_MAX_SIGNATURE_CHARACTERS = 96
"""The base64 of 72 bytes: two numbers of 256 bits in DER."""


class WebhookVerifier:
    """Holds the public key as SendGrid shows it: the base64 text of its DER form.

    Raises:
        ValueError: if it is not the public key of a P-256 pair.
    """

    def __init__(self, public_key_base64: str) -> None:
        self._key = _read_key(public_key_base64)

    def is_genuine(self, body: bytes, *, signature: str, timestamp: str, now: datetime) -> bool:
        """Signed by the provider, over exactly these bytes, at a believable time.

        `timestamp` is the header's text, seconds since 1970 UTC; `now` is aware UTC.
        """
        if not _is_believable(timestamp, now):
            return False
        try:
            signed = base64.b64decode(signature, validate=True)
            self._key.verify(signed, _digest(timestamp, body), _SIGNED_WITH)
        except (InvalidSignature, ValueError):  # ValueError: not base64
            return False
        return True


def might_be_genuine(signature: str, timestamp: str, *, now: datetime) -> bool:
    """Whether the headers alone are such as the provider sends; anybody can make such ones.

    `timestamp` is the header's text, seconds since 1970 UTC; `now` is aware UTC.
    """
    if len(signature) > _MAX_SIGNATURE_CHARACTERS or not _is_believable(timestamp, now):
        return False
    try:
        decode_dss_signature(base64.b64decode(signature, validate=True))
    except ValueError:
        return False
    return True


def _digest(timestamp: str, body: bytes) -> bytes:
    """In two steps: joined, they would be another copy of a body of many megabytes."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(timestamp.encode())
    digest.update(body)
    return digest.finalize()


def _is_believable(timestamp: str, now: datetime) -> bool:
    if not _EPOCH_SECONDS.fullmatch(timestamp):
        return False
    ahead = int(timestamp) - now.astimezone(UTC).timestamp()
    return -OLDEST.total_seconds() <= ahead <= FURTHEST_AHEAD.total_seconds()


def _read_key(public_key_base64: str) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(base64.b64decode(public_key_base64.strip(), validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("not a public key in base64") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not the public key of a P-256 pair")
    return key
