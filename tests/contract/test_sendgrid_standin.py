"""The SendGrid stand-in keeps the provider's rules: each check has a request that fails it."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.standins import sendgrid_records as script
from tests.standins.sendgrid import KEY, SendGridStandIn

Json = dict[str, Any]


@pytest.fixture
def standin() -> Iterator[SendGridStandIn]:
    with SendGridStandIn() as running:
        yield running


def payload(count: int = 5) -> Json:
    """A request that passes every check."""
    return {
        "from": {"email": "carol@mpt.test", "name": "Carol"},
        "subject": "Hello TAG",
        "content": [
            {"type": "text/plain", "value": "Hi TAG"},
            {"type": "text/html", "value": "<p>TAG</p>"},
        ],
        "personalizations": [
            {
                "to": [{"email": f"alice{number}@example.com", "name": "Alice"}],
                "substitutions": {"TAG": "Alice"},
                "headers": {"List-Unsubscribe": "<https://crm.test/u>"},
                "custom_args": {"send_id": f"send-{number}"},
            }
            for number in range(count)
        ],
    }


def post(standin: SendGridStandIn, body: object, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"authorization": f"Bearer {KEY}", "content-type": "application/json", **headers}
    return httpx.post(f"{standin.url}/v3/mail/send", content=content, headers=sent)


def fields(response: httpx.Response) -> list[str]:
    return [error["field"] for error in response.json()["errors"]]


def test_a_sound_request_is_accepted_and_recorded(standin: SendGridStandIn) -> None:
    response = post(standin, payload())
    assert (response.status_code, response.content) == (202, b"")
    assert [mail.send_id for mail in standin.accepted] == [f"send-{n}" for n in range(5)]
    assert {mail.message_id for mail in standin.accepted} == {response.headers["X-Message-Id"]}
    first = standin.accepted[0]
    assert (first.subject, first.text, first.html) == ("Hello Alice", "Hi Alice", "<p>Alice</p>")


def test_a_thousand_recipients_are_the_most(standin: SendGridStandIn) -> None:
    assert post(standin, payload(1000)).status_code == 202
    assert fields(post(standin, payload(1001))) == ["personalizations"]
    assert len(standin.accepted) == 1000


def change(*path: str | int, to: object = None, drop: bool = False) -> Callable[[Json], None]:
    def apply(body: Json) -> None:
        place: Any = body
        for step in path[:-1]:
            place = place[step]
        if drop:
            del place[path[-1]]
        else:
            place[path[-1]] = to

    return apply


THIRD = ("personalizations", 3)


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (change("personalizations", drop=True), "personalizations"),
        (change("personalizations", to=[]), "personalizations"),
        (change(*THIRD, to="text"), "personalizations.3"),
        (change(*THIRD, "surprise", to=1), "personalizations.3"),
        (change(*THIRD, "to", drop=True), "personalizations.3.to"),
        (change(*THIRD, "to", to=[]), "personalizations.3.to"),
        (change(*THIRD, "to", 0, "email", to="alice"), "personalizations.3.to.0.email"),
        (change(*THIRD, "to", 0, "email", to="a b@example.com"), "personalizations.3.to.0.email"),
        (change(*THIRD, "to", 0, "email", to="é@example.com"), "personalizations.3.to.0.email"),
        (change(*THIRD, "to", 0, "email", to=7), "personalizations.3.to.0.email"),
        (change(*THIRD, "to", 0, "email", to="ALICE1@example.com"), "personalizations"),
        (change(*THIRD, "to", 0, "name", to="Lee; Ann"), "personalizations.3.to.0.name"),
        (change(*THIRD, "to", 0, "name", to="Lee, Ann"), "personalizations.3.to.0.name"),
        (
            change(*THIRD, "substitutions", "TAG", to="x" * 9_998),
            "personalizations.3.substitutions",
        ),
        (
            change(*THIRD, "substitutions", "TAG", to="é" * 5_000),
            "personalizations.3.substitutions",
        ),
        (change(*THIRD, "substitutions", "TAG", to=7), "personalizations.3.substitutions"),
        (
            change(*THIRD, "custom_args", "send_id", to="x" * 9_994),
            "personalizations.3.custom_args",
        ),
        (change(*THIRD, "headers", "Reply-To", to="x"), "personalizations.3.headers"),
        (change(*THIRD, "headers", "SUBJECT", to="x"), "personalizations.3.headers"),
        (change(*THIRD, "headers", "Content-Type", to="x"), "personalizations.3.headers"),
        (change(*THIRD, "headers", "X-Fine", to="a\r\nBcc: b"), "personalizations.3.headers"),
        (change(*THIRD, "headers", "X\nY", to="a"), "personalizations.3.headers"),
        (change("from", drop=True), "from.email"),
        (change("from", "email", to="carol"), "from.email"),
        (change("reply_to", to={"email": ""}), "reply_to.email"),
        (change("subject", drop=True), "subject"),
        (change("subject", to=""), "subject"),
        (change("content", drop=True), "content"),
        (change("content", to=[]), "content"),
        (change("content", 1, "value", to=""), "content.1.value"),
        (change("headers", to={"From": "eve"}), "headers"),
        (change("surprise", to=1), "surprise"),
    ],
)
def test_each_check_names_the_field(
    standin: SendGridStandIn, broken: Callable[[Json], None], field: str
) -> None:
    body = payload()
    broken(body)
    response = post(standin, body)
    assert response.status_code == 400
    assert fields(response) == [field]
    assert set(response.json()["errors"][0]) == {"message", "field", "help"}
    assert standin.accepted == []


def test_plain_text_comes_first(standin: SendGridStandIn) -> None:
    body = payload()
    body["content"].reverse()
    assert fields(post(standin, body)) == ["content"]


def test_a_subject_of_every_personalization_replaces_the_shared_one(
    standin: SendGridStandIn,
) -> None:
    body = payload(2)
    del body["subject"]
    body["personalizations"][0]["subject"] = "Own TAG"
    assert fields(post(standin, body)) == ["subject"]
    body["personalizations"][1]["subject"] = "Another"
    assert post(standin, body).status_code == 202
    assert [mail.subject for mail in standin.accepted] == ["Own Alice", "Another"]


def test_sizes_at_the_limit_pass(standin: SendGridStandIn) -> None:
    body = payload()
    body["personalizations"][3]["substitutions"]["TAG"] = "x" * 9_997
    body["personalizations"][3]["custom_args"]["send_id"] = "x" * 9_993
    assert post(standin, body).status_code == 202


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer SG.other", f"Basic {KEY}", KEY])
def test_a_wrong_key_is_unauthorized(standin: SendGridStandIn, authorization: str) -> None:
    assert post(standin, payload(), authorization=authorization).status_code == 401
    assert standin.accepted == []


def test_what_is_not_json_is_refused(standin: SendGridStandIn) -> None:
    assert post(standin, payload(), **{"content-type": "text/plain"}).status_code == 415
    assert post(standin, b"{not json").status_code == 400
    assert post(standin, [1]).status_code == 400


def test_a_large_body_is_refused() -> None:
    size = len(json.dumps(payload()))
    with SendGridStandIn(max_body_bytes=size) as standin:
        assert post(standin, payload()).status_code == 202
    with SendGridStandIn(max_body_bytes=size - 1) as standin:
        assert post(standin, payload()).status_code == 413


def test_other_routes_and_methods_are_refused(standin: SendGridStandIn) -> None:
    assert httpx.get(f"{standin.url}/v3/mail/send").status_code == 405
    assert httpx.get(f"{standin.url}/v3/else").status_code == 404
    assert httpx.post(f"{standin.url}/v3/else").status_code == 404


def test_a_value_that_contains_a_later_tag_is_replaced_again_as_sendgrid_does(
    standin: SendGridStandIn,
) -> None:
    body = payload(1)
    body["personalizations"][0]["substitutions"] = {"TAG": "OTHER", "OTHER": "twice"}
    post(standin, body)
    assert standin.accepted[0].subject == "Hello twice"


def test_a_refused_address_is_named_until_reset(standin: SendGridStandIn) -> None:
    standin.refuse_address("alice2@example.com", "Blocked here.")
    response = post(standin, payload())
    assert fields(response) == ["personalizations.2.to.0.email"]
    assert response.json()["errors"][0]["message"] == "Blocked here."
    standin.reset()
    assert post(standin, payload()).status_code == 202


def test_scripted_answers_come_in_turn_and_then_end(standin: SendGridStandIn) -> None:
    standin.answer_next(script.server_error(502), times=2)
    standin.answer_next(script.rate_limited(reset_epoch_seconds=123.0))
    responses = [post(standin, payload()) for _ in range(4)]
    assert [response.status_code for response in responses] == [502, 502, 429, 202]
    assert responses[2].headers["X-RateLimit-Reset"] == "123"
    assert [seen.status for seen in standin.requests] == [502, 502, 429, 202]
    assert len(standin.accepted) == 5


@pytest.mark.parametrize(
    ("scripted", "recorded"),
    [
        (script.drop_before_accepting(), 0),
        (script.drop_after_accepting(), 5),
        (script.drop_while_reading(), 0),
    ],
)
def test_a_dropped_connection_is_recorded_only_when_accepted(
    standin: SendGridStandIn, scripted: script.Scripted, recorded: int
) -> None:
    standin.answer_next(scripted)
    with pytest.raises(httpx.TransportError):
        post(standin, payload())
    assert len(standin.accepted) == recorded
    assert [seen.status for seen in standin.requests] == [None]


def test_an_unsound_request_is_never_recorded_by_a_script(standin: SendGridStandIn) -> None:
    standin.answer_next(script.server_error(accept=True))
    assert post(standin, {**payload(), "subject": ""}).status_code == 503
    assert standin.accepted == []


def test_it_stops_at_once_while_a_client_waits() -> None:
    with SendGridStandIn(latency_seconds=30.0) as standin, pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{standin.url}/v3/mail/send", content=b"{}", timeout=0.2)


def test_it_runs_as_a_process_and_is_controlled_over_http() -> None:
    command = [sys.executable, "-m", "tests.standins.sendgrid", "--latency-ms", "1", "--key", KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening on ").strip()
        with httpx.Client(base_url=url) as control:
            asked = [
                control.post(
                    "/__standin/answer_next", json={"kind": "server_error", "status": 500}
                ),
                control.post(
                    "/__standin/refuse", json={"email": "eve@example.com", "reason": "No."}
                ),
                control.post("/__standin/latency", json={"milliseconds": 0}),
                control.post("/__standin/answer_next", json={"kind": "surprise"}),
            ]
            assert [response.status_code for response in asked] == [200, 200, 200, 400]
            headers = {"authorization": f"Bearer {KEY}"}
            sent = [control.post("/v3/mail/send", json=payload(2), headers=headers) for _ in "123"]
            assert [response.status_code for response in sent] == [500, 202, 202]
            assert control.get("/__standin/stats").json() == {
                "requests": 3,
                "accepted": 4,
                "distinct_send_ids": 2,
                "duplicates": 2,
                "statuses": {"500": 1, "202": 2},
            }
            assert len(control.get("/__standin/accepted").json()) == 4
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
