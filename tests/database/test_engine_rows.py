"""The claim's rows are read by position: the function and the record must agree on the order."""

from __future__ import annotations

from crm.records.engine import ClaimedSend
from tests.conftest import Raw


def test_a_claimed_send_has_the_columns_of_claim_due_in_their_order(raw: Raw) -> None:
    row = raw.execute(
        "select proargnames, proargmodes::text[] as modes from pg_proc where proname = 'claim_due'"
    ).fetchone()
    assert row is not None
    columns = [n for n, mode in zip(row["proargnames"], row["modes"], strict=True) if mode == "t"]
    assert tuple(columns) == ClaimedSend._fields
