"""Half a sign-in, or a weak one, is refused before the app is up."""

import pytest

from crm.settings import SettingsError
from tests.unit.conftest import Environment

STRONG = "a-strong-key-of-thirty-two-letters"


@pytest.mark.parametrize(
    "missing", ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_METADATA_URL", "OIDC_COOKIE_SECRET"]
)
def test_half_a_sign_in_is_refused(environment: Environment, missing: str) -> None:
    whole = {
        "OIDC_CLIENT_ID": "crm",
        "OIDC_CLIENT_SECRET": "secret",
        "OIDC_METADATA_URL": "https://login.example/.well-known/openid-configuration",
        "OIDC_COOKIE_SECRET": STRONG,
    }
    with pytest.raises(SettingsError, match=f"^{missing}: not set"):
        environment(**{name: value for name, value in whole.items() if name != missing})
    assert environment(**whole).signs_in


OIDC = {
    "OIDC_CLIENT_ID": "crm",
    "OIDC_CLIENT_SECRET": f"client-{STRONG}",
    "OIDC_METADATA_URL": "https://login.example/.well-known/openid-configuration",
    "OIDC_COOKIE_SECRET": STRONG,
}
ENTRA = "https://login.microsoftonline.com/{}/v2.0/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"OIDC_COOKIE_SECRET": "x" * 31}, "OIDC_COOKIE_SECRET: needs at least 32"),
        ({"OIDC_COOKIE_SECRET": f"client-{STRONG}"}, "OIDC_COOKIE_SECRET: must not be"),
        ({"PUBLIC_URL": "http://crm.mpt.example"}, "PUBLIC_URL: must start with https"),
        (
            {"OIDC_TRUST_EMAIL": "true", "OIDC_METADATA_URL": ENTRA.format("common")},
            "OIDC_TRUST_EMAIL: not with",
        ),
    ],
)
def test_a_weak_sign_in_is_refused(
    environment: Environment, change: dict[str, str], line: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{line}"):
        environment(**OIDC | change)


def test_addresses_of_one_tenant_may_be_trusted(environment: Environment) -> None:
    of_one_tenant = {"OIDC_TRUST_EMAIL": "true", "OIDC_METADATA_URL": ENTRA.format("0f3a")}
    assert environment(**OIDC | of_one_tenant).oidc_trust_email


def test_the_provider_needs_its_name_in_supabase(environment: Environment) -> None:
    both = {
        "OIDC_CLIENT_ID": "crm",
        "OIDC_CLIENT_SECRET": "secret",
        "OIDC_METADATA_URL": "https://login.example/.well-known/openid-configuration",
        "OIDC_COOKIE_SECRET": STRONG,
        "SUPABASE_URL": "https://project.supabase.example",
        "SUPABASE_KEY": "publishable",
        "SUPABASE_SERVICE_KEY": "secret",
    }
    with pytest.raises(SettingsError, match=r"^SUPABASE_AUTH_PROVIDER: not set"):
        environment(**both)
    assert environment(**both, SUPABASE_AUTH_PROVIDER="custom:entra").signs_in
