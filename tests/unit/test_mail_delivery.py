"""One outcome a recipient, whatever the provider answers."""

import logging
from collections import Counter
from collections.abc import Callable

import pytest

from crm.mail.delivery import MAX_REFUSALS, RETRY_SECONDS, Outcome, deliver
from crm.mail.message import (
    Accepted,
    Answer,
    MailRequest,
    NotSent,
    RateLimited,
    RecipientsRefused,
    Refused,
    TooLarge,
    Unauthorized,
    Unconfirmed,
)
from tests.standins.mail_requests import TAGS, a_recipient, a_request, a_request_to


class ScriptedSender:
    """Answers by a function of the request; remembers what it was asked."""

    name = "scripted"

    def __init__(self, answer: Callable[[MailRequest], Answer]) -> None:
        self._answer = answer
        self.asked: list[MailRequest] = []

    def send(self, request: MailRequest) -> Answer:
        self.asked.append(request)
        return self._answer(request)

    def close(self) -> None:
        """Nothing is held open."""


def scripted(*answers: Answer) -> ScriptedSender:
    """The answers in turn, then accepted."""
    left = list(answers)
    return ScriptedSender(lambda _request: left.pop(0) if left else Accepted("later"))


def send_ids(request: MailRequest) -> list[str]:
    return [recipient.send_id for recipient in request.recipients]


def refusing(*bad: int) -> ScriptedSender:
    """Refuses any request with one of these recipients, without naming them."""
    named = {f"send-{number}" for number in bad}
    return ScriptedSender(
        lambda r: Refused("bad content") if named & set(send_ids(r)) else Accepted("m")
    )


def statuses(outcomes: list[Outcome]) -> Counter[str]:
    return Counter(outcome.status for outcome in outcomes)


def test_an_accepted_request_is_one_request_with_its_message_id() -> None:
    sender = scripted(Accepted("m1"))
    outcomes = deliver(sender, a_request_to(3))
    assert outcomes == [
        Outcome(send_id=f"send-{number}", status="accepted", message_id="m1") for number in range(3)
    ]
    assert len(sender.asked) == 1


def test_a_named_recipient_fails_and_the_rest_is_sent_at_once() -> None:
    sender = scripted(RecipientsRefused({1: "Does not contain a valid address."}), Accepted("m2"))
    outcomes = deliver(sender, a_request_to(3))
    assert [outcome.status for outcome in outcomes] == ["accepted", "failed", "accepted"]
    assert outcomes[1].reason == "Does not contain a valid address."
    assert send_ids(sender.asked[1]) == ["send-0", "send-2"]


def test_an_index_outside_the_request_blames_nobody_by_itself() -> None:
    sender = scripted(RecipientsRefused({7: "bad"}))
    assert statuses(deliver(sender, a_request_to(2))) == {"accepted": 2}
    assert [len(request.recipients) for request in sender.asked] == [2, 1, 1]


def test_one_bad_recipient_in_a_thousand_is_found_by_halving() -> None:
    sender = refusing(617)
    outcomes = deliver(sender, a_request_to(1000))
    assert statuses(outcomes) == {"accepted": 999, "failed": 1}
    assert outcomes[617] == Outcome(send_id="send-617", status="failed", reason="bad content")
    assert len(sender.asked) <= 21


def test_a_request_that_is_wrong_as_a_whole_does_not_become_two_thousand() -> None:
    sender = scripted(*[Refused("bad sender")] * 3_000)
    outcomes = deliver(sender, a_request_to(1000))
    assert len(sender.asked) <= 2 * MAX_REFUSALS + 10
    assert set(statuses(outcomes)) == {"failed", "retry"}
    assert {outcome.reason for outcome in outcomes} == {"bad sender"}


def test_a_provider_that_names_one_bad_recipient_at_a_time_is_not_asked_for_ever() -> None:
    sender = scripted(*[RecipientsRefused({0: "bad"})] * 3_000)
    outcomes = deliver(sender, a_request_to(1000))
    assert len(sender.asked) == MAX_REFUSALS + 1
    assert statuses(outcomes) == {"failed": MAX_REFUSALS + 1, "retry": 999 - MAX_REFUSALS}


def test_a_request_that_is_too_large_goes_in_parts() -> None:
    sender = ScriptedSender(lambda r: TooLarge() if len(r.recipients) > 5 else Accepted("m"))
    assert statuses(deliver(sender, a_request_to(1000))) == {"accepted": 1000}


def test_an_e_mail_that_is_too_large_by_itself_fails() -> None:
    (outcome,) = deliver(scripted(TooLarge()), a_request_to(1))
    assert outcome.status == "failed"
    assert outcome.reason == "the e-mail is too large for the provider"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (RateLimited(42.0), Outcome(send_id="", status="retry", retry_after_seconds=42.0)),
        (NotSent("x"), Outcome(send_id="", status="retry", retry_after_seconds=RETRY_SECONDS)),
        (
            Unauthorized("x"),
            Outcome(send_id="", status="retry", retry_after_seconds=RETRY_SECONDS, halt=True),
        ),
        (Unconfirmed("x"), Outcome(send_id="", status="unconfirmed")),
    ],
)
def test_an_answer_about_the_connection_or_account_settles_the_request(
    answer: Answer, expected: Outcome
) -> None:
    sender = scripted(answer)
    for outcome in deliver(sender, a_request_to(3)):
        assert outcome.status == expected.status
        assert outcome.retry_after_seconds == expected.retry_after_seconds
        assert outcome.halt is expected.halt
        assert outcome.reason
    assert len(sender.asked) == 1


@pytest.mark.parametrize(
    "answer", [RateLimited(9.0), NotSent("x"), Unauthorized("x"), Unconfirmed("x")]
)
def test_after_such_an_answer_nothing_more_leaves(answer: Answer) -> None:
    sender = scripted(Refused("bad"), answer)
    outcomes = deliver(sender, a_request_to(4))
    assert len(sender.asked) == 2
    first = "unconfirmed" if isinstance(answer, Unconfirmed) else "retry"
    assert [outcome.status for outcome in outcomes] == [first, first, "retry", "retry"]
    assert all(outcome.halt is isinstance(answer, Unauthorized) for outcome in outcomes[2:])


def test_values_that_look_like_a_tag_travel_alone_and_finished() -> None:
    sly = a_recipient(1, values=("Bob", f"{TAGS[2].upper()}", "https://x.test/u"))
    large = a_recipient(2, values=("Bob", "x" * 10_001, "https://x.test/u"))
    sender = scripted()
    outcomes = deliver(sender, a_request(a_recipient(0), sly, large, a_recipient(3)))
    assert statuses(outcomes) == {"accepted": 4}
    assert [send_ids(request) for request in sender.asked] == [
        ["send-0", "send-3"],
        ["send-1"],
        ["send-2"],
    ]
    alone = sender.asked[1]
    assert alone.skeleton.tags == alone.recipients[0].values == ()
    assert f"Dear {TAGS[2].upper()}," in alone.skeleton.html


def test_an_address_goes_once_into_a_request() -> None:
    twins = [
        a_recipient(n, email=email) for n, email in enumerate(["b@x.test", "B@x.test", "c@x.test"])
    ]
    sender = scripted()
    assert statuses(deliver(sender, a_request(*twins))) == {"accepted": 3}
    assert [send_ids(request) for request in sender.asked] == [["send-0", "send-2"], ["send-1"]]


def test_more_than_a_thousand_recipients_take_several_requests() -> None:
    sender = scripted()
    assert statuses(deliver(sender, a_request_to(2001))) == {"accepted": 2001}
    assert [len(request.recipients) for request in sender.asked] == [1000, 1000, 1]


def test_a_recipient_with_too_few_values_fails_alone() -> None:
    sender = scripted()
    outcomes = deliver(sender, a_request(a_recipient(0), a_recipient(1, values=("x",))))
    assert [outcome.status for outcome in outcomes] == ["accepted", "failed"]
    assert send_ids(sender.asked[0]) == ["send-0"]


def test_an_unexpected_exception_leaves_the_request_unconfirmed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(request: MailRequest) -> Answer:
        raise RuntimeError(f"while sending to {request.recipients[0].email}")

    with caplog.at_level(logging.DEBUG):
        outcomes = deliver(ScriptedSender(broken), a_request_to(2))
    assert statuses(outcomes) == {"unconfirmed": 2}
    assert "RuntimeError" in caplog.text
    assert "@" not in caplog.text
