"""Who comes in: only whoever was invited, with an address somebody vouches for."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from crm.database.errors import RuleBrokenError
from crm.records.people import Colleague
from db_service import DbService
from tests import cast
from tests.cast import NOW
from tests.conftest import Raw
from tests.database.sending import values
from tests.database.staff import (
    EVE,
    EVE_ID,
    MALLORY_ID,
    Desk,
    colleague,
    invite,
    is_staff,
    wait_for_a_waiter,
)


def test_an_invited_person_joins_once_in_the_invited_role(bob: DbService, desk: Desk) -> None:
    invite(bob)
    assert desk().people.join(now=NOW + timedelta(days=1)) == "joined"
    assert colleague(bob, EVE_ID) == Colleague(
        EVE_ID, "Eve Engineer", EVE, "", "sales", True, NOW + timedelta(days=1)
    )
    assert bob.people.invitations() == []
    assert desk().people.join(now=NOW) == "known"
    assert desk().people.get(EVE_ID) is not None


@pytest.mark.parametrize("spelled", ["Eve@MPT.example", "  eve@mpt.example "])
def test_an_address_is_the_same_however_the_provider_spells_it(
    bob: DbService, desk: Desk, spelled: str
) -> None:
    invite(bob)
    assert desk(claims={"email": spelled, "email_verified": True}).people.join(now=NOW) == "joined"


def test_a_letter_that_only_looks_the_same_makes_another_address(
    bob: DbService, desk: Desk
) -> None:
    invite(bob, "kim@mpt.example")
    kelvin = {"email": "\u212aim@mpt.example", "email_verified": True}
    assert desk(claims=kelvin).people.join(now=NOW) == "not_invited"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"email": EVE},
        {"email": EVE, "email_verified": False},
        {"email": EVE, "email_verified": None},
        {"email": EVE, "email_verified": "yes"},
        {"email": "", "email_verified": True},
        {"email": None, "email_verified": True},
        {"email": EVE, "user_metadata": {"email_verified": True}},
        {"user_metadata": {"email": EVE, "email_verified": True}},
        {"app_metadata": {"email": EVE, "email_verified": True}},
    ],
)
def test_nobody_joins_with_an_address_nobody_vouches_for(
    bob: DbService, desk: Desk, claims: dict[str, Any]
) -> None:
    invite(bob)
    assert desk(claims=claims).people.join(now=NOW) == "unverified"
    assert not is_staff(bob, EVE_ID)
    assert len(bob.people.invitations()) == 1


def test_what_people_say_of_themselves_does_not_change_their_address(
    bob: DbService, desk: Desk
) -> None:
    invite(bob)
    claims = {"email": "mallory@x.example", "email_verified": True, "user_metadata": {"email": EVE}}
    assert desk(MALLORY_ID, claims).people.join(now=NOW) == "not_invited"


def test_an_account_without_an_invitation_is_not_enough(bob: DbService, desk: Desk) -> None:
    invite(bob, "somebody@mpt.example")
    assert desk().people.join(now=NOW) == "not_invited"
    assert not is_staff(bob, EVE_ID)


def test_a_withdrawn_invitation_lets_nobody_in(bob: DbService, desk: Desk) -> None:
    invite(bob)
    assert bob.people.withdraw(EVE)
    assert not bob.people.withdraw(EVE)
    assert desk().people.join(now=NOW) == "not_invited"


def test_the_role_is_the_invitations_whatever_the_token_says(bob: DbService, desk: Desk) -> None:
    invite(bob)
    boasting = {
        "email": EVE,
        "email_verified": True,
        "app_metadata": {"role": "admin"},
        "user_metadata": {"role": "admin"},
        "user_role": "admin",
    }
    eve = desk(claims=boasting)
    assert eve.people.join(now=NOW) == "joined"
    assert [c.role for c in eve.people.directory()] == ["sales"]
    with pytest.raises(RuleBrokenError, match="own role"):
        eve.people.set_role(EVE_ID, "admin", now=NOW)


@pytest.mark.parametrize("active", [True, False])
def test_an_address_of_a_colleague_who_signs_in_otherwise_is_taken(
    bob: DbService, desk: Desk, raw: Raw, active: bool
) -> None:
    invite(bob)
    assert desk().people.join(now=NOW) == "joined"
    bob.people.set_active(EVE_ID, active, now=NOW)
    assert desk(MALLORY_ID).people.join(now=NOW) == "address_taken"


def test_a_removed_colleague_stays_out_even_if_invited(bob: DbService, desk: Desk) -> None:
    invite(bob)
    claims = {"email": EVE, "email_verified": True}
    assert desk(cast.CHARLIE_ID, claims).people.join(now=NOW) == "inactive"
    assert len(bob.people.invitations()) == 1


def test_two_tabs_that_join_at_once_both_end_well(
    bob: DbService, desk: Desk, raw: Raw, address: str
) -> None:
    invite(bob)
    eve = desk()
    with ThreadPoolExecutor(1) as pool:
        with raw.transaction():
            raw.execute("select set_config('role', 'authenticated', true)")
            raw.execute(
                "select set_config('request.jwt.claims', %s, true)", (eve.identity.claims_json(),)
            )
            assert values(raw, "select join_staff(%s)", NOW) == ["joined"]
            raw.execute("reset role")
            second = pool.submit(eve.people.join, now=NOW)
            wait_for_a_waiter(raw)
        assert second.result(timeout=5) == "known"
    assert [c.id for c in bob.people.directory()].count(EVE_ID) == 1


def test_two_accounts_with_one_address_do_not_both_come_in(bob: DbService, desk: Desk) -> None:
    invite(bob)
    assert desk(EVE_ID).people.join(now=NOW) == "joined"
    assert desk(MALLORY_ID).people.join(now=NOW) == "address_taken"
    assert not is_staff(bob, MALLORY_ID)


def test_joining_stands_in_the_audit_log_under_the_persons_own_name(
    bob: DbService, desk: Desk, raw: Raw
) -> None:
    invite(bob)
    invitation = values(raw, "select id::text from invitations")[0]
    desk().people.join(now=NOW)
    written = raw.execute(
        "select relation, operation, row_key, actor_id::text as actor from audit_log"
    ).fetchall()
    assert {tuple(row.values()) for row in written} >= {
        ("invitations", "INSERT", invitation, cast.BOB_ID),
        ("invitations", "DELETE", invitation, EVE_ID),
        ("profiles", "INSERT", EVE_ID, EVE_ID),
    }


# On Supabase


@pytest.fixture
def accounts(raw: Raw) -> Callable[..., None]:
    """Supabase Auth's own table, with the account given."""
    raw.execute(
        "create schema auth; create table auth.users (id uuid primary key, email varchar(255),"
        " email_confirmed_at timestamptz, raw_user_meta_data jsonb)"
    )

    def add(person: str, email: str | None, *, confirmed: bool) -> None:
        raw.execute(
            "insert into auth.users values (%s, %s, %s, %s)",
            (person, email, NOW if confirmed else None, '{"email_verified": true}'),
        )

    return add


def test_on_supabase_its_own_table_vouches_for_an_address(
    bob: DbService, desk: Desk, accounts: Callable[..., None]
) -> None:
    invite(bob)
    accounts(EVE_ID, "Eve@mpt.example", confirmed=True)
    assert desk(claims={}).people.join(now=NOW) == "joined"


def test_on_supabase_an_unconfirmed_address_is_not_enough_whatever_the_token_says(
    bob: DbService, desk: Desk, accounts: Callable[..., None]
) -> None:
    invite(bob)
    accounts(EVE_ID, EVE, confirmed=False)
    assert desk().people.join(now=NOW) == "unverified"


def test_on_supabase_the_tables_address_counts_and_not_the_tokens(
    bob: DbService, desk: Desk, accounts: Callable[..., None]
) -> None:
    invite(bob)
    accounts(MALLORY_ID, "mallory@x.example", confirmed=True)
    assert desk(MALLORY_ID).people.join(now=NOW) == "not_invited"


def test_on_supabase_an_account_without_an_address_is_unverified(
    bob: DbService, desk: Desk, accounts: Callable[..., None]
) -> None:
    invite(bob)
    accounts(EVE_ID, None, confirmed=True)
    assert desk().people.join(now=NOW) == "unverified"


def test_whoever_has_no_account_there_counts_by_the_claims(
    bob: DbService, desk: Desk, accounts: Callable[..., None]
) -> None:
    """A direct connection to Supabase's Postgres, with sign-in at another provider."""
    invite(bob)
    accounts(MALLORY_ID, EVE, confirmed=True)
    assert desk(claims={}).people.join(now=NOW) == "unverified"
    assert desk().people.join(now=NOW) == "joined"
