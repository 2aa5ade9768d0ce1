"""The first admin: invited by the installation itself, in place of the local one."""

from datetime import timedelta
from typing import Any

import pytest

from crm.database.gateway import signed_in
from crm.database.local_admin import LOCAL_ADMIN_ID, ensure_local_admin
from crm.database.postgres import PostgresDatabase
from db_service import DbService
from tests import cast
from tests.cast import NOW
from tests.conftest import Raw
from tests.database.sending import values
from tests.database.staff import EVE, EVE_ID, MALLORY_ID, Desk, invite


@pytest.fixture
def without_admin(raw: Raw, address: str) -> None:
    """An installation that ran without sign-in so far: its only admin is the local one."""
    ensure_local_admin(address)
    raw.execute("update profiles set role = 'sales' where id = %s", (cast.BOB_ID,))


def _open(raw: Raw) -> list[tuple[Any, ...]]:
    rows = raw.execute("select email, role, first_admin from invitations order by email").fetchall()
    return [tuple(row.values()) for row in rows]


@pytest.mark.usefixtures("without_admin")
def test_the_first_admin_is_invited_joins_and_retires_the_local_one(
    service: DbService, desk: Desk, raw: Raw
) -> None:
    assert service.people.invite_first_admin(" Eve@MPT.example ", now=NOW)
    assert _open(raw) == [(EVE, "admin", True)]
    eve = desk()
    assert eve.people.join(now=NOW) == "joined"
    local = next(c for c in eve.people.directory() if c.id == LOCAL_ADMIN_ID)
    assert (local.role, local.active) == ("admin", False)
    assert not service.people.invite_first_admin("another@mpt.example", now=NOW)
    assert _open(raw) == []
    assert [c.full_name for c in eve.people.directory() if c.id == EVE_ID] == ["Eve"]


def test_on_an_empty_database_the_setting_alone_is_enough(
    service: DbService, desk: Desk, raw: Raw
) -> None:
    raw.execute("delete from profiles")
    assert service.people.invite_first_admin(EVE, now=NOW)
    assert desk().people.join(now=NOW) == "joined"
    assert [(c.email, c.role) for c in desk().people.directory()] == [(EVE, "admin")]


@pytest.mark.usefixtures("without_admin")
def test_inviting_the_first_admin_again_changes_nothing(service: DbService, raw: Raw) -> None:
    assert service.people.invite_first_admin(EVE, now=NOW)
    before = raw.execute("select * from invitations").fetchall()
    assert service.people.invite_first_admin(EVE, now=NOW + timedelta(days=3))
    assert raw.execute("select * from invitations").fetchall() == before
    noted = values(raw, "select count(*) from audit_log where relation = 'invitations'")
    assert noted == [1]


@pytest.mark.usefixtures("without_admin")
def test_another_address_in_the_setting_takes_the_invitation_over(
    service: DbService, desk: Desk, raw: Raw
) -> None:
    service.people.invite_first_admin("typo@mpt.example", now=NOW)
    assert service.people.invite_first_admin(EVE, now=NOW)
    assert _open(raw) == [(EVE, "admin", True)]
    typo = desk(MALLORY_ID, {"email": "typo@mpt.example", "email_verified": True})
    assert typo.people.join(now=NOW) == "not_invited"


@pytest.mark.usefixtures("without_admin")
def test_who_was_invited_as_sales_becomes_the_first_admin_by_the_setting(
    service: DbService, database: PostgresDatabase, raw: Raw
) -> None:
    local = signed_in(LOCAL_ADMIN_ID)
    invite(DbService(database.gateway(local), local))
    assert service.people.invite_first_admin(EVE, now=NOW)
    assert _open(raw) == [(EVE, "admin", True)]


@pytest.mark.usefixtures("without_admin")
def test_a_colleague_who_is_already_there_becomes_the_first_admin(
    service: DbService, alice: DbService, raw: Raw
) -> None:
    service.people.invite_first_admin("typo@mpt.example", now=NOW)
    assert not service.people.invite_first_admin("alice@mpt.example", now=NOW)
    assert _open(raw) == []
    roles = {c.full_name: (c.role, c.active) for c in alice.people.directory()}
    assert roles["Alice Sales"] == ("admin", True)
    assert roles["Local admin"] == ("admin", False)


@pytest.mark.usefixtures("without_admin")
def test_a_removed_colleague_does_not_come_back_as_the_first_admin(
    service: DbService, raw: Raw
) -> None:
    assert not service.people.invite_first_admin("charlie@mpt.example", now=NOW)
    assert values(raw, "select active from profiles where id = %s", cast.CHARLIE_ID) == [False]
    assert values(raw, "select active from profiles where id = %s", LOCAL_ADMIN_ID) == [True]


def test_with_an_admin_the_setting_does_nothing(service: DbService, raw: Raw) -> None:
    assert not service.people.invite_first_admin(EVE, now=NOW)
    assert not service.people.invite_first_admin("alice@mpt.example", now=NOW)
    assert _open(raw) == []
    assert values(raw, "select role from profiles where id = %s", cast.ALICE_ID) == ["sales"]


@pytest.mark.usefixtures("without_admin")
def test_a_sales_person_who_joins_leaves_the_local_admin_alone(
    database: PostgresDatabase, desk: Desk, raw: Raw
) -> None:
    local = signed_in(LOCAL_ADMIN_ID)
    invite(DbService(database.gateway(local), local))
    assert desk().people.join(now=NOW) == "joined"
    assert values(raw, "select active from profiles where id = %s", LOCAL_ADMIN_ID) == [True]
