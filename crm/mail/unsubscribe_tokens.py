"""The signed token in an unsubscribe link: who, and from which campaign's e-mail.

The token carries two ids and nothing personal. It does not expire: an unsubscribe link must work
for as long as somebody keeps the e-mail (CAN-SPAM asks for 30 days at least).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from itsdangerous import Signer
from itsdangerous.exc import BadSignature
from itsdangerous.signer import SigningAlgorithm

SALT = "unsubscribe"
MAX_CAMPAIGN_BYTES = 100

# 18 bytes are 24 base64 characters without a spare bit, so a signature has one spelling.
_SIGNATURE_BYTES = 18
_TOKEN = re.compile(r"([A-Za-z0-9_-]{22,200})\.[A-Za-z0-9_-]{24}")


@dataclass(frozen=True, slots=True)
class UnsubscribeClaim:
    """What a genuine token says; whether the contact still exists is the database's to say."""

    contact_id: UUID
    campaign: str | None


class _ShortHmac(SigningAlgorithm):
    """HMAC-SHA256 cut to 144 bits, to keep links short (RFC 2104, section 5)."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")[:_SIGNATURE_BYTES]


class UnsubscribeTokens:
    """Signs with the first key and verifies with all, so keys can be replaced one by one.

    Raises ValueError without a key or for an empty one.
    """

    def __init__(self, secret_keys: Sequence[str]) -> None:
        if not secret_keys or not all(key.strip() for key in secret_keys):
            raise ValueError("unsubscribe tokens need at least one key, none of them empty")
        # itsdangerous signs with the last key of its list; the settings put the newest first.
        self._signer = Signer(
            list(reversed(secret_keys)),
            salt=SALT,
            digest_method=hashlib.sha256,
            algorithm=_ShortHmac(),
        )

    def sign(self, contact_id: UUID, campaign: str | None) -> str:
        """About 50 URL-safe characters. Raises ValueError for a campaign over 100 bytes."""
        name = (campaign or "").encode()
        if len(name) > MAX_CAMPAIGN_BYTES:
            raise ValueError(f"a campaign's name has at most {MAX_CAMPAIGN_BYTES} bytes")
        payload = base64.urlsafe_b64encode(contact_id.bytes + name).rstrip(b"=")
        return self._signer.sign(payload).decode("ascii")

    def read(self, token: str) -> UnsubscribeClaim | None:
        """The claim, or None for anything else, whatever is wrong with it: an answer that told
        the cases apart would help to forge one. Signatures are compared in constant time."""
        if not _TOKEN.fullmatch(token):
            return None
        try:
            payload = self._signer.unsign(token)
            content = base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))
            return UnsubscribeClaim(UUID(bytes=content[:16]), content[16:].decode() or None)
        except (BadSignature, ValueError):
            return None


def unsubscribe_url(public_url: str, token: str) -> str:
    """The link in the e-mail and in its List-Unsubscribe header."""
    return f"{public_url.rstrip('/')}/unsubscribe/{token}"
