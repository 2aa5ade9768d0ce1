"""What of a provider's claims the database may believe."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from crm.ui import oidc_claims

CLAIMS: dict[str, Any] = {
    "iss": "https://login.example",
    "sub": "248289761001",
    "email": "fay@mpt.example",
    "email_verified": True,
    "exp": 1_800_000_000,
}


def test_a_person_is_the_pair_of_issuer_and_subject() -> None:
    expected = str(uuid5(NAMESPACE_URL, "https://login.example#248289761001"))
    assert oidc_claims.person_id(CLAIMS) == expected
    assert oidc_claims.person_id(CLAIMS | {"email": "gil@mpt.example"}) == expected
    assert oidc_claims.person_id(CLAIMS | {"iss": "https://other.example"}) != expected
    assert oidc_claims.person_id(CLAIMS | {"sub": "248289761002"}) != expected


def test_the_database_hears_what_the_provider_checked_and_nothing_else() -> None:
    said = CLAIMS | {"role": "service_role", "user_metadata": {"role": "admin"}, "aud": "mpt-crm"}
    identity = oidc_claims.identity(said, trust_email=False)
    assert identity.role == "authenticated"
    assert identity.user_id == oidc_claims.person_id(CLAIMS)
    assert identity.claims == {
        "sub": identity.user_id,
        "role": "authenticated",
        "email": "fay@mpt.example",
        "email_verified": True,
        "iss": "https://login.example",
        "exp": 1_800_000_000,
    }


@pytest.mark.parametrize(
    ("said", "verified"),
    [
        ({"email_verified": True}, True),
        ({"email_verified": "true"}, True),
        ({"email_verified": False}, False),
        ({"email_verified": "false"}, False),
        ({"email_verified": None}, False),
        ({"email_verified": ["true"]}, False),
        ({"email_verified": None, "xms_edov": True}, True),
        ({"email_verified": None, "xms_edov": 1}, True),
        ({"email_verified": None, "xms_edov": "1"}, True),
        ({"email_verified": None, "xms_edov": 0}, False),
        ({"email_verified": None, "xms_edov": "false"}, False),
    ],
)
def test_an_address_counts_only_if_the_provider_vouches_for_it(
    said: dict[str, Any], verified: bool
) -> None:
    assert oidc_claims.identity(CLAIMS | said, trust_email=False).claims["email_verified"] is (
        verified
    )
    assert oidc_claims.identity(CLAIMS | said, trust_email=True).claims["email_verified"] is True


@pytest.mark.parametrize(
    ("exp", "end"),
    [
        (1_800_000_000, datetime(2027, 1, 15, 8, 0, tzinfo=UTC)),
        (1_800_000_000.5, datetime(2027, 1, 15, 8, 0, 0, 500_000, tzinfo=UTC)),
        (None, None),
        (True, None),
        ("1800000000", None),
        (10**30, None),
        (float("nan"), None),
    ],
)
def test_a_token_ends_when_it_says_and_never_says_never(exp: object, end: datetime | None) -> None:
    assert oidc_claims.ends_at({"exp": exp}) == end
