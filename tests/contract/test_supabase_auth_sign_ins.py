"""The sign-ins of a process over a real Supabase Auth: renewed once, shared by tabs, ended."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from crm.database.errors import DatabaseUnreachableError, SignedOutError, SignInRefusedError
from crm.database.gateway import Identity
from crm.database.sign_ins import SignIns
from crm.database.supabase import SupabaseDatabase
from crm.database.supabase_auth import SupabaseAuth
from crm.settings import load_settings
from db_service import Connection, DbService
from tests import cast
from tests.conftest import AContact, Raw
from tests.standins.oidc_provider import CLIENT_ID, ErringProvider, erring_provider
from tests.standins.supabase_lite import (
    PUBLISHABLE_KEY,
    SECRET_KEY,
    OpenIdProvider,
    SupabaseStandIn,
)

EMAIL, PASSWORD = "bob@mpt.example", "correct horse battery staple"
NAME = "google"
SHORT = 100  # seconds that the first access token of each test lasts
WHILE_GOOD, ENDED = timedelta(seconds=50), timedelta(seconds=101)
A_WHILE = timedelta(seconds=6)
TABS = 8


@pytest.fixture(scope="module")
def provider() -> Iterator[ErringProvider]:
    with erring_provider() as provider:
        provider.user = {"sub": "bob", "email": EMAIL, "email_verified": True}
        yield provider


@pytest.fixture
def sign_ins(
    supabase: SupabaseStandIn, project_url: str, provider: ErringProvider
) -> Iterator[SignIns]:
    known = {NAME: OpenIdProvider(provider.issuer, (CLIENT_ID,), skip_nonce_check=True)}
    supabase.set_up_sign_in(project_url, token_seconds=SHORT, providers=known)
    supabase.add_person(project_url, EMAIL, PASSWORD, user_id=cast.BOB_ID)
    auth = SupabaseAuth(project_url, PUBLISHABLE_KEY, provider=NAME)
    yield SignIns(auth)
    auth.close()


@pytest.fixture
def key(sign_ins: SignIns, supabase: SupabaseStandIn, project_url: str) -> str:
    """Bob, who signed in with a password; renewals bring tokens that last an hour."""
    key = sign_ins.start(sign_ins.auth.with_password(EMAIL, PASSWORD))
    supabase.set_up_sign_in(project_url)
    return key


@pytest.fixture
def real_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def nobody_there() -> Iterator[SupabaseAuth]:
    auth = SupabaseAuth("http://127.0.0.1:1", PUBLISHABLE_KEY, provider=NAME)
    yield auth
    auth.close()


def _refresh_tokens(raw: Raw) -> int:
    counted = raw.execute("select count(*) as n from auth.refresh_tokens").fetchone()
    assert counted is not None
    return int(counted["n"])


def _sessions(raw: Raw) -> int:
    counted = raw.execute("select count(*) as n from auth.sessions").fetchone()
    assert counted is not None
    return int(counted["n"])


def test_a_key_is_the_person_who_signed_in(
    sign_ins: SignIns, key: str, real_now: datetime, project: SupabaseDatabase, a_contact: AContact
) -> None:
    a_contact()
    bob = sign_ins.identity(key, now=real_now)
    assert (bob.role, bob.user_id) == ("authenticated", cast.BOB_ID)
    assert project.gateway(bob).count("contacts") == 1
    assert sign_ins.identity(key, now=real_now) == bob


@pytest.mark.parametrize("passed", [WHILE_GOOD, ENDED])
def test_a_token_is_renewed_once_by_whoever_asks_first(
    sign_ins: SignIns, key: str, real_now: datetime, raw: Raw, passed: timedelta
) -> None:
    before = sign_ins.identity(key, now=real_now)

    def ask(_: int) -> Identity:
        return sign_ins.identity(key, now=real_now + passed)

    with ThreadPoolExecutor(TABS) as pool:
        seen = list(pool.map(ask, range(TABS)))
    after = sign_ins.identity(key, now=real_now + passed)
    assert _refresh_tokens(raw) == 2, "the first one, and the one that one renewal brought"
    assert after.access_token != before.access_token
    good = {after.access_token} if passed == ENDED else {before.access_token, after.access_token}
    assert {identity.access_token for identity in seen} <= good
    assert {identity.user_id for identity in seen} == {cast.BOB_ID}


def test_a_fresh_token_is_left_alone(
    sign_ins: SignIns, key: str, real_now: datetime, raw: Raw
) -> None:
    sign_ins.identity(key, now=real_now + timedelta(seconds=SHORT - 61))
    assert _refresh_tokens(raw) == 1


def test_a_lost_connection_ends_no_sign_in(
    sign_ins: SignIns,
    key: str,
    real_now: datetime,
    nobody_there: SupabaseAuth,
    caplog: pytest.LogCaptureFixture,
) -> None:
    project, sign_ins.auth = sign_ins.auth, nobody_there
    before = sign_ins.identity(key, now=real_now)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert sign_ins.identity(key, now=real_now + WHILE_GOOD) == before, "still good"
    assert len(caplog.records) == 1, "it pauses between its attempts"
    for _ in range(2):
        with pytest.raises(DatabaseUnreachableError):
            sign_ins.identity(key, now=real_now + ENDED)
    sign_ins.auth = project
    again = sign_ins.identity(key, now=real_now + ENDED + A_WHILE)
    assert again.access_token != before.access_token


def test_an_answer_that_was_lost_on_its_way_ends_no_sign_in(
    sign_ins: SignIns, supabase: SupabaseStandIn, project_url: str, real_now: datetime
) -> None:
    session = sign_ins.auth.with_password(EMAIL, PASSWORD)
    key = sign_ins.start(session)
    supabase.set_up_sign_in(project_url)
    sign_ins.auth.renew(session.refresh_token)  # whose answer nobody saw
    renewed = sign_ins.identity(key, now=real_now + WHILE_GOOD)
    assert renewed.access_token != session.access_token


def test_a_refused_renewal_ends_it(
    sign_ins: SignIns, key: str, real_now: datetime, raw: Raw
) -> None:
    raw.execute("update auth.users set banned_until = now() + interval '1 day'")
    for passed in (WHILE_GOOD, timedelta(0)):
        with pytest.raises(SignedOutError, match="sign in again"):
            sign_ins.identity(key, now=real_now + passed)


def test_signing_out_signs_out_here_and_at_supabase(
    sign_ins: SignIns, key: str, real_now: datetime, raw: Raw
) -> None:
    elsewhere = sign_ins.start(sign_ins.auth.with_password(EMAIL, PASSWORD))
    assert _sessions(raw) == 2
    sign_ins.end(key)
    sign_ins.end(key)
    assert _sessions(raw) == 1
    with pytest.raises(SignedOutError):
        sign_ins.identity(key, now=real_now)
    assert sign_ins.identity(elsewhere, now=real_now).user_id == cast.BOB_ID


def test_signing_out_works_without_supabase(
    sign_ins: SignIns,
    key: str,
    real_now: datetime,
    nobody_there: SupabaseAuth,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sign_ins.auth = nobody_there
    sign_ins.end(key)
    assert "ended here" in caplog.text
    with pytest.raises(SignedOutError):
        sign_ins.identity(key, now=real_now)


class TestIdTokens:
    def test_all_tabs_share_one_exchange(
        self, sign_ins: SignIns, provider: ErringProvider, real_now: datetime, raw: Raw
    ) -> None:
        id_token, ends_at = provider.id_token("a nonce"), real_now + timedelta(hours=1)

        def open_tab(_: int) -> str:
            return sign_ins.start_with_id_token(id_token, "", ends_at=ends_at, now=real_now)

        with ThreadPoolExecutor(TABS) as pool:
            keys = set(pool.map(open_tab, range(TABS)))
        assert len(keys) == 1
        assert _sessions(raw) == 1
        assert sign_ins.identity(keys.pop(), now=real_now).user_id == cast.BOB_ID

    def test_it_ends_when_the_id_token_does(
        self, sign_ins: SignIns, provider: ErringProvider, real_now: datetime
    ) -> None:
        id_token, ends_at = provider.id_token(""), real_now + timedelta(seconds=30)
        key = sign_ins.start_with_id_token(id_token, "", ends_at=ends_at, now=real_now)
        just_before = ends_at - timedelta(seconds=1)
        assert sign_ins.identity(key, now=just_before).user_id == cast.BOB_ID
        with pytest.raises(SignedOutError):
            sign_ins.identity(key, now=ends_at)
        for now in (just_before, ends_at, ends_at + A_WHILE):
            with pytest.raises(SignedOutError):
                sign_ins.start_with_id_token(id_token, "", ends_at=ends_at, now=now)

    def test_signing_out_holds_for_every_tab(
        self, sign_ins: SignIns, provider: ErringProvider, real_now: datetime, raw: Raw
    ) -> None:
        id_token, ends_at = provider.id_token("first"), real_now + timedelta(hours=1)
        key = sign_ins.start_with_id_token(id_token, "", ends_at=ends_at, now=real_now)
        sign_ins.end(key)
        assert _sessions(raw) == 0
        with pytest.raises(SignedOutError):
            sign_ins.start_with_id_token(id_token, "", ends_at=ends_at, now=real_now)
        again = provider.id_token("second")
        key = sign_ins.start_with_id_token(again, "", ends_at=ends_at, now=real_now)
        assert sign_ins.identity(key, now=real_now).user_id == cast.BOB_ID

    def test_a_refused_id_token_opens_nothing(self, sign_ins: SignIns, real_now: datetime) -> None:
        ends_at = real_now + timedelta(hours=1)
        for _ in range(2):
            with pytest.raises(SignInRefusedError):
                sign_ins.start_with_id_token("a.b.c", "", ends_at=ends_at, now=real_now)


def test_a_connection_has_sign_ins_where_people_go_through_supabase(
    project_url: str, address: str, supabase: SupabaseStandIn, real_now: datetime
) -> None:
    supabase.add_person(project_url, EMAIL, PASSWORD, user_id=cast.BOB_ID)
    settings = load_settings(
        _env_file=None,
        supabase_url=project_url,
        supabase_key=PUBLISHABLE_KEY,
        supabase_service_key=SECRET_KEY,
    )
    connection = Connection(settings)
    assert connection.sign_ins is not None
    key = connection.sign_ins.start(connection.sign_ins.auth.with_password(EMAIL, PASSWORD))
    bob = connection.sign_ins.identity(key, now=real_now)
    person = DbService.for_user(bob, connection).people.get(cast.BOB_ID)
    assert person is not None
    assert person.full_name == "Bob Admin"
    connection.close()

    direct = Connection(load_settings(_env_file=None, database_url=address))
    assert direct.sign_ins is None
    direct.close()
