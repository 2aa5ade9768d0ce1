"""What the SendGrid account says about itself: is the key good, which domains may it send for?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

import httpx

_TIMEOUT = httpx.Timeout(10.0)
_MOST_DOMAINS = 500


class AccountError(Exception):
    """SendGrid could not be asked, or refused; the words may be shown."""


@dataclass(frozen=True, slots=True)
class SenderDomain:
    """A domain of Sender Authentication; `valid` once its DNS records were found."""

    name: str
    valid: bool

    def covers(self, address: str) -> bool:
        """The address is of this domain, or of one below it."""
        domain = address.rpartition("@")[2].lower()
        return domain == self.name or domain.endswith(f".{self.name}")


def sender_domains(api_key: str, base_url: str) -> list[SenderDomain]:
    """The account's domains (SendGrid: GET /v3/whitelabel/domains).

    Raises:
        AccountError: if the key is refused or SendGrid does not answer.
    """
    try:
        # Settings alone say where the key goes: no proxy and no .netrc from the environment.
        with httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client:
            response = client.get(
                f"{base_url.rstrip('/')}/v3/whitelabel/domains",
                params={"limit": _MOST_DOMAINS},
                headers={"Authorization": f"Bearer {api_key}"},
            )
    except httpx.HTTPError as error:
        raise AccountError(f"SendGrid cannot be reached ({type(error).__name__}).") from None
    if not response.is_success:
        raise AccountError(_refusal(response.status_code))
    return _domains(response.content)


def _refusal(status: int) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return "SENDGRID_API_KEY: SendGrid refuses it. Create a new key and set it."
    if status == HTTPStatus.FORBIDDEN:
        return (
            "The key is good, but may not read Sender Authentication; give it that permission, or "
            "look in SendGrid under Settings, Sender Authentication."
        )
    return f"SendGrid answered with status {status}; try again later."


def _domains(body: bytes) -> list[SenderDomain]:
    try:
        return [
            SenderDomain(str(entry["domain"]).lower(), entry["valid"] is True)
            for entry in json.loads(body)
        ]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise AccountError("SendGrid's answer is not a list of domains.") from None
