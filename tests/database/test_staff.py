"""Who may invite, and what an admin may do to colleagues."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from crm.database.errors import (
    ConflictError,
    InvalidValueError,
    NotAllowedError,
    RuleBrokenError,
)
from crm.database.gateway import Identity
from crm.database.postgres import PostgresDatabase
from db_service import DbService
from tests import cast
from tests.cast import NOW
from tests.conftest import Raw
from tests.database.staff import EVE, EVE_ID, MALLORY_ID, Desk, colleague, invite, wait_for_a_waiter

# Who may call what


def test_nobody_joins_without_being_somebody(
    database: PostgresDatabase, service: DbService
) -> None:
    with pytest.raises(NotAllowedError):
        service.people.join(now=NOW)
    for nobody in (cast.ANON, Identity("authenticated", None, {"email": EVE})):
        with pytest.raises(NotAllowedError):
            database.gateway(nobody).call("join_staff", p_now=NOW)


def test_strangers_and_sales_neither_see_nor_write_invitations(
    bob: DbService, alice: DbService, charlie: DbService, desk: Desk
) -> None:
    invite(bob)
    for person in (alice, charlie, desk()):
        assert person.people.invitations() == []
        assert not person.people.withdraw(EVE)
        with pytest.raises(NotAllowedError):
            invite(person, "friend@mpt.example", "admin")
    assert [i.email for i in bob.people.invitations()] == [EVE]


def test_an_admin_invites_in_their_own_name_and_never_as_the_installation(
    database: PostgresDatabase,
) -> None:
    bob = database.gateway(cast.BOB)
    row = {"email": EVE, "full_name": "Eve", "role": "admin"}
    for forged in ({"invited_by": cast.ALICE_ID}, {"invited_by": None}, {"first_admin": True}):
        with pytest.raises(NotAllowedError):
            bob.insert("invitations", [row | forged])
    bob.insert("invitations", [row])
    assert bob.select("invitations", columns=["invited_by"]) == [{"invited_by": cast.BOB_ID}]


def test_nobody_plays_the_installation(
    database: PostgresDatabase, alice: DbService, bob: DbService, desk: Desk
) -> None:
    claiming = desk(claims={"role": "service_role", "email": EVE, "email_verified": True})
    for person in (alice, bob, claiming):
        with pytest.raises(NotAllowedError):
            person.people.invite_first_admin(EVE, now=NOW)
    without_a_subject = Identity("authenticated", None, {})
    with pytest.raises(NotAllowedError):
        database.gateway(without_a_subject).call("invite_first_admin", p_email=EVE, p_now=NOW)


# Inviting


def test_an_address_is_invited_once(bob: DbService) -> None:
    invite(bob)
    with pytest.raises(ConflictError):
        invite(bob, role="admin")
    assert [i.role for i in bob.people.invitations()] == ["sales"]


def test_an_address_of_a_colleague_cannot_be_invited(bob: DbService) -> None:
    with pytest.raises(RuleBrokenError, match=r"^Alice Sales has this address already\.$"):
        invite(bob, "alice@mpt.example")
    with pytest.raises(RuleBrokenError, match=r"^Charlie Outsider had this address\. .*free"):
        invite(bob, "charlie@mpt.example")


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "Eve@mpt.example"},
        {"email": " eve@mpt.example"},
        {"email": "eve"},
        {"email": f"{'e' * 250}@x.example"},
        {"full_name": " "},
        {"role": "owner"},
    ],
)
def test_the_database_refuses_a_malformed_invitation(bob: DbService, wrong: dict[str, str]) -> None:
    right = {"email": EVE, "full_name": "Eve", "role": "sales"}
    with pytest.raises(InvalidValueError):
        bob.people.invite(**(right | wrong), now=NOW)


# Colleagues


def test_an_admin_changes_a_colleagues_role_and_shuts_them_out(
    bob: DbService, alice: DbService
) -> None:
    assert bob.people.set_role(cast.ALICE_ID, "admin", now=NOW)
    assert not bob.people.set_role(cast.ALICE_ID, "admin", now=NOW)
    assert len(alice.people.directory()) == 4, "the new role counts at once"
    assert bob.people.set_active(cast.ALICE_ID, False, now=NOW)
    assert not bob.people.set_active(cast.ALICE_ID, False, now=NOW)
    assert alice.people.directory() == []
    assert bob.people.set_active(cast.ALICE_ID, True, now=NOW)
    assert alice.people.join(now=NOW) == "known"


def test_sales_change_nobody(alice: DbService, bob: DbService) -> None:
    before = bob.people.directory()
    assert not alice.people.set_role(cast.CAROL_ID, "admin", now=NOW)
    assert not alice.people.set_active(cast.BOB_ID, False, now=NOW)
    assert not alice.people.free_address(cast.CHARLIE_ID, now=NOW)
    assert bob.people.directory() == before


def test_nobody_changes_their_own_address(database: PostgresDatabase) -> None:
    """Else somebody could take the place of the person invited under it."""
    with pytest.raises(RuleBrokenError, match="Only an admin changes roles and addresses"):
        database.gateway(cast.ALICE).update(
            "profiles", {"email": "boss@mpt.example"}, where={"id": cast.ALICE_ID}
        )
    database.gateway(cast.ALICE).update("profiles", {"phone": "1"}, where={"id": cast.ALICE_ID})


@pytest.mark.parametrize("change", [{"role": "sales"}, {"active": False}])
def test_no_admin_takes_their_own_rights_away(
    database: PostgresDatabase, change: dict[str, object]
) -> None:
    with pytest.raises(RuleBrokenError, match=r"^You cannot change your own role\.$"):
        database.gateway(cast.BOB).update("profiles", change, where={"id": cast.BOB_ID})


def test_two_admins_who_remove_each_other_at_once_do_not_leave_none(
    bob: DbService, alice: DbService, raw: Raw
) -> None:
    bob.people.set_role(cast.ALICE_ID, "admin", now=NOW)
    with ThreadPoolExecutor(1) as pool:
        with raw.transaction():
            raw.execute("update profiles set active = false where id = %s", (cast.ALICE_ID,))
            second = pool.submit(alice.people.set_active, cast.BOB_ID, False, now=NOW)
            wait_for_a_waiter(raw)
        with pytest.raises(RuleBrokenError, match=r"^The last admin must stay an admin\.$"):
            second.result(timeout=5)
    assert colleague(bob, cast.BOB_ID).active


def test_the_address_of_somebody_who_left_can_be_freed_for_another(
    bob: DbService, desk: Desk
) -> None:
    invite(bob)
    desk().people.join(now=NOW)
    assert not bob.people.free_address(EVE_ID, now=NOW), "she still works here"
    bob.people.set_active(EVE_ID, False, now=NOW)
    assert bob.people.free_address(EVE_ID, now=NOW)
    invite(bob)
    assert desk(MALLORY_ID).people.join(now=NOW) == "joined"
    assert desk(EVE_ID).people.join(now=NOW) == "inactive"
    with pytest.raises(InvalidValueError, match="active_staff_have_an_address"):
        bob.people.set_active(EVE_ID, True, now=NOW)
