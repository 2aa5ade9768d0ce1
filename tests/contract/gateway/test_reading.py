"""Selecting and counting: the same rows, order and values over either adapter."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest

from crm.database.gateway import (
    IS_NOT_NULL,
    IS_NULL,
    SERVICE,
    Filter,
    Gateway,
    among,
    matching,
)
from tests import cast
from tests.conftest import AContact, Raw
from tests.contract.gateway.conftest import OpenGateway

ODD = [
    "plain",
    'a "quoted" name',
    "comma, and (parentheses)",
    "back\\slash",
    "star * star",
    "50%_off",
    "Göteborg, 東京 and 🙂",
    "dots.and:colons",
    "NULL",
    "null",
    "{brace}",
    " leading and trailing ",
    "line\nbreak",
    "plus + amp & eq = hash # slash /",
    "eq.x",
    "",
]


@pytest.fixture
def gateway(open_gateway: OpenGateway) -> Gateway:
    return open_gateway(SERVICE)


@pytest.fixture
def odd(raw: Raw) -> None:
    for name in ODD:
        raw.execute(
            "insert into contacts (first_name, last_name, tags) values (%s, 'Odd', %s)",
            (name, [name, "every"]),
        )


def _names(gateway: Gateway, where: dict[str, Any]) -> list[str]:
    rows = gateway.select("contacts", columns=["first_name"], where=where)
    assert gateway.count("contacts", where=where) == len(rows)
    return sorted(row["first_name"] for row in rows)


@pytest.mark.usefixtures("odd")
class TestOddCharacters:
    def test_comparisons_take_them_literally(self, gateway: Gateway) -> None:
        for name in ODD:
            others = sorted(other for other in ODD if other != name)
            assert _names(gateway, {"first_name": name}) == [name]
            assert _names(gateway, {"first_name": Filter("<>", name)}) == others

    def test_a_list_takes_them_literally(self, gateway: Gateway) -> None:
        assert _names(gateway, {"first_name": among(ODD)}) == sorted(ODD)
        for name in ODD:
            assert _names(gateway, {"first_name": among([name])}) == [name]
            assert _names(gateway, {"first_name": among([name, "plain"])}) == sorted(
                {name, "plain"}
            )

    def test_matching_takes_them_literally(self, gateway: Gateway) -> None:
        for name in filter(None, ODD):
            found = sorted(other for other in ODD if name.lower() in other.lower())
            assert _names(gateway, {"first_name": matching(name)}) == found
            assert _names(gateway, {"first_name": matching(name.upper())}) == found

    def test_array_elements_are_taken_literally(self, gateway: Gateway) -> None:
        for name in ODD:
            assert _names(gateway, {"tags": Filter("contains", [name, "every"])}) == [name]

    def test_they_come_back_as_they_are(self, gateway: Gateway) -> None:
        rows = gateway.select("contacts", columns=["first_name", "tags"])
        assert sorted((row["first_name"], row["tags"]) for row in rows) == sorted(
            (name, [name, "every"]) for name in ODD
        )


FINDS: list[tuple[dict[str, Any], str]] = [
    ({}, "abc"),
    ({"first_name": Filter(">", "a")}, "bc"),
    ({"first_name": Filter(">=", "b")}, "bc"),
    ({"first_name": Filter("<", "b")}, "a"),
    ({"first_name": Filter("<=", "b")}, "ab"),
    ({"email": None}, "b"),
    ({"email": IS_NULL}, "b"),
    ({"email": IS_NOT_NULL}, "ac"),
    ({"email": Filter("<>", None)}, ""),
    ({"email": among([None, "a@x.example"])}, "a"),
    ({"email": among([])}, ""),
    ({"first_name": matching("%")}, ""),
    ({"first_name": Filter("ilike", "_")}, "abc"),
    ({"first_name": Filter("ilike", "B%")}, "b"),
    ({"first_name": among(["a", "b"]), "email": IS_NOT_NULL}, "a"),
    ({"created_at": cast.NOW}, "abc"),
    ({"created_at": Filter("<", cast.NOW)}, ""),
    ({"created_at": among([cast.NOW])}, "abc"),
    ({"archived_at": Filter("<=", cast.NOW)}, "c"),
    ({"owner_id": cast.ALICE_ID.upper()}, "abc"),
]


def test_filters_find_exactly_their_rows(gateway: Gateway, a_contact: AContact) -> None:
    a_contact(first_name="a", email="a@x.example")
    a_contact(first_name="b", email=None)
    a_contact(first_name="c", email="c@x.example", archived_at=cast.NOW)
    for where, found in FINDS:
        assert "".join(_names(gateway, where)) == found, where


def test_a_truth_value_is_a_filter(gateway: Gateway) -> None:
    people = [row["id"] for row in gateway.select("profiles", where={"active": False})]
    assert people == [cast.CHARLIE_ID]
    assert gateway.count("profiles", where={"active": True}) == 3


def test_rows_come_in_the_asked_order(gateway: Gateway, a_contact: AContact) -> None:
    for name, email in (("1", None), ("2", "a@x.example"), ("3", None), ("4", "b@x.example")):
        a_contact(first_name=name, email=email)

    def names(*order: str, limit: int | None = None, offset: int = 0) -> str:
        rows = gateway.select(
            "contacts", columns=["first_name"], order=order, limit=limit, offset=offset
        )
        return "".join(row["first_name"] for row in rows)

    assert names("email", "first_name") == "2413"
    assert names("email desc", "first_name desc") == "3142"
    assert names("email desc nulls last", "first_name") == "4213"
    assert names("first_name", limit=2) == "12"
    assert names("first_name", limit=2, offset=1) == "23"
    assert names("first_name", limit=0) == ""
    assert names("first_name", limit=9, offset=4) == ""


def test_moments_are_exact_aware_and_utc(open_gateway: OpenGateway, a_contact: AContact) -> None:
    gateway = open_gateway(cast.BOB)
    moment = datetime(2026, 3, 29, 1, 59, 59, 123456, tzinfo=UTC)
    elsewhere = moment.astimezone(timezone(timedelta(hours=5, minutes=45)))
    id_ = a_contact()
    gateway.update("contacts", {"archived_at": elsewhere}, where={"id": id_})
    for where in ({"archived_at": elsewhere}, {"archived_at": among([elsewhere])}):
        [row] = gateway.select("contacts", where=where)
        assert row["archived_at"] == moment
        assert row["archived_at"].tzinfo is UTC
    later = Filter(">", elsewhere - timedelta(microseconds=1))
    assert gateway.count("contacts", where={"archived_at": later}) == 1
    assert gateway.count("contacts", where={"archived_at": Filter(">", elsewhere)}) == 0


def test_each_type_has_its_python_form(gateway: Gateway, a_contact: AContact, raw: Raw) -> None:
    raw.execute("insert into networking_events (name, held_on) values ('2026-03-10', '2026-03-11')")
    [event] = gateway.select("networking_events", columns=["name", "held_on"])
    assert event == {"name": "2026-03-10", "held_on": date(2026, 3, 11)}
    [campaign] = gateway.select("drip_campaigns", where={"key": "lead"})
    assert campaign["window_start"] == time(9, 0)
    assert campaign["window_days"] == [1, 2, 3, 4, 5]
    assert campaign["respect_holidays"] is True
    id_ = a_contact(notes="2026-03-10T15:00:00+00:00", tags=["2026-03-10 15:00:00+00"])
    [contact] = gateway.select("contacts", where={"id": id_})
    assert contact["id"] == id_
    assert contact["notes"] == "2026-03-10T15:00:00+00:00", "a text is never taken for a moment"
    assert contact["tags"] == ["2026-03-10 15:00:00+00"]
    assert contact["email_status_at"] is None


def test_json_columns_come_parsed(gateway: Gateway, raw: Raw) -> None:
    raw.execute(
        "insert into app_settings (key, value) values ('test', %s)",
        ('{"at": "2026-03-10T15:00:00+00:00", "n": [1, 2.5, null, "x"]}',),
    )
    [row] = gateway.select("app_settings", columns=["value"], where={"key": "test"})
    assert row["value"] == {"at": "2026-03-10T15:00:00+00:00", "n": [1, 2.5, None, "x"]}


class TestMoreThanAThousand:
    @pytest.fixture(autouse=True)
    def contacts(self, raw: Raw) -> None:
        raw.execute(
            "insert into contacts (first_name, email, city)"
            " select lpad(i::text, 4, '0'), 'c' || i || '@x.example', (i % 3)::text"
            " from generate_series(1, 2345) i"
        )

    @pytest.mark.parametrize(
        ("order", "limit", "offset"),
        [([], None, 0), (["city"], None, 0), (["first_name desc"], 1500, 0), (["id"], 2000, 500)],
    )
    def test_they_all_come_once(
        self, gateway: Gateway, order: list[str], limit: int | None, offset: int
    ) -> None:
        rows = gateway.select("contacts", order=order, limit=limit, offset=offset)
        expected = min(2345 - offset, limit or 2345)
        assert len(rows) == len({row["id"] for row in rows}) == expected
        if order == ["city"]:
            assert [row["city"] for row in rows] == sorted(row["city"] for row in rows)
        if order == ["first_name desc"]:
            assert [int(row["first_name"]) for row in rows] == list(range(2345, 845, -1))

    def test_they_are_counted(self, gateway: Gateway) -> None:
        assert gateway.count("contacts") == 2345

    def test_a_list_may_name_them_all(self, gateway: Gateway) -> None:
        wanted = [f"c{n}@x.example" for n in range(1, 2001)]
        where = {"email": among([*wanted, *wanted[:500], "nobody@x.example", None])}
        rows = gateway.select("contacts", columns=["email"], where=where, order=["id desc"])
        assert sorted(row["email"] for row in rows) == sorted(wanted)
        assert rows[0].keys() == {"email"}, "what it is ordered by is not asked for"
        assert gateway.count("contacts", where=where) == 2000

    def test_a_long_list_keeps_order_limit_and_offset(self, gateway: Gateway) -> None:
        rows = gateway.select("contacts", columns=["id", "created_at"], order=["id"])
        ids = [row["id"] for row in rows]
        asked = [*reversed(ids[100:400]), *(i.upper() for i in ids[100:400])]
        page = gateway.select(
            "contacts",
            columns=["id"],
            where={"id": among(asked)},
            order=["created_at desc", "id desc"],
            limit=50,
            offset=20,
        )
        assert [row["id"] for row in page] == ids[330:380][::-1]

    def test_a_long_list_may_change_them(self, open_gateway: OpenGateway) -> None:
        gateway = open_gateway(cast.BOB)
        wanted = [f"c{n}@x.example" for n in range(1, 301)]
        changed = gateway.update(
            "contacts", {"city": "Bath"}, where={"email": among(wanted)}, returning=["id"]
        )
        assert len({row["id"] for row in changed}) == 300
        assert gateway.count("contacts", where={"city": "Bath"}) == 300

    def test_a_change_returns_them_all(self, open_gateway: OpenGateway) -> None:
        gateway = open_gateway(cast.BOB)
        changed = gateway.update(
            "contacts", {"state": "x"}, where={"email": IS_NOT_NULL}, returning=["id"]
        )
        assert len({row["id"] for row in changed}) == 2345
