"""SendGrid's suppression lists over real HTTP: long ones, bad answers, and how long it waits."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from crm.mail.sendgrid_suppressions import (
    LONGEST_WAIT_SECONDS,
    TRIES,
    SuppressionClient,
    SuppressionListsError,
)
from tests.cast import NOW
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.sendgrid_records import (
    Scripted,
    drop_after_accepting,
    forbidden,
    garbage,
    rate_limited,
    redirect,
    refused,
    server_error,
    unauthorized,
)


@pytest.fixture
def waits() -> list[float]:
    """Seconds the client would have slept."""
    return []


@pytest.fixture
def client(sendgrid_standin: SendGridStandIn, waits: list[float]) -> Iterator[SuppressionClient]:
    client = SuppressionClient(
        sendgrid_standin.key, sendgrid_standin.url, clock=NOW.timestamp, sleep=waits.append
    )
    yield client
    client.close()


@pytest.mark.parametrize("count", [0, 499, 500, 501, 1000, 1203])
def test_it_reads_every_page_of_a_long_list(
    client: SuppressionClient, sendgrid_standin: SendGridStandIn, count: int
) -> None:
    everybody = [f"person{number}@customer.example" for number in range(count)]
    sendgrid_standin.suppressions.add("bounces", everybody)
    pages = list(client.pages("bounces"))
    assert [email for page in pages for email in page] == everybody
    assert max(len(page) for page in pages) <= 500


def test_more_than_a_batch_is_refused(client: SuppressionClient) -> None:
    with pytest.raises(ValueError, match="1000"):
        client.add_unsubscribes(["x@customer.example"] * 1001)


@pytest.mark.parametrize(
    ("trouble", "least"),
    [
        (rate_limited(reset_epoch_seconds=NOW.timestamp() + 30), 30.0),
        (rate_limited(retry_after="7"), 7.0),
        (server_error(503), 1.0),
        (drop_after_accepting(), 1.0),
    ],
)
def test_it_waits_for_what_passes_and_goes_on(
    client: SuppressionClient,
    sendgrid_standin: SendGridStandIn,
    waits: list[float],
    trouble: Scripted,
    least: float,
) -> None:
    sendgrid_standin.answer_next(trouble)
    client.add_unsubscribes(["left@customer.example"])
    assert waits == [least]
    sendgrid_standin.answer_next(trouble)
    assert list(client.pages("unsubscribes")) == [["left@customer.example"]]
    assert waits == [least, least]


def test_it_does_not_wait_for_ever(
    client: SuppressionClient, sendgrid_standin: SendGridStandIn, waits: list[float]
) -> None:
    sendgrid_standin.answer_next(server_error(500), times=TRIES)
    with pytest.raises(SuppressionListsError, match="status 500") as error:
        list(client.pages("bounces"))
    assert not error.value.permanent
    assert waits == [1.0, 2.0, 4.0, 8.0]
    too_long = NOW.timestamp() + LONGEST_WAIT_SECONDS + 1
    sendgrid_standin.answer_next(rate_limited(reset_epoch_seconds=too_long))
    with pytest.raises(SuppressionListsError, match="wait") as limited:
        list(client.pages("bounces"))
    assert limited.value.retry_after == LONGEST_WAIT_SECONDS + 1
    assert len(waits) == 4


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (unauthorized(), "SENDGRID_API_KEY: SendGrid refuses it (401: "),
        (forbidden(), "The key needs full access to Suppressions."),
        (refused(), "SendGrid answered with status 400."),
        (redirect("https://evil.example/"), "SendGrid answered with status 307."),
        (garbage(), "SendGrid's answer is not a suppression list."),
        (Scripted(status=200, body=b'[{"address": "x"}]'), "is not a suppression list."),
    ],
)
def test_what_will_not_pass_is_said_at_once(
    client: SuppressionClient,
    sendgrid_standin: SendGridStandIn,
    waits: list[float],
    answer: Scripted,
    words: str,
) -> None:
    sendgrid_standin.answer_next(answer)
    with pytest.raises(SuppressionListsError) as error:
        list(client.pages("bounces"))
    assert words in str(error.value)
    assert error.value.permanent
    assert sendgrid_standin.key not in str(error.value)
    assert waits == []


def test_a_provider_that_repeats_a_page_is_not_read_for_ever(
    client: SuppressionClient, sendgrid_standin: SendGridStandIn
) -> None:
    page = json.dumps([{"email": f"p{n}@customer.example"} for n in range(500)]).encode()
    sendgrid_standin.answer_next(Scripted(status=200, body=page), times=2)
    with pytest.raises(SuppressionListsError, match="same page twice"):
        list(client.pages("bounces"))
