"""Every cell of the access matrix through both adapters; and that a broken policy shows there.

What "done" means is read from the rows themselves, not from what an adapter says of it.
"""

import pytest

from tests.conftest import Raw
from tests.contract.gateway.access_cells import through
from tests.contract.gateway.conftest import OpenGateway
from tests.database import access_matrix as matrix
from tests.database.access_breaking import operations_with, policies_of
from tests.database.access_matrix import Try


@pytest.fixture
def attempt(raw: Raw, open_gateway: OpenGateway) -> Try:
    matrix.set_the_stage(raw)
    return through(open_gateway, raw)


@pytest.mark.parametrize("table", matrix.MATRIX)
def test_every_cell_is_as_designed(attempt: Try, table: str) -> None:
    assert matrix.differences(attempt, table) == []


@pytest.mark.faults
@pytest.mark.parametrize("table", matrix.MATRIX)
def test_every_broken_policy_is_reported(raw: Raw, attempt: Try, table: str) -> None:
    policies = policies_of(raw, table)
    # Changing and deleting by a condition takes reading: that is widened first and dropped last.
    widening = [(policy, policy.widened(), "allowed") for policy in reversed(policies)]
    dropping = [(policy, policy.dropped(), "refused") for policy in policies]
    for policy, breaking, word in widening + dropping:
        raw.execute(breaking)
        found = matrix.differences(attempt, table, policy.operations, matrix.WITH_AN_ACCOUNT)
        assert operations_with(word, found) == set(policy.operations), breaking
