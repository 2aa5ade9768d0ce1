"""The judge of the fault runs: each kind of wrong is found, and a clean run is called clean."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from tests.faults.checker import KINDS, Facts, Key, Rules, Stored, Taken, Verdict, check, is_open
from tests.faults.load import Arrival, Plan

# A Tuesday, 11:00 in New York.
NOON = datetime(2028, 3, 7, 16, 0, tzinfo=UTC)
DAY = timedelta(days=1)
OFFICE = Plan("lead", (0, 2), frozenset({1, 2, 3, 4, 5}), time(9), time(17), holidays=True)
RULES = Rules(plans={"lead": OFFICE})
GRACE: Arrival = Arrival("grace@customer.example", "lead", "America/New_York", "US", NOON)
FIRST: Key = ("grace@customer.example", "lead", 1)
SECOND: Key = ("grace@customer.example", "lead", 2)


def _clean() -> Facts:
    """Both e-mails went out as they should, and the database knows."""
    return Facts(
        arrivals=(GRACE,),
        taken=(Taken(FIRST, "s1", NOON), Taken(SECOND, "s2", NOON + 2 * DAY)),
        stored=(Stored("s1", FIRST, "delivered", False), Stored("s2", SECOND, "accepted", False)),
    )


def _wrong(verdict: Verdict) -> dict[str, tuple[Key, ...]]:
    return {kind: keys for kind, keys in verdict.wrong.items() if keys}


def test_a_run_in_which_everything_went_well_is_clean() -> None:
    verdict = check(_clean(), RULES)
    assert verdict.is_clean
    assert _wrong(verdict) == {}
    assert (verdict.accepted, verdict.sends, verdict.held) == (2, 2, 0)


def _second_taken_at(at: datetime) -> Facts:
    facts = _clean()
    return replace(facts, taken=(facts.taken[0], replace(facts.taken[1], at=at)))


def _without_the_second(status: str, *, held: bool = False) -> Facts:
    facts = _clean()
    return replace(
        facts, taken=facts.taken[:1], stored=(facts.stored[0], Stored("s2", SECOND, status, held))
    )


CASES: dict[str, tuple[str, Callable[[], Facts]]] = {
    "never sent": ("lost", lambda: _without_the_second("retry")),
    "held although it may not be": ("lost", lambda: _without_the_second("unconfirmed", held=True)),
    "believed to be sent": ("phantom", lambda: _without_the_second("accepted")),
    "sent again under another id": (
        "duplicated",
        lambda: replace(
            _clean(),
            taken=(*_clean().taken, Taken(SECOND, "s3", NOON + 2 * DAY)),
            stored=(*_clean().stored, Stored("s3", SECOND, "accepted", False)),
        ),
    ),
    "sent again under the same id": (
        "duplicated",
        lambda: replace(_clean(), taken=(*_clean().taken, Taken(SECOND, "s2", NOON + 2 * DAY))),
    ),
    "sent and still held": (
        "unknown",
        lambda: replace(
            _clean(),
            stored=(_clean().stored[0], Stored("s2", SECOND, "unconfirmed", True)),
        ),
    ),
    "sent with an id nobody has": (
        "unknown",
        lambda: replace(_clean(), stored=_clean().stored[:1]),
    ),
    "sent after a stop": (
        "after stop",
        lambda: replace(_clean(), stopped={GRACE.email: NOON + DAY}),
    ),
    "sent to nobody of the load": ("stranger", lambda: replace(_clean(), arrivals=())),
    "sent at night": ("outside window", lambda: _second_taken_at(NOON + 2 * DAY + DAY / 2)),
    "sent on a Saturday": ("outside window", lambda: _second_taken_at(NOON + 4 * DAY)),
    "sent a day too soon": ("early", lambda: _second_taken_at(NOON + DAY)),
    "sent before the one it follows": ("early", lambda: _second_taken_at(NOON - DAY)),
    "twice on one day": ("over cap", lambda: _second_taken_at(NOON + timedelta(hours=1))),
}


@pytest.mark.parametrize("case", CASES)
def test_it_finds_what_went_wrong(case: str) -> None:
    kind, facts = CASES[case]
    assert kind in _wrong(check(facts(), RULES))


def test_every_kind_of_wrong_has_a_case() -> None:
    assert {kind for kind, _ in CASES.values()} | {"too late"} == set(KINDS)


def test_an_expired_e_mail_that_went_out_is_too_late() -> None:
    expiring = Rules(plans={"lead": replace(OFFICE, expires_after=1)})
    assert _wrong(check(_clean(), expiring)) == {}
    late = _second_taken_at(NOON + 3 * DAY + timedelta(hours=3))
    assert _wrong(check(late, expiring)) == {"too late": (SECOND,)}


def test_an_expired_e_mail_that_was_left_out_is_not_lost() -> None:
    facts = replace(_without_the_second("failed"), expired={SECOND: NOON + 4 * DAY})
    assert check(facts, RULES).is_clean


def test_what_may_wait_is_counted_and_not_lost_nor_is_what_stands_behind_it() -> None:
    facts = replace(_clean(), taken=(), stored=(Stored("s1", FIRST, "unconfirmed", True),))
    verdict = check(facts, replace(RULES, may_hold=True))
    assert verdict.is_clean
    assert verdict.held == 1


def test_what_a_stopped_contact_did_not_get_is_not_lost() -> None:
    facts = replace(_without_the_second("claimed"), stopped={GRACE.email: NOON + DAY})
    assert check(facts, RULES).is_clean


def test_a_wrong_clock_excuses_the_hour_but_nothing_else() -> None:
    lenient = replace(RULES, on_time=False)
    assert check(_second_taken_at(NOON + DAY), lenient).is_clean
    assert _wrong(check(_without_the_second("retry"), lenient)) == {"lost": (SECOND,)}


@pytest.mark.parametrize(
    ("local", "is_it"),
    [
        (datetime(2028, 3, 7, 9, 0, tzinfo=UTC), True),
        (datetime(2028, 3, 7, 8, 59, 59, tzinfo=UTC), False),
        (datetime(2028, 3, 7, 17, 0, tzinfo=UTC), False),
        (datetime(2028, 7, 4, 12, 0, tzinfo=UTC), False),
        (datetime(2028, 3, 5, 12, 0, tzinfo=UTC), False),
    ],
    ids=["opening", "before", "closing", "holiday", "Sunday"],
)
def test_a_window_is_open_from_its_first_moment_to_just_before_its_last(
    local: datetime, is_it: bool
) -> None:
    assert is_open(OFFICE, local, "US") is is_it
