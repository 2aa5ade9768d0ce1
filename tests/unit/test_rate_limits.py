"""Rate limits: how many within any minute, who counts as one caller, and no memory to fill."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from crm.web.rate_limits import RateLimit, client_address


class SetClock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def test_it_lets_so_many_pass_and_says_how_long_to_wait(clock: SetClock) -> None:
    limit = RateLimit(2, 60, clock=clock)
    assert limit.count("alice") is None
    clock.seconds += 20
    assert limit.count("alice") is None
    assert limit.count("alice") == 40
    clock.seconds += 39.5
    assert limit.count("alice") == 1
    clock.seconds += 0.5
    assert limit.count("alice") is None
    assert limit.count("alice") == 20


def test_a_refused_request_does_not_prolong_the_wait(clock: SetClock) -> None:
    limit = RateLimit(1, 60, clock=clock)
    limit.count("alice")
    for waited in range(60):
        assert limit.count("alice") == 60 - waited
        clock.seconds += 1
    assert limit.count("alice") is None


def test_each_key_has_its_own_limit(clock: SetClock) -> None:
    limit = RateLimit(1, 60, clock=clock)
    assert limit.count("alice") is None
    assert limit.count("bob") is None
    assert limit.count("alice") == 60


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5))
def test_no_window_ever_holds_more_than_the_limit(pauses: list[float], times: int) -> None:
    clock = SetClock()
    limit = RateLimit(times, 60, clock=clock)
    passed: list[float] = []
    for pause in pauses:
        clock.seconds += pause
        recent = [moment for moment in passed if clock.seconds - moment < 60]
        wait = limit.count("alice")
        assert (wait is None) == (len(recent) < times)
        if wait is None:
            passed.append(clock.seconds)


def test_however_many_keys_there_are_its_memory_is_bounded(clock: SetClock) -> None:
    limit = RateLimit(1, 60, keys_at_most=100, clock=clock)
    limit.count("alice")
    for number in range(10_000):
        limit.count(f"stranger {number}")
        # Whoever keeps coming is not forgotten for the strangers in between.
        assert limit.count("alice") == 60
    assert len(limit) == 100


def test_a_key_as_long_as_an_attacker_likes_is_kept_short(clock: SetClock) -> None:
    limit = RateLimit(1, 60, clock=clock)
    assert limit.count("x" * 10**6) is None
    assert limit.count("x" * 10**6 + "y") == 60


def test_forgetting_starts_afresh(clock: SetClock) -> None:
    limit = RateLimit(1, 60, clock=clock)
    limit.count("alice")
    limit.forget()
    assert limit.count("alice") is None


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_one_person_counts_as_one_address(host: str, address: str) -> None:
    assert client_address(Request({"type": "http", "client": (host, 1234)})) == address


def test_a_caller_without_an_address_counts_too() -> None:
    assert client_address(Request({"type": "http", "client": None})) == ""
