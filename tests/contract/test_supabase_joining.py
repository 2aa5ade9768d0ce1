"""Joining the staff over Supabase: a real sign-in, its token over the REST API, the first admin."""

from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest

from crm.database.errors import NotAllowedError
from crm.database.gateway import SERVICE, signed_in
from crm.database.supabase import SupabaseDatabase
from crm.database.supabase_auth import SupabaseAuth
from db_service import DbService
from tests import cast
from tests.cast import NOW
from tests.conftest import Raw
from tests.standins.supabase_lite import JWT_SECRET, PUBLISHABLE_KEY, SupabaseStandIn

EVE = "eve@mpt.example"
PASSWORD = "correct horse battery staple"

Desk = Callable[..., DbService]


@pytest.fixture
def auth(project_url: str) -> Iterator[SupabaseAuth]:
    auth = SupabaseAuth(project_url, PUBLISHABLE_KEY, provider="google")
    yield auth
    auth.close()


@pytest.fixture
def signs_in(project: SupabaseDatabase, auth: SupabaseAuth) -> Desk:
    """Somebody with an account, at their desk; `claims` are added to the token they were given."""

    def of(email: str = EVE, /, **claims: Any) -> DbService:
        session = auth.with_password(email, PASSWORD)
        given = session.access_token
        if claims:
            told = jwt.decode(given, JWT_SECRET, algorithms=["HS256"], audience="authenticated")
            given = jwt.encode(told | claims, JWT_SECRET, algorithm="HS256")
        identity = signed_in(session.user_id, access_token=given)
        return DbService(project.gateway(identity), identity)

    return of


@pytest.fixture
def eve(supabase: SupabaseStandIn, project_url: str) -> str:
    return supabase.add_person(project_url, EVE, PASSWORD)


@pytest.fixture
def installation(project: SupabaseDatabase) -> DbService:
    return DbService(project.gateway(SERVICE), SERVICE)


def test_an_invited_account_joins_and_works_under_its_own_id(
    eve: str, signs_in: Desk, bob: DbService
) -> None:
    desk = signs_in()
    assert desk.people.join(now=NOW) == "not_invited"
    bob.people.invite(email=EVE, full_name="Eve Engineer", role="sales", now=NOW)
    assert desk.people.join(now=NOW) == "joined"
    assert desk.people.join(now=NOW) == "known"
    assert [(c.id, c.email, c.role) for c in desk.people.directory()] == [(eve, EVE, "sales")]
    assert desk.people.invitations() == []
    with pytest.raises(NotAllowedError):
        desk.people.invite(email="x@mpt.example", full_name="X", role="admin", now=NOW)


def test_an_account_whose_address_is_not_confirmed_stays_out_whatever_its_token_says(
    eve: str, signs_in: Desk, bob: DbService, raw: Raw
) -> None:
    bob.people.invite(email=EVE, full_name="Eve", role="admin", now=NOW)
    desk = signs_in(email_verified=True, user_metadata={"email": EVE, "email_verified": True})
    # Supabase lets nobody without it sign in with a password; other ways may.
    raw.execute("update auth.users set email_confirmed_at = null where id = %s", (eve,))
    assert desk.people.join(now=NOW) == "unverified"
    assert len(bob.people.invitations()) == 1


def test_the_token_does_not_lend_anybody_elses_address(
    supabase: SupabaseStandIn, project_url: str, signs_in: Desk, bob: DbService
) -> None:
    bob.people.invite(email=EVE, full_name="Eve", role="admin", now=NOW)
    supabase.add_person(project_url, "mallory@x.example", PASSWORD)
    desk = signs_in("mallory@x.example", email=EVE, email_verified=True)
    assert desk.people.join(now=NOW) == "not_invited"


def test_the_first_admin_comes_in_by_the_setting_alone(
    eve: str, signs_in: Desk, installation: DbService, raw: Raw
) -> None:
    raw.execute("delete from profiles")
    assert installation.people.invite_first_admin(EVE, now=NOW)
    desk = signs_in()
    assert desk.people.join(now=NOW) == "joined"
    assert [(c.id, c.role) for c in desk.people.directory()] == [(eve, "admin")]
    assert not installation.people.invite_first_admin("other@mpt.example", now=NOW)


def test_nobody_with_a_token_plays_the_installation(
    eve: str, signs_in: Desk, project: SupabaseDatabase, raw: Raw
) -> None:
    raw.execute("delete from profiles where id <> %s", (cast.ALICE_ID,))
    with pytest.raises(NotAllowedError):
        signs_in().people.invite_first_admin(EVE, now=NOW)
    with pytest.raises(NotAllowedError):
        project.gateway(cast.ANON).call("join_staff", p_now=NOW)
