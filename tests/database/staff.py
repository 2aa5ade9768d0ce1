"""Somebody at the door: what the tests of invitations and joining share."""

from collections.abc import Mapping
from time import monotonic, sleep
from typing import Any, Protocol

from crm.records.people import Colleague
from db_service import DbService
from tests.cast import NOW
from tests.conftest import Raw
from tests.database.sending import values

EVE_ID = "e4e00000-0000-4000-8000-000000000005"
MALLORY_ID = "3a110000-0000-4000-8000-000000000006"
EVE = "eve@mpt.example"
VOUCHED_FOR = {"email": EVE, "email_verified": True, "iss": "https://id.example"}


class Desk(Protocol):
    """Somebody who signed in with these claims; Eve with her address verified by default."""

    def __call__(
        self, person: str = EVE_ID, claims: Mapping[str, Any] = VOUCHED_FOR
    ) -> DbService: ...


def invite(admin: DbService, email: str = EVE, role: str = "sales") -> None:
    admin.people.invite(email=email, full_name="Eve Engineer", role=role, now=NOW)


def colleague(admin: DbService, person: str) -> Colleague:
    return next(found for found in admin.people.directory() if found.id == person)


def is_staff(admin: DbService, person: str) -> bool:
    return person in [found.id for found in admin.people.directory()]


def wait_for_a_waiter(raw: Raw) -> None:
    """Until another connection stands before what this transaction holds."""
    end = monotonic() + 5
    while values(raw, "select count(*) from pg_locks where not granted") == [0]:
        assert monotonic() < end, "nobody waited"
        sleep(0.01)
