"""Fixtures of the tests that ask who may come in."""

from collections.abc import Mapping
from typing import Any

import pytest

from crm.database.gateway import signed_in
from crm.database.postgres import PostgresDatabase
from db_service import DbService
from tests.database.staff import EVE_ID, VOUCHED_FOR, Desk


@pytest.fixture
def desk(database: PostgresDatabase) -> Desk:
    def of(person: str = EVE_ID, claims: Mapping[str, Any] = VOUCHED_FOR) -> DbService:
        identity = signed_in(person, claims=claims)
        return DbService(database.gateway(identity), identity)

    return of
