"""What an OIDC provider says about a person, and what of it the database may believe. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from db_service import Identity, signed_in

Claims = Mapping[str, Any]

# Entra ID's optional claim "xms_edov" comes in each of these forms; the claim of the standard
# (OpenID Connect Core 5.1) is a boolean, which some providers write as text.
_YES = ("true", "1")


def ends_at(claims: Claims) -> datetime | None:
    """When the id token ends, aware UTC; None for one that does not say, which no sign-in is."""
    end = claims.get("exp")
    if isinstance(end, bool) or not isinstance(end, int | float):
        return None
    try:
        return datetime.fromtimestamp(end, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def person_id(claims: Claims) -> str:
    """The same person at the same provider is always the same id; an address is handed on, the
    pair of issuer and subject never is (OpenID Connect Core 5.7).

    Raises:
        KeyError: if the token lacks either, which its check at the callback forbids.
    """
    return str(uuid5(NAMESPACE_URL, f"{claims['iss']}#{claims['sub']}"))


def identity(claims: Claims, *, trust_email: bool) -> Identity:
    """The person as the transactions of a direct connection know them."""
    subject = person_id(claims)
    believed = {
        "email": str(claims.get("email") or ""),
        "email_verified": trust_email or says_verified(claims),
        "iss": claims["iss"],
        "exp": claims["exp"],
    }
    return signed_in(subject, claims={"sub": subject, "role": "authenticated", **believed})


def says_verified(claims: Claims) -> bool:
    """Does the provider vouch for the address?"""
    return any(str(claims.get(name, "")).lower() in _YES for name in ("email_verified", "xms_edov"))
