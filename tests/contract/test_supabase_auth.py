"""Signing in at Supabase Auth over real HTTP: passwords, links, renewals and signing out."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from traceback import format_exception
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from crm.database.errors import DatabaseError, SignedOutError, SignInRefusedError
from crm.database.gateway import signed_in
from crm.database.supabase import SupabaseDatabase
from crm.database.supabase_auth import SupabaseAuth
from tests import cast
from tests.conftest import AContact, Raw
from tests.standins.supabase_lite import (
    JWT_SECRET,
    PUBLISHABLE_KEY,
    SECRET_KEY,
    SupabaseStandIn,
    token,
)

EMAIL = "bob@mpt.example"
PASSWORD = "correct horse battery staple"
EVE, EVES_PASSWORD = "eve@elsewhere.example", "no such password"
A_YEAR = timedelta(days=365)
CONFIRM = "http://127.0.0.1:8501/sign-in/confirm"
KEYS = {
    "publishable and secret": (PUBLISHABLE_KEY, SECRET_KEY),
    "anon and service_role": (
        token(None, role="anon", lasts=A_YEAR),
        token(None, role="service_role", lasts=A_YEAR),
    ),
}


@pytest.fixture
def auth(project_url: str) -> Iterator[SupabaseAuth]:
    auth = SupabaseAuth(project_url, PUBLISHABLE_KEY, provider="google")
    yield auth
    auth.close()


@pytest.fixture
def bob(supabase: SupabaseStandIn, project_url: str) -> str:
    return supabase.add_person(project_url, EMAIL, PASSWORD, user_id=cast.BOB_ID)


def _token_hash(link: str) -> str:
    return parse_qs(urlsplit(link).query)["token_hash"][0]


def test_a_password_signs_in(auth: SupabaseAuth, bob: str) -> None:
    before = datetime.now(UTC)
    session = auth.with_password(EMAIL.upper(), PASSWORD)
    assert (session.user_id, session.email) == (bob, EMAIL)
    lasts = session.expires_at - before
    assert timedelta(seconds=3595) < lasts < timedelta(seconds=3605)
    claims = jwt.decode(
        session.access_token, JWT_SECRET, algorithms=["HS256"], audience="authenticated"
    )
    assert (claims["sub"], claims["role"], claims["email"]) == (bob, "authenticated", EMAIL)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "wrong"),
        ("nobody@mpt.example", PASSWORD),
        (EMAIL, ""),
        ("", PASSWORD),
        ("no address", PASSWORD),
        (EMAIL, "\ud800"),
        (EMAIL, "x\x00y"),
        ("\ud800@mpt.example", PASSWORD),
    ],
)
def test_a_wrong_password_and_an_unknown_address_are_told_the_same(
    auth: SupabaseAuth, bob: str, email: str, password: str
) -> None:
    with pytest.raises(SignInRefusedError) as refusal:
        auth.with_password(email, password)
    assert str(refusal.value) == "The e-mail address or the password is wrong."
    assert refusal.value.permanent


def test_an_unconfirmed_address_is_told_what_to_do(
    auth: SupabaseAuth, supabase: SupabaseStandIn, project_url: str
) -> None:
    supabase.add_person(project_url, "new@mpt.example", PASSWORD, confirmed=False)
    with pytest.raises(SignInRefusedError, match="not confirmed yet"):
        auth.with_password("new@mpt.example", PASSWORD)


def test_a_banned_person_is_refused(auth: SupabaseAuth, bob: str, raw: Raw) -> None:
    refresh_token = auth.with_password(EMAIL, PASSWORD).refresh_token
    raw.execute("update auth.users set banned_until = now() + interval '1 day'")
    with pytest.raises(SignInRefusedError, match="blocked"):
        auth.with_password(EMAIL, PASSWORD)
    with pytest.raises(SignedOutError):
        auth.renew(refresh_token)


class TestLinks:
    def test_a_link_signs_in_once(
        self, auth: SupabaseAuth, bob: str, supabase: SupabaseStandIn, project_url: str
    ) -> None:
        auth.send_link(EMAIL, redirect_to=CONFIRM)
        (link,) = supabase.links_for(project_url, EMAIL)
        assert link.startswith(f"{CONFIRM}?token_hash=")
        session = auth.with_link(_token_hash(link))
        assert (session.user_id, session.email) == (bob, EMAIL)
        with pytest.raises(SignInRefusedError, match="Ask for a new one"):
            auth.with_link(_token_hash(link))

    @pytest.mark.parametrize("token_hash", ["", "0" * 64, "\ud800", "' or true --"])
    def test_a_made_up_link_is_refused(self, auth: SupabaseAuth, token_hash: str) -> None:
        with pytest.raises(SignInRefusedError, match="Ask for a new one"):
            auth.with_link(token_hash)

    def test_somebody_new_is_mailed_and_confirmed_by_the_link_alone(
        self, auth: SupabaseAuth, supabase: SupabaseStandIn, project_url: str, raw: Raw
    ) -> None:
        confirmed = "select email_confirmed_at is not null as yes from auth.users"
        auth.send_link("New@mpt.example", redirect_to=CONFIRM)
        (link,) = supabase.links_for(project_url, "new@mpt.example")
        assert raw.execute(confirmed).fetchall() == [{"yes": False}]
        assert auth.with_link(_token_hash(link)).email == "new@mpt.example"
        assert raw.execute(confirmed).fetchall() == [{"yes": True}]

    @pytest.mark.usefixtures("bob")
    def test_an_unknown_address_is_met_with_the_same_silence(
        self, auth: SupabaseAuth, supabase: SupabaseStandIn, project_url: str
    ) -> None:
        supabase.set_up_sign_in(project_url, sign_ups=False)
        auth.send_link("nobody@mpt.example", redirect_to=CONFIRM)
        auth.send_link(EMAIL, redirect_to=CONFIRM)
        assert supabase.links_for(project_url, "nobody@mpt.example") == []
        assert len(supabase.links_for(project_url, EMAIL)) == 1

    @pytest.mark.parametrize("email", ["", "no address", "a b@mpt.example", "\ud800@mpt.example"])
    def test_what_is_no_address_is_told_so(self, auth: SupabaseAuth, email: str) -> None:
        with pytest.raises(SignInRefusedError, match="not an e-mail address"):
            auth.send_link(email, redirect_to=CONFIRM)


class TestRenewal:
    def test_each_renewal_brings_new_tokens_for_the_same_person(
        self, auth: SupabaseAuth, bob: str
    ) -> None:
        first = auth.with_password(EMAIL, PASSWORD)
        second = auth.renew(first.refresh_token)
        assert second.user_id == bob
        assert second.refresh_token != first.refresh_token
        third = auth.renew(second.refresh_token)
        with pytest.raises(SignedOutError, match="sign in again"):
            auth.renew(first.refresh_token)  # used before: somebody else may have it
        with pytest.raises(SignedOutError):
            auth.renew(third.refresh_token)

    @pytest.mark.parametrize("refresh_token", ["", "unknown", "\ud800"])
    def test_an_unknown_token_is_signed_out(self, auth: SupabaseAuth, refresh_token: str) -> None:
        with pytest.raises(SignedOutError):
            auth.renew(refresh_token)

    @pytest.mark.usefixtures("bob")
    def test_a_person_who_was_removed_is_signed_out(self, auth: SupabaseAuth, raw: Raw) -> None:
        session = auth.with_password(EMAIL, PASSWORD)
        raw.execute("delete from auth.users")
        with pytest.raises(SignedOutError):
            auth.renew(session.refresh_token)


class TestSigningOut:
    def test_it_ends_that_session_alone(self, auth: SupabaseAuth, bob: str) -> None:
        here, elsewhere = (auth.with_password(EMAIL, PASSWORD) for _ in range(2))
        auth.sign_out(here.access_token)
        with pytest.raises(SignedOutError):
            auth.renew(here.refresh_token)
        assert auth.renew(elsewhere.refresh_token).user_id == bob

    def test_it_may_have_ended_before(self, auth: SupabaseAuth, bob: str) -> None:
        session = auth.with_password(EMAIL, PASSWORD)
        auth.sign_out(session.access_token)
        auth.sign_out(session.access_token)
        auth.sign_out(token(bob, lasts=-timedelta(seconds=1)))
        auth.sign_out("no token")


@pytest.mark.parametrize("kind", KEYS)
def test_both_kinds_of_keys_sign_in_and_read(
    project_url: str,
    bob: str,
    a_contact: AContact,
    kind: str,
    supabase: SupabaseStandIn,
) -> None:
    a_contact()
    public, secret = KEYS[kind]
    auth = SupabaseAuth(project_url, public, provider="")
    database = SupabaseDatabase(project_url, public, secret)
    try:
        session = auth.renew(auth.with_password(EMAIL, PASSWORD).refresh_token)
        person = signed_in(bob, access_token=session.access_token)
        assert database.gateway(person).count("contacts") == 1
        auth.send_link(EMAIL, redirect_to=CONFIRM)
        auth.with_link(_token_hash(supabase.links_for(project_url, EMAIL)[-1]))
        auth.sign_out(session.access_token)
    finally:
        auth.close()
        database.close()


def test_a_wrong_key_names_its_setting_and_not_itself(project_url: str, bob: str) -> None:
    auth = SupabaseAuth(project_url, PUBLISHABLE_KEY[:-1] + "x", provider="")
    asks: list[Callable[[], object]] = [
        lambda: auth.with_password(EMAIL, PASSWORD),
        lambda: auth.send_link(EMAIL, redirect_to=CONFIRM),
        lambda: auth.renew("unknown"),
        lambda: auth.sign_out("unknown"),
    ]
    for ask in asks:
        with pytest.raises(DatabaseError, match="check SUPABASE_KEY") as refusal:
            ask()
        assert type(refusal.value) is DatabaseError, "a sign-in that holds is not thrown away"
        assert "sb_" not in str(refusal.value)
    auth.close()


@pytest.mark.parametrize("confirms", [True, False])
def test_it_tells_whether_addresses_are_confirmed(
    auth: SupabaseAuth, supabase: SupabaseStandIn, project_url: str, confirms: bool
) -> None:
    supabase.set_up_sign_in(project_url, confirms_addresses=confirms)
    assert auth.confirms_addresses() is confirms


def test_neither_addresses_nor_secrets_are_logged(
    auth: SupabaseAuth,
    bob: str,
    supabase: SupabaseStandIn,
    project_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        session = auth.with_password(EMAIL, PASSWORD)
        renewed = auth.renew(session.refresh_token)
        auth.send_link(EMAIL, redirect_to=CONFIRM)
        token_hash = _token_hash(supabase.links_for(project_url, EMAIL)[-1])
        auth.with_link(token_hash)
        with pytest.raises(SignInRefusedError) as used:
            auth.with_link(token_hash)
        with pytest.raises(SignInRefusedError) as wrong:
            auth.with_password(EVE, EVES_PASSWORD)
        auth.sign_out(renewed.access_token)
    assert "invalid_credentials" in caplog.text, "an operator learns what was refused"
    secrets = [EMAIL, PASSWORD, EVE, EVES_PASSWORD, token_hash, PUBLISHABLE_KEY]
    for given in (session, renewed):
        secrets += [given.access_token, given.refresh_token]
        assert not any(secret in repr(given) for secret in secrets)
    told = caplog.text + "".join(format_exception(used.value) + format_exception(wrong.value))
    assert not any(secret in told for secret in secrets)
