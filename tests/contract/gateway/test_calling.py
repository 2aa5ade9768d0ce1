"""Functions over either adapter: every kind of parameter in, every kind of answer out."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from crm.database.errors import DatabaseError, InvalidValueError, NotAllowedError, RuleBrokenError
from crm.database.gateway import SERVICE, Gateway
from tests import cast
from tests.conftest import AContact, PublishedSteps, Raw
from tests.contract.gateway.conftest import OpenGateway

ANY_UUID = "01a1fdde-bb58-7e10-a2bc-46fedc3c7e60"


@pytest.fixture
def gateway(open_gateway: OpenGateway) -> Gateway:
    return open_gateway(SERVICE)


def _start_run(gateway: Gateway) -> int:
    run: int = gateway.call(
        "start_run", p_now=cast.NOW, p_trigger="command", p_host="here", p_sender='{"name": "MPT"}'
    )
    return run


def test_a_single_value(gateway: Gateway) -> None:
    run = _start_run(gateway)
    assert isinstance(run, int)
    assert gateway.call("take_run_request", p_now=cast.NOW) is False
    [row] = gateway.select("scheduler_runs", columns=["id", "sender"])
    assert row == {"id": run, "sender": {"name": "MPT"}}, "JSON text arrives as JSON, once"


def test_nothing(gateway: Gateway) -> None:
    finished = gateway.call(
        "finish_run",
        p_run=_start_run(gateway),
        p_now=cast.NOW,
        p_counts='{"claimed": 0}',
        p_error="",
        p_next_run_at=None,
    )
    assert not finished
    [row] = gateway.select("scheduler_runs", columns=["counts", "next_run_at", "finished_at"])
    assert row["counts"]["claimed"] == 0
    assert row["next_run_at"] is None
    assert row["finished_at"] == cast.NOW


def test_a_set_of_values(open_gateway: OpenGateway, a_contact: AContact) -> None:
    ids = [a_contact(contact_type="lead"), a_contact(contact_type="client")]

    def found(**search: list[str]) -> list[str]:
        values: list[str] = open_gateway(cast.BOB).call(
            "find_contacts",
            p_search=json.dumps(search),
            p_order="newest",
            p_before=None,
            p_limit=10,
        )
        return values

    assert found() == ids[::-1]
    assert found(types=["lead"], statuses=["ok"]) == ids[:1]
    assert found(types=["lead", 'odd, "type"'], statuses=["ok", "NULL"]) == ids[:1]
    assert found(types=["client"], statuses=["bounced"]) == []
    assert found(words=["%", "_"]) == []


def test_a_set_of_rows_in_their_columns_order(
    gateway: Gateway, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    [template, _] = published_steps("lead", 2)
    a_contact()
    a_contact(time_zone="Asia/Tokyo")
    run = _start_run(gateway)
    parameters = {"p_limit": 1000, "p_lease_seconds": 300, "p_run": run, "p_token": ANY_UUID}
    rows = gateway.call("claim_due", p_now=cast.NOW, **parameters)
    assert {row["time_zone"] for row in rows} == {None, "Asia/Tokyo"}
    assert list(rows[0])[:7] == [
        "send_id",
        "enrollment_id",
        "contact_id",
        "campaign_id",
        "template_id",
        "step",
        "email",
    ]
    assert rows[0]["template_id"] == template
    assert rows[0]["step"] == 1
    assert gateway.call("claim_due", p_now=cast.NOW, **parameters) == []


def test_moments_in_rows_and_arrays(
    gateway: Gateway, a_contact: AContact, published_steps: PublishedSteps, raw: Raw
) -> None:
    published_steps("lead", 2, delay_days=1)
    a_contact()
    run = _start_run(gateway)

    def claim(now: datetime) -> dict[str, object]:
        [row] = gateway.call(
            "claim_due", p_now=now, p_limit=9, p_lease_seconds=300, p_run=run, p_token=ANY_UUID
        )
        assert isinstance(row, dict)
        return row

    first = claim(cast.NOW)
    assert first["recent_sends"] is None
    gateway.call(
        "hand_over",
        p_now=cast.NOW,
        p_leave_by=cast.NOW + timedelta(minutes=1),
        p_token=ANY_UUID,
        p_provider="outbox",
        p_request=ANY_UUID,
        p_sends=[first["send_id"]],
        p_merge_values=['["a, \\"b\\"", "ü", "{}"]'],
    )
    tomorrow = (cast.NOW + timedelta(days=1, microseconds=1)).astimezone(
        timezone(timedelta(hours=9))
    )
    _settle(gateway, run, [str(first["send_id"])], next_send_ats=[tomorrow])
    second = claim(cast.NOW + timedelta(days=1, hours=1))
    assert second["recent_sends"] == [cast.NOW]
    assert second["recent_sends"][0].tzinfo is UTC
    assert raw.execute("select merge_values from email_sends where step = 1").fetchall() == [
        {"merge_values": ['a, "b"', "ü", "{}"]}
    ]


def test_null_in_arrays_of_every_type(
    gateway: Gateway, a_contact: AContact, published_steps: PublishedSteps, raw: Raw
) -> None:
    published_steps("lead", 2)
    for _ in range(2):
        a_contact()
    run = _start_run(gateway)
    claimed = gateway.call(
        "claim_due", p_now=cast.NOW, p_limit=9, p_lease_seconds=300, p_run=run, p_token=ANY_UUID
    )
    ids = [row["send_id"] for row in claimed]
    gateway.call(
        "hand_over",
        p_now=cast.NOW,
        p_leave_by=cast.NOW + timedelta(minutes=1),
        p_token=ANY_UUID,
        p_provider="outbox",
        p_request=ANY_UUID,
        p_sends=ids,
        p_merge_values=["[]", "[]"],
    )
    later = cast.NOW + timedelta(days=7, microseconds=654321)
    assert _settle(gateway, run, ids, next_steps=[2, None], next_send_ats=[later, None]) == 2
    rows = raw.execute(
        "select e.next_send_at from campaign_enrollments e join email_sends s"
        " on s.enrollment_id = e.id order by array_position(%s::uuid[], s.id)",
        (ids,),
    ).fetchall()
    a_week_on = cast.NOW + timedelta(days=7)  # where nothing else was said
    assert [row["next_send_at"] for row in rows] == [later, a_week_on]


def _settle(
    gateway: Gateway,
    run: int,
    sends: list[str],
    *,
    next_steps: list[int | None] | None = None,
    next_send_ats: list[datetime | None] | list[datetime],
) -> int:
    n = len(sends)
    settled: int = gateway.call(
        "settle",
        p_now=cast.NOW,
        p_run=run,
        p_token=ANY_UUID,
        p_sends=sends,
        p_statuses=["accepted"] * n,
        p_message_ids=[None] * n,
        p_reasons=[None] * n,
        p_retry_ats=[None] * n,
        p_next_steps=next_steps or [2] * n,
        p_next_send_ats=next_send_ats,
        p_address_refused=[False] * n,
    )
    return settled


def test_json_text_with_odd_characters(gateway: Gateway, raw: Raw) -> None:
    event = {
        "event": "delivered",
        "occurred_at": cast.NOW.isoformat(),
        "email": "x@y.example",
        "payload": {"text": 'quotes " \\ { } , NULL é 🙂', "none": None},
    }
    unsaid = "send_id request_id message_id provider_event_id url attempt reason user_agent ip"
    empty = dict.fromkeys(unsaid.split(), "")
    rows = json.dumps([event | empty | {"says_machine": False}])
    [recorded] = gateway.call("record_events", p_events=rows, p_now=cast.NOW)
    assert recorded == {"stored": 0, "repeated": 0, "foreign": 1}


def test_refusals_are_those_of_statements(open_gateway: OpenGateway) -> None:
    with pytest.raises(NotAllowedError):
        open_gateway(cast.ALICE).call("request_run", p_now=cast.NOW)
    with pytest.raises(NotAllowedError):
        open_gateway(cast.ALICE).call("take_run_request", p_now=cast.NOW)
    with pytest.raises(InvalidValueError, match="Unknown action"):
        open_gateway(cast.BOB).call(
            "change_enrollments", p_enrollments=[ANY_UUID], p_action="fly", p_now=cast.NOW
        )
    with pytest.raises(InvalidValueError):
        open_gateway(SERVICE).call("unsubscribe_contact", p_contact="no uuid", p_now=cast.NOW)


def test_a_broken_rule_speaks_for_itself(
    open_gateway: OpenGateway, a_contact: AContact, published_steps: PublishedSteps, raw: Raw
) -> None:
    published_steps("lead", 1)
    contact = a_contact()
    open_gateway(SERVICE).call("unsubscribe_contact", p_contact=contact, p_now=cast.NOW)
    [enrollment] = raw.execute("select id::text from campaign_enrollments").fetchall()
    with pytest.raises(RuleBrokenError, match=r"^This contact may not be written to\.$"):
        open_gateway(cast.BOB).call(
            "restart_enrollment", p_enrollment=enrollment["id"], p_now=cast.NOW
        )


def test_a_missing_function_names_itself_and_the_fix(gateway: Gateway) -> None:
    with pytest.raises(
        DatabaseError, match=r"no function fly_to_the_moon; run scripts/migrate\.py"
    ):
        gateway.call("fly_to_the_moon")
