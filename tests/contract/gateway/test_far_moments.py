"""A moment that no calendar holds is shown as the farthest one, and the other rows beside it."""

import pytest

from crm.database.errors import InvalidValueError
from crm.database.far_moments import EARLIEST, LATEST
from tests import cast
from tests.conftest import AContact, Raw
from tests.contract.gateway.conftest import OpenGateway


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("infinity", LATEST),
        ("-infinity", EARLIEST),
        ("20000-01-01", LATEST),
        ("9999-12-31 23:59:59+00", LATEST),
        ("0044-03-15 BC", EARLIEST),
    ],
)
def test_rows_with_such_a_moment_are_read(
    open_gateway: OpenGateway, raw: Raw, a_contact: AContact, written: str, read: object
) -> None:
    # As it may stand there from before the database refused infinity.
    raw.execute("alter table contacts drop constraint contacts_created_at_is_finite")
    a_contact()
    far = a_contact(created_at=written)
    rows = open_gateway(cast.BOB).select("contact_list", columns=["id", "created_at"])
    assert len(rows) == 2
    assert {row["created_at"] for row in rows if row["id"] == far} == {read}


def test_a_day_without_end_is_read(open_gateway: OpenGateway, raw: Raw) -> None:
    raw.execute("insert into networking_events (name, held_on) values ('x', 'infinity')")
    [event] = open_gateway(cast.BOB).select("networking_events", columns=["held_on"])
    assert event["held_on"] == LATEST.date()


def test_nobody_writes_a_moment_without_end_where_it_would_stay(
    open_gateway: OpenGateway,
) -> None:
    alice = open_gateway(cast.ALICE)
    export = {"p_relation": "contacts", "p_row_count": 3, "p_description": "x"}
    with pytest.raises(InvalidValueError):
        alice.call("record_export", **export, p_now="infinity")
    with pytest.raises(InvalidValueError):
        alice.update("profiles", {"created_at": "infinity"}, where={"id": cast.ALICE_ID})
