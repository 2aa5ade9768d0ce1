"""An OpenID provider's id token exchanged at Supabase Auth, with the provider's real signatures."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm.database.errors import SignedOutError, SignInRefusedError
from crm.database.gateway import signed_in
from crm.database.supabase import SupabaseDatabase
from crm.database.supabase_auth import SupabaseAuth
from tests import cast
from tests.conftest import AContact, Raw
from tests.standins.oidc_provider import CLIENT_ID, ErringProvider, erring_provider
from tests.standins.supabase_lite import PUBLISHABLE_KEY, OpenIdProvider, SupabaseStandIn

NAME = "custom:tests"
BOB: dict[str, Any] = {
    "sub": "bob-at-the-provider",
    "email": "bob@mpt.example",
    "email_verified": True,
}
ACCESS_TOKEN = "the provider's access token"
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def provider() -> Iterator[ErringProvider]:
    with erring_provider() as provider:
        yield provider


@pytest.fixture
def auth(
    supabase: SupabaseStandIn, project_url: str, provider: ErringProvider
) -> Iterator[SupabaseAuth]:
    provider.behave()
    provider.user = BOB
    known = OpenIdProvider(provider.issuer, (CLIENT_ID,), skip_nonce_check=True)
    supabase.set_up_sign_in(project_url, providers={NAME: known})
    auth = SupabaseAuth(project_url, PUBLISHABLE_KEY, provider=NAME)
    yield auth
    auth.close()


def _hash_of(access_token: str) -> str:
    """at_hash of OpenID Connect Core 3.1.3.6, for RS256."""
    digest = hashlib.sha256(access_token.encode()).digest()
    return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def test_somebody_new_signs_in_and_comes_back_as_the_same(
    auth: SupabaseAuth, provider: ErringProvider, raw: Raw
) -> None:
    first = auth.with_id_token(provider.id_token("a nonce"), ACCESS_TOKEN)
    assert first.email == "bob@mpt.example"
    again = auth.with_id_token(provider.id_token("another nonce"), ACCESS_TOKEN)
    assert again.user_id == first.user_id
    users = raw.execute("select email_confirmed_at is not null as yes from auth.users").fetchall()
    assert users == [{"yes": True}]
    renewed = auth.renew(first.refresh_token)
    assert renewed.user_id == first.user_id
    auth.sign_out(renewed.access_token)
    with pytest.raises(SignedOutError):
        auth.renew(renewed.refresh_token)
    assert auth.renew(again.refresh_token).user_id == first.user_id, "another browser's goes on"


def test_the_session_acts_under_row_level_security(
    auth: SupabaseAuth,
    provider: ErringProvider,
    supabase: SupabaseStandIn,
    project_url: str,
    project: SupabaseDatabase,
    a_contact: AContact,
) -> None:
    a_contact()
    supabase.add_person(project_url, BOB["email"], user_id=cast.BOB_ID)
    staff = auth.with_id_token(provider.id_token(""), ACCESS_TOKEN)
    provider.user = BOB | {"sub": "stranger", "email": "stranger@elsewhere.example"}
    stranger = auth.with_id_token(provider.id_token(""), ACCESS_TOKEN)
    seen = [
        project.gateway(signed_in(who.user_id, access_token=who.access_token)).count("contacts")
        for who in (staff, stranger)
    ]
    assert staff.user_id == cast.BOB_ID
    assert seen == [1, 0]


def test_an_access_token_must_fit_its_hash(auth: SupabaseAuth, provider: ErringProvider) -> None:
    provider.wrong = {"at_hash": _hash_of(ACCESS_TOKEN)}
    assert auth.with_id_token(provider.id_token(""), ACCESS_TOKEN).email == BOB["email"]
    for access_token in ("", "another"):
        with pytest.raises(SignInRefusedError, match="did not take the proof"):
            auth.with_id_token(provider.id_token(""), access_token)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"aud": "another-app"}, "add OIDC_CLIENT_ID"),
        ({"aud": ["another-app", CLIENT_ID]}, None),
        ({"iss": "https://elsewhere.example"}, "did not take the proof"),
        ({"exp": 1_700_000_000}, "did not take the proof"),
        ({"sub": ""}, "did not take the proof"),
        ({"email_verified": False}, "has not verified your e-mail address"),
    ],
)
def test_a_token_that_is_not_for_us_is_refused(
    auth: SupabaseAuth, provider: ErringProvider, wrong: dict[str, object], words: str | None
) -> None:
    provider.wrong = wrong
    id_token = provider.id_token("")
    if words is None:
        assert auth.with_id_token(id_token, ACCESS_TOKEN).email == BOB["email"]
        return
    with pytest.raises(SignInRefusedError, match=words) as refusal:
        auth.with_id_token(id_token, ACCESS_TOKEN)
    assert id_token not in str(refusal.value)


def test_a_forged_signature_is_refused(auth: SupabaseAuth, provider: ErringProvider) -> None:
    provider.sign_with_another_key()
    for forged in (provider.id_token(""), "a.b.c", "", "\ud800"):
        with pytest.raises(SignInRefusedError, match="did not take the proof"):
            auth.with_id_token(forged, ACCESS_TOKEN)


def test_a_nonce_that_supabase_cannot_check_tells_the_operator_what_to_do(
    auth: SupabaseAuth, provider: ErringProvider, supabase: SupabaseStandIn, project_url: str
) -> None:
    checking = OpenIdProvider(provider.issuer, (CLIENT_ID,))
    supabase.set_up_sign_in(project_url, providers={NAME: checking})
    with pytest.raises(SignInRefusedError, match="turn on “Skip nonce checks”"):
        auth.with_id_token(provider.id_token("a nonce"), ACCESS_TOKEN)
    assert auth.with_id_token(provider.id_token(""), ACCESS_TOKEN).email == BOB["email"]


def test_an_unknown_provider_names_its_setting(
    auth: SupabaseAuth, provider: ErringProvider, project_url: str
) -> None:
    for name in ("", "google"):
        other = SupabaseAuth(project_url, PUBLISHABLE_KEY, provider=name)
        with pytest.raises(SignInRefusedError, match="SUPABASE_AUTH_PROVIDER"):
            other.with_id_token(provider.id_token(""), ACCESS_TOKEN)
        other.close()


def test_nobody_new_comes_in_where_sign_ups_are_off(
    auth: SupabaseAuth, provider: ErringProvider, supabase: SupabaseStandIn, project_url: str
) -> None:
    known = OpenIdProvider(provider.issuer, (CLIENT_ID,), skip_nonce_check=True)
    supabase.set_up_sign_in(project_url, providers={NAME: known}, sign_ups=False)
    with pytest.raises(SignInRefusedError, match="new ones are switched off"):
        auth.with_id_token(provider.id_token(""), ACCESS_TOKEN)
    supabase.add_person(project_url, BOB["email"], user_id=cast.BOB_ID)
    assert auth.with_id_token(provider.id_token(""), ACCESS_TOKEN).user_id == cast.BOB_ID


def test_whoever_signed_up_with_an_address_without_proof_keeps_nothing_of_it(
    auth: SupabaseAuth, provider: ErringProvider, supabase: SupabaseStandIn, project_url: str
) -> None:
    supabase.add_person(project_url, BOB["email"], PASSWORD, confirmed=False)
    auth.with_id_token(provider.id_token(""), ACCESS_TOKEN)
    with pytest.raises(SignInRefusedError, match="password is wrong"):
        auth.with_password(BOB["email"], PASSWORD)


def test_a_provider_that_is_down_lets_nobody_in(
    auth: SupabaseAuth, supabase: SupabaseStandIn, project_url: str, provider: ErringProvider
) -> None:
    gone = OpenIdProvider("http://127.0.0.1:1", (CLIENT_ID,), skip_nonce_check=True)
    supabase.set_up_sign_in(project_url, providers={NAME: gone})
    with pytest.raises(SignInRefusedError, match="did not take the proof"):
        auth.with_id_token(provider.id_token(""), ACCESS_TOKEN)


def test_a_session_ends_when_its_lifetime_does(
    auth: SupabaseAuth, provider: ErringProvider, supabase: SupabaseStandIn, project_url: str
) -> None:
    known = OpenIdProvider(provider.issuer, (CLIENT_ID,), skip_nonce_check=True)
    supabase.set_up_sign_in(project_url, providers={NAME: known}, token_seconds=90)
    session = auth.with_id_token(provider.id_token(""), ACCESS_TOKEN)
    assert session.expires_at - datetime.now(UTC) <= timedelta(seconds=90)
