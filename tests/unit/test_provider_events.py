"""The provider's events as our own: each judged by itself, nothing it says can break the rest."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crm.mail.provider_events import (
    KINDS,
    MAX_PAYLOAD_CHARACTERS,
    MAX_PROBLEMS,
    MAX_SHOWN_CHARACTERS,
    ParsedBatch,
    ProviderEvent,
    parse_batch,
)
from crm.records.events import IncomingEvent
from tests.cast import NOW
from tests.standins.sendgrid_events import body_of, event

SEND_ID = "5e4d0000-0000-4000-8000-00000000000a"
REQUEST_ID = "4e900000-0000-4000-8000-00000000000b"
GOOD = event("delivered", email="grace@customer.example", at=NOW, message_id="m-1")


def _parsed(*elements: Any) -> ParsedBatch:
    return parse_batch(json.dumps(list(elements)).encode())


def _event(**fields: Any) -> ProviderEvent:
    batch = _parsed(GOOD | fields)
    assert batch.problems == ()
    return batch.events[0]


def _problem(element: Any) -> str:
    batch = _parsed(GOOD, element, GOOD)
    assert len(batch.events) == 2
    ((problem, _),) = batch.problems
    return problem


def test_an_event_is_read_as_what_the_database_stores() -> None:
    told = event(
        "click",
        email=" Grace@Customer.Example ",
        at=NOW,
        message_id="m-1",
        custom_args={"send_id": SEND_ID, "request_id": REQUEST_ID.upper()},
        sg_event_id="e-1",
    )
    (read,) = parse_batch(body_of([told])).events
    assert read == ProviderEvent(
        event="click",
        occurred_at=NOW,
        email="grace@customer.example",
        send_id=SEND_ID,
        request_id=REQUEST_ID,
        message_id="m-1",
        provider_event_id="e-1",
        url="https://mpt.example/book",
        attempt="",
        reason="",
        user_agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
        ip="198.51.100.7",
        says_machine=False,
        payload=told,
    )


def test_it_has_the_fields_of_the_record_it_becomes() -> None:
    assert ProviderEvent.__annotations__ == IncomingEvent.__annotations__


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_event_is_read(kind: str) -> None:
    batch = _parsed(event(kind, email="grace@customer.example", at=NOW))
    assert [read.event for read in batch.events] == [kind]


def test_a_bounce_that_says_blocked_is_no_hard_bounce() -> None:
    assert _event(event="bounce", type="blocked").event == "blocked"
    assert _event(event="bounce", type="bounce").event == "bounce"
    assert _event(event="bounce").event == "bounce"


@pytest.mark.parametrize("kind", ["account_status_change", "Delivered", "telepathy"])
def test_an_unknown_kind_is_a_problem_and_no_error(kind: str) -> None:
    assert _problem({**GOOD, "event": kind}) == "unknown event kind"


@pytest.mark.parametrize("given", [1773154800, 1773154800.9, "1773154800", " 1773154800.25 "])
def test_a_time_in_seconds_is_read_however_it_is_written(given: object) -> None:
    read = _event(timestamp=given).occurred_at
    assert read == datetime(2026, 3, 10, 15, tzinfo=UTC)
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("timestamp", [None, True, "", "soon", "2026-03-10", [], {}, 0, -1, 946684799]),
        ("timestamp", [4133980800, 1773154800000, 10**40, 1e300, "9" * 12, "9" * 500]),
        ("email", [None, "", "  ", 5, True, ["a@b.example"], "a" * 400, "ü" * 200]),
        ("event", [None, "", 5, True, ["open"], {}]),
    ],
)
def test_a_field_that_cannot_be_used_is_a_problem_that_names_it(
    field: str, values: list[object]
) -> None:
    for value in values:
        assert _problem({**GOOD, field: value}).startswith(f"{field}: "), value
    missing = {name: value for name, value in GOOD.items() if name != field}
    assert _problem(missing).startswith(f"{field}: ")


@pytest.mark.parametrize("element", [None, 5, "delivered", [], [GOOD], True])
def test_what_is_no_object_is_a_problem_with_its_payload(element: object) -> None:
    batch = _parsed(GOOD, element)
    assert len(batch.events) == 1
    assert batch.problems == (("an event must be a JSON object", json.dumps(element)),)


@pytest.mark.parametrize("given", ["", "7", SEND_ID[:-1], f"{{{SEND_ID}}}", "٣" * 36, 5, None, []])
def test_an_id_of_another_programs_mail_is_left_out(given: object) -> None:
    read = _event(send_id=given, request_id=given)
    assert (read.send_id, read.request_id) == ("", "")


@pytest.mark.parametrize(
    ("given", "read"),
    [("m-1.recvd-5f.0", "m-1"), ("m-1", "m-1"), ("", ""), (None, ""), (".x", "")],
)
def test_the_message_id_ends_at_the_first_dot(given: object, read: str) -> None:
    assert _event(sg_message_id=given).message_id == read


def test_an_asynchronous_bounce_has_no_message_id() -> None:
    told = event("bounce", email="grace@customer.example", at=NOW)
    assert _parsed(told).events[0].message_id == ""


@pytest.mark.parametrize(
    ("given", "machine"),
    [(True, True), (1, True), ("true", True), (False, False), ("false", False), (None, False)],
)
def test_a_machine_that_opened_it_is_believed(given: object, machine: bool) -> None:
    assert _event(event="open", sg_machine_open=given).says_machine is machine


def test_the_reason_is_what_the_receiving_server_said() -> None:
    assert _event(reason="550 unknown", response="x").reason == "550 unknown"
    assert _event(reason="", response="250 OK").reason == "250 OK"
    assert len(_event(reason="long " * 1000).reason) == 1000


def test_an_attempt_is_text_however_it_is_written() -> None:
    assert _event(attempt=5).attempt == _event(attempt="5").attempt == "5"


def test_characters_a_database_cannot_hold_are_replaced_everywhere() -> None:
    read = _event(reason="a\x00b\ud800c", extra={"k\x00": ["\udfff", {"deep": "\x00"}]})
    assert read.reason == "a\ufffdb\ufffdc"
    assert read.payload["extra"] == {"k\ufffd": ["\ufffd", {"deep": "\ufffd"}]}


def test_a_whole_pair_of_surrogates_is_one_character() -> None:
    assert _event(reason="😀").reason == "😀"


def test_two_long_urls_stay_two_and_fit_the_index() -> None:
    start = "https://mpt.example/" + "ü" * 3000
    one, other = (_event(url=start + end).url for end in "ab")
    assert one != other
    assert one == _event(url=start + "a").url
    assert max(len(url.encode()) for url in (one, other)) <= 1500
    assert one.startswith("https://mpt.example/ü")


def test_a_long_url_is_kept_whole_in_the_payload() -> None:
    url = "https://mpt.example/" + "x" * 3000
    assert _event(url=url).payload["url"] == url


def test_an_event_of_any_size_is_bounded() -> None:
    assert "characters" in _problem({**GOOD, "custom": "x" * MAX_PAYLOAD_CHARACTERS})
    ((_, shown),) = _parsed({**GOOD, "custom": "x" * MAX_PAYLOAD_CHARACTERS}).problems
    assert len(shown) == MAX_SHOWN_CHARACTERS


def test_numbers_no_database_takes_are_kept_as_text() -> None:
    strange = f'[{{"big": {"7" * 5000}, "inf": 1e999, "nan": NaN, {json.dumps(GOOD)[1:]}]'
    (read,) = parse_batch(strange.encode()).events
    assert read.payload["big"] == "7" * 5000
    assert (read.payload["inf"], read.payload["nan"]) == ("1e999", "NaN")
    json.dumps(read.payload, allow_nan=False)


def test_a_bad_byte_costs_one_character() -> None:
    body = body_of([GOOD | {"reason": "MARK"}, GOOD]).replace(b"MARK", b"f\xfcr")
    batch = parse_batch(body)
    assert [read.reason for read in batch.events] == ["f\ufffdr", "250 OK"]


def test_a_lone_object_is_one_event() -> None:
    assert len(parse_batch(json.dumps(GOOD).encode()).events) == 1


def test_a_byte_order_mark_does_not_matter() -> None:
    assert len(parse_batch(b"\xef\xbb\xbf" + body_of([GOOD])).events) == 1


@pytest.mark.parametrize("body", [b"[]", b" [ ] "])
def test_an_empty_batch_is_no_problem(body: bytes) -> None:
    assert parse_batch(body) == ParsedBatch((), ())


DEEP = b"[" * 100_000
UNREADABLE = [b"", b"hello", b"5", b"null", b'"x"', b"[{]", b"[1", b"[] []", b"\x00\xff", DEEP]


@pytest.mark.parametrize("body", [*UNREADABLE, b'{"a":' * 100_000, DEEP + b"]" * 100_001])
def test_a_body_that_is_no_list_is_one_problem_with_its_beginning(body: bytes) -> None:
    batch = parse_batch(body)
    assert batch.events == ()
    ((problem, shown),) = batch.problems
    assert problem == "The body is not a JSON array of events"
    assert len(shown) <= MAX_SHOWN_CHARACTERS
    assert "\x00" not in shown


@pytest.mark.parametrize("levels", [25, 500, 990, 100_000])
def test_an_element_nested_too_deeply_costs_its_neighbours_nothing(levels: int) -> None:
    deep = b'{"a,b]": ' * levels + b"1" + b"}" * levels
    good = json.dumps(GOOD | {"reason": 'a "[{,'}).encode()
    batch = parse_batch(b"[" + good + b"," + deep + b" , " + good + b"]")
    assert [read.reason for read in batch.events] == ['a "[{,', 'a "[{,']
    assert [problem for problem, _ in batch.problems] == ["nested too deeply"]


def test_a_flood_of_problems_is_counted_and_not_kept() -> None:
    batch = _parsed(*range(MAX_PROBLEMS + 25), GOOD)
    assert len(batch.events) == 1
    assert len(batch.problems) == MAX_PROBLEMS + 1
    assert batch.problems[-1][0].startswith("25 more")
