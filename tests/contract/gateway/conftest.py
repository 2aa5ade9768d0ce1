"""Every test here runs twice: over a direct connection, and over the REST API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest

from crm.database.gateway import SERVICE, Gateway, Identity, signed_in
from crm.database.postgres import PostgresDatabase
from crm.database.supabase import SupabaseDatabase
from db_service import DbService
from tests import cast
from tests.standins.supabase_fixtures import database_of
from tests.standins.supabase_lite import token

__all__ = ["database_of"]

GatewayKind = Literal["postgres", "supabase"]
OpenGateway = Callable[[Identity], Gateway]


@pytest.fixture(params=["postgres", "supabase"])
def gateway_kind(request: pytest.FixtureRequest) -> GatewayKind:
    kind: GatewayKind = request.param
    return kind


@pytest.fixture
def open_gateway(gateway_kind: GatewayKind, request: pytest.FixtureRequest) -> OpenGateway:
    if gateway_kind == "postgres":
        direct: PostgresDatabase = request.getfixturevalue("database")
        return direct.gateway
    project: SupabaseDatabase = request.getfixturevalue("project")
    return lambda identity: project.gateway(with_token(identity))


@pytest.fixture
def service(open_gateway: OpenGateway) -> DbService:
    return DbService(open_gateway(SERVICE), SERVICE)


@pytest.fixture
def alice(open_gateway: OpenGateway) -> DbService:
    return DbService(open_gateway(cast.ALICE), cast.ALICE)


@pytest.fixture
def bob(open_gateway: OpenGateway) -> DbService:
    return DbService(open_gateway(cast.BOB), cast.BOB)


def with_token(identity: Identity) -> Identity:
    """The identity as a person has it who signed in to Supabase."""
    if identity.user_id is None:
        return identity
    return signed_in(
        identity.user_id, access_token=token(identity.user_id, lasts=timedelta(hours=1))
    )
