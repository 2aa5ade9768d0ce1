"""The one rule of delivery, held against providers that misbehave in every order."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from crm.mail.delivery import deliver
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
from tests.standins.mail_requests import TAGS, a_recipient, a_request

BAD = st.sets(st.integers(0, 39), max_size=6)
INTERRUPTION = st.sampled_from(
    [None, RateLimited(5.0), NotSent("x"), Unauthorized("x"), Unconfirmed("x"), RuntimeError("x")]
)


class Provider:
    """Follows the rules of the real one and remembers who may have got the e-mail."""

    name = "provider"

    def __init__(
        self,
        named: set[int],
        unnamed: set[int],
        most: int,
        at: int,
        then: Answer | Exception | None,
    ) -> None:
        self._named = {f"send-{n}" for n in named}
        self._unnamed = {f"send-{n}" for n in unnamed}
        self._most, self._at, self._then = most, at, then
        self.requests = 0
        self.accepted: Counter[str] = Counter()
        self.perhaps: Counter[str] = Counter()

    def send(self, request: MailRequest) -> Answer:
        self.requests += 1
        ids = [recipient.send_id for recipient in request.recipients]
        assert len({r.email.lower() for r in request.recipients}) == len(ids) <= 1000
        if self._then is not None and self.requests == self._at:
            return self._interrupt(ids, self._then)
        if len(ids) > self._most:
            return TooLarge()
        if reasons := {i: "named" for i, send_id in enumerate(ids) if send_id in self._named}:
            return RecipientsRefused(reasons)
        if self._unnamed & set(ids):
            return Refused("unnamed")
        self.accepted.update(ids)
        return Accepted(f"m{self.requests}")

    def _interrupt(self, ids: list[str], then: Answer | Exception) -> Answer:
        if isinstance(then, Unconfirmed | Exception):
            self.perhaps.update(ids)
        if isinstance(then, Exception):
            raise then
        return then

    def close(self) -> None:
        """Nothing is held open."""


@settings(max_examples=200, deadline=None)
@given(
    named=BAD,
    unnamed=BAD,
    twins=BAD,
    sly=BAD,
    most=st.integers(1, 50),
    at=st.integers(1, 30),
    then=INTERRUPTION,
)
def test_whatever_happens_every_recipient_has_one_true_outcome(
    named: set[int],
    unnamed: set[int],
    twins: set[int],
    sly: set[int],
    most: int,
    at: int,
    then: Answer | Exception | None,
) -> None:
    recipients = [
        a_recipient(
            n,
            email="twin@example.com" if n in twins else None,
            values=(TAGS[1], "x", "y") if n in sly else None,
        )
        for n in range(40)
    ]
    provider = Provider(named, unnamed, most, at, then)
    outcomes = deliver(provider, a_request(*recipients))

    assert [outcome.send_id for outcome in outcomes] == [r.send_id for r in recipients]
    touched = provider.accepted + provider.perhaps
    assert all(count == 1 for count in touched.values()), "nobody is sent to twice"
    for number, outcome in enumerate(outcomes):
        assert (outcome.status == "accepted") == (outcome.send_id in provider.accepted)
        assert (outcome.status == "unconfirmed") == (outcome.send_id in provider.perhaps)
        if outcome.status == "failed":
            assert number in named | unnamed, "nobody fails for another's fault"
        if outcome.status == "retry":
            assert outcome.retry_after_seconds
    if then is None:
        assert not any(outcome.status == "retry" for outcome in outcomes)
