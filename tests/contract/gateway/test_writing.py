"""Adding, changing and deleting over either adapter, and what the database refuses."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time
from typing import Any
from uuid import UUID

import pytest

from crm.database.errors import (
    ConflictError,
    DatabaseError,
    InvalidValueError,
    NotAllowedError,
    RuleBrokenError,
)
from crm.database.gateway import SERVICE, Filter, Gateway, among
from tests import cast
from tests.conftest import AContact, Raw
from tests.contract.gateway.conftest import OpenGateway


@pytest.fixture
def sales(open_gateway: OpenGateway) -> Gateway:
    return open_gateway(cast.ALICE)


@pytest.fixture
def admin(open_gateway: OpenGateway) -> Gateway:
    return open_gateway(cast.BOB)


def test_several_rows_are_added_by_one_statement(sales: Gateway) -> None:
    rows = [
        {"first_name": name, "email": None, "tags": [name, "NULL", 'x"y', "a,b", "{}", "\\"]}
        for name in ("A", "comma, \"quote\" and 'apostrophe'", "line\nbreak\ttab 🙂")
    ]
    returning = ["first_name", "email", "tags"]
    assert sales.insert("contacts", rows, returning=returning) == rows
    assert sales.insert("contacts", rows[:1]) == [], "nothing comes back unasked"
    assert sales.insert("contacts", []) == []
    assert sales.count("contacts") == 4


def test_a_batch_is_added_whole_or_not_at_all(sales: Gateway) -> None:
    rows = [{"first_name": "x", "country": "DE"}, {"first_name": "y", "country": "Germany"}]
    with pytest.raises(InvalidValueError, match="two-letter code"):
        sales.insert("contacts", rows)
    assert sales.count("contacts") == 0


def test_what_is_left_out_takes_its_default(sales: Gateway) -> None:
    [row] = sales.insert("contacts", [{"first_name": "x"}], returning=["country", "created_at"])
    assert row == {"country": "", "created_at": cast.NOW}


def test_every_kind_of_value_can_be_written(admin: Gateway, raw: Raw) -> None:
    values = {
        "window_days": [6, 7],
        "window_start": time(8, 30),
        "window_end": time(0, 0),
        "respect_holidays": False,
        "updated_at": cast.NOW,
    }
    [row] = admin.update("drip_campaigns", values, where={"key": "lead"}, returning=list(values))
    assert row == values
    [contact] = admin.insert(
        "contacts", [{"first_name": "x", "owner_id": UUID(cast.ALICE_ID)}], returning=["owner_id"]
    )
    assert contact == {"owner_id": cast.ALICE_ID}


@pytest.mark.parametrize("value", [3, "text", [1, "x"], {"a": {"b": None}}])
def test_a_json_column_takes_json_text(admin: Gateway, value: Any) -> None:
    [row] = admin.update(
        "app_settings",
        {"value": json.dumps(value)},
        where={"key": "contact_daily_cap"},
        returning=["value"],
    )
    assert row["value"] == value


def test_a_json_column_takes_an_object(admin: Gateway) -> None:
    [row] = admin.update(
        "app_settings",
        {"value": {"text": "2026-03-10", "n": 1}},
        where={"key": "contact_daily_cap"},
        returning=["value"],
    )
    assert row["value"] == {"text": "2026-03-10", "n": 1}


def test_changes_reach_their_rows_and_no_others(admin: Gateway, a_contact: AContact) -> None:
    ids = [a_contact() for _ in range(3)]
    assert admin.update("contacts", {"city": "Bath"}, where={"id": among(ids[:2])}) == []
    assert admin.count("contacts", where={"city": "Bath"}) == 2
    nobody = admin.update("contacts", {"city": "Rome"}, where={"id": among([])}, returning=["id"])
    assert nobody == []
    assert admin.count("contacts", where={"city": "Rome"}) == 0


def test_rows_are_deleted(admin: Gateway, a_contact: AContact) -> None:
    contact = a_contact()
    added = admin.insert(
        "projects",
        [{"name": f"Project {n}", "contact_id": contact} for n in range(3)],
        returning=["id"],
    )
    gone = admin.delete("projects", where={"id": added[0]["id"]}, returning=["name"])
    assert gone == [{"name": "Project 0"}]
    assert admin.delete("projects", where={"name": Filter("<>", "Project 2")}) == []
    assert [row["name"] for row in admin.select("projects")] == ["Project 2"]


@pytest.mark.parametrize(
    ("row", "error", "words"),
    [
        ({"email": "taken@customer.example"}, ConflictError, "has this e-mail address already"),
        ({"email": None}, InvalidValueError, "needs a name or an e-mail address"),
        ({"first_name": "x", "time_zone": "Mars/Olympus"}, InvalidValueError, "IANA name"),
        ({"first_name": "x", "country": "Germany"}, InvalidValueError, "two-letter code"),
        ({"first_name": "x", "contact_type": "gone"}, InvalidValueError, "no such type"),
        ({"first_name": None}, InvalidValueError, "first_name"),
        ({"first_name": "x\x00y"}, InvalidValueError, "cannot hold"),
        ({"first_name": "x", "owner_id": "secret"}, InvalidValueError, "refused"),
        ({"first_name": "x", "created_at": "secret"}, InvalidValueError, "refused"),
        ({"nonsense": 1}, DatabaseError, "refused a statement"),
    ],
)
def test_a_refused_value_is_told_in_words(
    sales: Gateway,
    a_contact: AContact,
    row: dict[str, object],
    error: type[DatabaseError],
    words: str,
) -> None:
    a_contact(email="taken@customer.example")
    with pytest.raises(error, match=words) as refusal:
        sales.insert("contacts", [row])
    assert type(refusal.value) is error
    assert refusal.value.permanent
    assert "taken@customer.example" not in str(refusal.value)
    assert sales.count("contacts") == 1


def test_a_conflict_names_its_constraint(sales: Gateway, a_contact: AContact) -> None:
    a_contact(email="taken@customer.example")
    with pytest.raises(ConflictError) as refusal:
        sales.insert("contacts", [{"email": "taken@customer.example"}])
    assert refusal.value.constraint == "contacts_email_key"


def test_a_broken_rule_speaks_for_itself(admin: Gateway) -> None:
    with pytest.raises(RuleBrokenError, match=r"^You cannot change your own role\.$"):
        admin.update("profiles", {"role": "sales"}, where={"id": cast.BOB_ID})


def test_what_does_not_exist_is_refused(sales: Gateway) -> None:
    with pytest.raises(DatabaseError, match=r"refused a statement|lacks a table"):
        sales.select("no_such_table")
    with pytest.raises(DatabaseError, match="refused a statement"):
        sales.select("contacts", columns=["no_such_column"])
    with pytest.raises(DatabaseError, match="refused a statement"):
        sales.select("contacts", where={"no_such_column": 1})
    with pytest.raises(InvalidValueError, match="refused"):
        sales.select("contacts", where={"id": "no uuid"})


def test_a_naive_time_in_a_list_is_refused(sales: Gateway) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the fault itself
    with pytest.raises(ValueError, match="time zone"):
        sales.select("contacts", where={"created_at": among([naive])})


def test_rows_of_others_stay_as_they_are(
    sales: Gateway, admin: Gateway, a_contact: AContact
) -> None:
    other = a_contact(owner_id=cast.CAROL_ID)
    assert sales.update("contacts", {"city": "x"}, where={"id": other}, returning=["id"]) == []
    assert sales.delete("contacts", where={"id": other}, returning=["id"]) == []
    with pytest.raises(NotAllowedError):
        sales.insert("drip_campaigns", [{"key": "x", "name": "x"}])
    assert admin.select("contacts", columns=["city"], where={"id": other}) == [{"city": ""}]


def test_a_statement_undone_by_a_deadlock_runs_again(
    open_gateway: OpenGateway, raw: Raw, a_contact: AContact
) -> None:
    both = [a_contact(last_name="First"), a_contact(last_name="Second")]
    # The other side is more patient, so it is the gateway's statement that is undone.
    raw.execute("set deadlock_timeout = '20s'")
    lock = "select from contacts where id = %s for update"
    with ThreadPoolExecutor(1) as pool:
        with raw.transaction():
            raw.execute(lock, (both[1],))
            change = pool.submit(
                open_gateway(cast.BOB).update,
                "contacts",
                {"city": "Bath"},
                where={"id": among(both)},
            )
            while not raw.execute("select from pg_locks where not granted").fetchall():
                assert not change.done()
            raw.execute(lock, (both[0],))
        change.result(timeout=30)
    assert open_gateway(SERVICE).count("contacts", where={"city": "Bath"}) == 2
