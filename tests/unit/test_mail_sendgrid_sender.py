"""The SendGrid sender over real HTTP: what each kind of answer, or none, is taken for."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.mail.delivery import deliver
from crm.mail.message import (
    Accepted,
    NotSent,
    RateLimited,
    RecipientsRefused,
    Refused,
    Skeleton,
    TooLarge,
    Unauthorized,
    Unconfirmed,
)
from crm.mail.sendgrid_sender import CONNECTIONS, SendGridSender
from tests.standins import sendgrid_records as script
from tests.standins.mail_requests import AWKWARD_TEXTS, SENDER, a_recipient, a_request, a_request_to
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.sendgrid_records import Scripted

NOW = 1_800_000_000.0
IMPATIENT = httpx.Timeout(connect=1.0, read=0.3, write=0.3, pool=0.3)


@pytest.fixture
def standin() -> Iterator[SendGridStandIn]:
    with SendGridStandIn() as running:
        yield running


@pytest.fixture
def sender(standin: SendGridStandIn) -> Iterator[SendGridSender]:
    with closing(SendGridSender(standin.key, standin.url, clock=lambda: NOW)) as made:
        yield made


@pytest.fixture
def impatient(standin: SendGridStandIn) -> Iterator[SendGridSender]:
    with closing(SendGridSender(standin.key, standin.url, timeouts=IMPATIENT)) as made:
        yield made


def test_it_is_accepted_with_the_message_id_of_the_request(
    standin: SendGridStandIn, sender: SendGridSender
) -> None:
    answer = sender.send(a_request_to(2))
    first, second = standin.accepted
    assert answer == Accepted(first.message_id) == Accepted(second.message_id)
    assert (first.to, first.name, first.send_id) == ("alice0@example.com", "Alice", "send-0")
    assert second.subject == "A word for Alice 1"
    assert "Dear Alice 1," in second.html
    assert second.text.endswith("Unsubscribe: https://crm.mpt.test/unsubscribe/token-1\n")
    assert second.headers == {
        "List-Unsubscribe": "<https://crm.mpt.test/unsubscribe/token-1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert second.envelope["from"] == {"email": SENDER.email, "name": SENDER.name}


def test_an_accepted_request_without_an_id_is_accepted(
    standin: SendGridStandIn, sender: SendGridSender
) -> None:
    standin.answer_next(Scripted(status=202, accept=True))
    assert sender.send(a_request()) == Accepted(None)


def test_one_refused_in_a_thousand_fails_alone(
    standin: SendGridStandIn, sender: SendGridSender
) -> None:
    standin.refuse_address("ALICE500@example.com", "The recipient is blocked.")
    outcomes = deliver(sender, a_request_to(1000))
    assert [o.send_id for o in outcomes if o.status != "accepted"] == ["send-500"]
    assert outcomes[500].status == "failed"
    assert outcomes[500].reason == "The recipient is blocked."
    assert [(seen.status, seen.recipients) for seen in standin.requests] == [
        (400, 1000),
        (202, 999),
    ]
    assert len(standin.accepted) == len(standin.send_counts) == 999


def test_a_malformed_address_is_named(standin: SendGridStandIn, sender: SendGridSender) -> None:
    request = a_request(a_recipient(0), a_recipient(1, email="alice@@example"))
    assert sender.send(request) == RecipientsRefused({1: "Does not contain a valid address."})
    assert standin.accepted == []


def test_a_400_without_a_name_refuses_the_request(
    standin: SendGridStandIn, sender: SendGridSender
) -> None:
    standin.answer_next(script.refused("The content is odd", field_name="content"))
    assert sender.send(a_request()) == Refused("400: The content is odd (content)")


def test_a_limit_is_seen_before_anything_leaves(
    standin: SendGridStandIn, sender: SendGridSender
) -> None:
    assert isinstance(sender.send(a_request_to(1001)), Refused)
    broken = a_request(a_recipient(0, values=("half a pair \ud800", "x", "y")))
    assert sender.send(broken) == Refused("the request could not be built: UnicodeEncodeError")
    assert standin.requests == []


def test_a_request_too_large_for_the_provider_goes_in_parts() -> None:
    with (
        SendGridStandIn(max_body_bytes=20_000) as standin,
        closing(SendGridSender(standin.key, standin.url)) as sender,
    ):
        assert sender.send(a_request_to(200)) == TooLarge()
        outcomes = deliver(sender, a_request_to(200))
        assert {outcome.status for outcome in outcomes} == {"accepted"}
        assert set(standin.send_counts.values()) == {1}
        assert len(standin.send_counts) == 200


def test_a_rate_limit_says_when_to_come_back(
    standin: SendGridStandIn, sender: SendGridSender
) -> None:
    standin.answer_next(script.rate_limited(reset_epoch_seconds=NOW + 17))
    standin.answer_next(script.rate_limited(retry_after="9"))
    assert sender.send(a_request()) == RateLimited(17.0)
    assert sender.send(a_request()) == RateLimited(9.0)
    assert standin.accepted == []


def test_a_wrong_key_pauses_everything(standin: SendGridStandIn) -> None:
    with closing(SendGridSender("SG.wrong.key", standin.url)) as sender:
        assert isinstance(sender.send(a_request()), Unauthorized)
        (outcome,) = deliver(sender, a_request())
    assert (outcome.status, outcome.halt) == ("retry", True)


def test_a_forbidden_sender_pauses_everything(
    standin: SendGridStandIn, sender: SendGridSender
) -> None:
    standin.answer_next(script.forbidden())
    answer = sender.send(a_request())
    assert answer == Unauthorized("403: The from address is not verified (from)")


@pytest.mark.parametrize(
    "trouble",
    [
        script.server_error(500),
        script.server_error(503, accept=True),
        script.garbage(),
        script.redirect("http://127.0.0.1:9/elsewhere"),
        script.drop_before_accepting(),
        script.drop_after_accepting(),
        script.slow(1.0),
    ],
)
def test_no_clear_answer_is_unconfirmed_and_never_sent_again(
    standin: SendGridStandIn, impatient: SendGridSender, trouble: Scripted
) -> None:
    standin.answer_next(trouble)
    outcomes = deliver(impatient, a_request_to(2))
    assert [outcome.status for outcome in outcomes] == ["unconfirmed", "unconfirmed"]
    assert len(standin.requests) <= 1
    assert all(count == 1 for count in standin.send_counts.values())


def test_a_connection_lost_while_writing_is_unconfirmed(
    standin: SendGridStandIn, impatient: SendGridSender
) -> None:
    standin.answer_next(script.drop_while_reading())
    large = Skeleton("Hello", f"<p>{'x' * 12_000_000}</p>", "Hello")
    request = a_request(a_recipient(0, values=()), skeleton=large)
    assert isinstance(impatient.send(request), Unconfirmed)
    assert standin.accepted == []


def test_a_refused_connection_means_not_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with closing(SendGridSender("SG.k", url)) as sender:
            assert sender.send(a_request()) == NotSent("no connection to SendGrid: ConnectError")


def test_an_unknown_host_means_not_sent() -> None:
    with closing(SendGridSender("SG.k", "http://sendgrid.invalid")) as sender:
        assert sender.send(a_request()) == NotSent("no connection to SendGrid: ConnectError")


def test_a_failed_tls_handshake_means_not_sent(standin: SendGridStandIn) -> None:
    with closing(SendGridSender(standin.key, standin.url.replace("http:", "https:"))) as sender:
        assert sender.send(a_request()) == NotSent("no connection to SendGrid: ConnectError")
    assert standin.requests == []


def test_a_silent_tls_handshake_means_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        timeouts = httpx.Timeout(0.3)
        with closing(SendGridSender("SG.k", url, timeouts=timeouts)) as sender:
            assert sender.send(a_request()) == NotSent("no connection to SendGrid: ConnectTimeout")


def test_a_full_pool_means_not_sent(standin: SendGridStandIn) -> None:
    standin.latency_seconds = 1.0
    timeouts = httpx.Timeout(5.0, pool=0.2)
    with (
        closing(SendGridSender(standin.key, standin.url, timeouts=timeouts)) as sender,
        ThreadPoolExecutor(CONNECTIONS + 1) as threads,
    ):
        requests = [a_request(a_recipient(number)) for number in range(CONNECTIONS + 1)]
        answers = list(threads.map(sender.send, requests))
    assert sum(isinstance(answer, Accepted) for answer in answers) == CONNECTIONS
    assert answers.count(NotSent("no connection to SendGrid: PoolTimeout")) == 1
    assert len(standin.accepted) == CONNECTIONS


def test_connections_are_kept_and_used_again(
    standin: SendGridStandIn, sender: SendGridSender
) -> None:
    before = threading.active_count()
    for _ in range(5):
        sender.send(a_request())
    assert threading.active_count() == before + 1, "the stand-in has a thread a connection"


def test_neither_key_nor_people_reach_the_log(
    standin: SendGridStandIn, sender: SendGridSender, caplog: pytest.LogCaptureFixture
) -> None:
    # By name: whoever else uses the client may have made it quieter.
    for name in ("", "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger=name)
    with caplog.at_level(logging.DEBUG):
        sender.send(a_request(a_recipient(0, name="Alice Secretive")))
        standin.answer_next(script.drop_after_accepting())
        sender.send(a_request())
        sender.send(a_request(a_recipient(0, values=("\ud800", "", ""))))
    assert any(record.name.startswith("httpcore") for record in caplog.records)
    assert any(record.name == "crm.mail.sendgrid_sender" for record in caplog.records)
    logged = caplog.text + repr(caplog.records) + repr(vars(sender))
    for private in (standin.key, "alice0@example.com", "Secretive", "Dear", "replies@mpt.test"):
        assert private not in logged


@pytest.mark.parametrize("key", ["", "SG.a b", "SG.a\r\nX-Evil: 1", "SG.ключ"])
def test_a_key_no_header_can_carry_stops_the_start(key: str) -> None:
    with pytest.raises(ValueError, match="API key"):
        SendGridSender(key, "https://api.sendgrid.com")


@pytest.mark.parametrize(
    "url", ["", "api.sendgrid.com", "ftp://x.test", "https://", "https://u:p@x.test", "http://[::1"]
)
def test_a_base_url_without_a_host_stops_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        SendGridSender("SG.k", url)


AWKWARD = st.sampled_from(AWKWARD_TEXTS) | st.text(max_size=90)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=AWKWARD, first=AWKWARD, second=AWKWARD)
def test_any_text_of_a_contact_arrives_as_harmless_text(
    standin: SendGridStandIn, sender: SendGridSender, name: str, first: str, second: str
) -> None:
    standin.reset()
    people = [
        a_recipient(0, name=name, values=(first, second, "https://x.test/0")),
        a_recipient(1, name="Bob", values=("Bob", "Bob", "https://x.test/1")),
    ]
    assert {o.status for o in deliver(sender, a_request(*people))} == {"accepted"}
    alice, bob = sorted(standin.accepted, key=lambda mail: mail.send_id)
    assert not {"\r", "\n"} & set(alice.subject)
    assert alice.subject.split() == f"A word for {first}".split()
    assert alice.text == f"Dear {second},\n\nUnsubscribe: https://x.test/0\n"
    assert set(alice.headers) == {"List-Unsubscribe", "List-Unsubscribe-Post"}
    assert (bob.subject, bob.name) == ("A word for Bob", "Bob")


def test_it_does_not_wait_longer_than_its_timeout(
    standin: SendGridStandIn, impatient: SendGridSender
) -> None:
    standin.answer_next(script.slow(3.0))
    started = time.monotonic()
    assert impatient.send(a_request()) == Unconfirmed("no clear answer from SendGrid: ReadTimeout")
    assert time.monotonic() - started < 2.0
