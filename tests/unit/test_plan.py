"""A campaign's plan: what follows what, and when."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.drip.calendar import Calendar, SendWindow
from crm.drip.plan import CampaignPlan, DueDates, Step, plan_of

OFFICE = SendWindow(frozenset({1, 2, 3, 4, 5}), time(9), time(17))
ALWAYS = SendWindow(frozenset(range(1, 8)), time(0), time(0))
YEARS = (datetime(2026, 1, 1), datetime(2027, 12, 31))  # noqa: DTZ001 - hypothesis adds the zone
TUESDAY = datetime(2026, 3, 10, 15, 0, 42, tzinfo=UTC)


def _plan(*steps: tuple[int, int, int], window: SendWindow = OFFICE) -> CampaignPlan:
    """Steps as (number, position, delay in days)."""
    return plan_of(
        "lead", window=window, respect_holidays=True, steps=[Step(*step) for step in steps]
    )


def test_the_next_step_is_the_next_position_whatever_its_number() -> None:
    plan = _plan((3, 1, 0), (1, 2, 5), (2, 3, 7))
    assert plan.next_after(3) == Step(1, 2, 5)
    assert plan.next_after(1) == Step(2, 3, 7)


def test_after_the_last_step_comes_nothing() -> None:
    assert _plan((1, 1, 0), (2, 2, 5)).next_after(2) is None


def test_positions_may_have_gaps() -> None:
    assert _plan((1, 1, 0), (2, 40, 5)).next_after(1) == Step(2, 40, 5)


STEPS = st.lists(
    st.tuples(st.integers(1, 50), st.integers(1, 99), st.integers(0, 365)),
    min_size=1,
    max_size=12,
    unique_by=(lambda step: step[0], lambda step: step[1]),
)


@given(STEPS)
def test_a_walk_through_a_plan_visits_every_later_step_once_and_positions_grow(
    steps: list[tuple[int, int, int]],
) -> None:
    plan = _plan(*steps)
    walk = [min(plan.steps, key=lambda step: step.position)]
    while (following := plan.next_after(walk[-1].number)) is not None:
        assert following.position > walk[-1].position
        walk.append(following)
        assert len(walk) <= len(steps), "a step came twice"
    assert {step.number for step in walk} == {number for number, _, _ in steps}


@given(STEPS, st.integers(1, 50))
def test_what_follows_never_stands_before_or_at_the_same_place(
    steps: list[tuple[int, int, int]], number: int
) -> None:
    plan = _plan(*steps)
    here = next((s for s in plan.steps if s.number == number), None)
    following = plan.next_after(number)
    if here is None:
        assert following is None
    elif following is not None:
        assert following.number != number
        assert following.position > here.position
        assert not [s for s in plan.steps if here.position < s.position < following.position]


def _due(plan: CampaignPlan, step: Step, *, zone: str = "America/New_York") -> datetime:
    return DueDates(Calendar()).of(plan, step, sent_at=TUESDAY, zone=zone, country="US")


def test_the_delay_counts_local_days_and_lands_inside_the_window() -> None:
    plan = _plan((1, 1, 0), (2, 2, 3), (3, 3, 4))
    # Three days on, still 11:00 in New York, the clocks having changed on 8 March already.
    assert _due(plan, plan.steps[1]) == datetime(2026, 3, 13, 15, 0, tzinfo=UTC)
    # Four days on is a Saturday: Monday at nine.
    assert _due(plan, plan.steps[2]) == datetime(2026, 3, 16, 13, 0, tzinfo=UTC)


def test_holidays_count_only_where_the_campaign_keeps_them() -> None:
    before = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)
    for respects, day in ((True, 27), (False, 26)):
        plan = plan_of("lead", window=OFFICE, respect_holidays=respects, steps=[Step(1, 1, 1)])
        due = DueDates(Calendar()).of(
            plan, plan.steps[0], sent_at=before, zone="America/New_York", country="US"
        )
        assert (due.month, due.day) == (11, day)


def test_contacts_of_one_place_share_a_date_to_the_minute() -> None:
    plan = _plan((1, 1, 3))
    dates = DueDates(Calendar())
    due = {
        dates.of(
            plan, plan.steps[0], sent_at=TUESDAY + timedelta(seconds=s), zone="UTC", country=None
        )
        for s in range(0, 17, 4)
    }
    assert due == {datetime(2026, 3, 13, 15, 0, tzinfo=UTC)}


def test_two_campaigns_with_the_same_step_number_keep_their_own_dates() -> None:
    dates = DueDates(Calendar())
    lead = plan_of("lead", window=ALWAYS, respect_holidays=False, steps=[Step(2, 2, 3)])
    client = plan_of("client", window=ALWAYS, respect_holidays=False, steps=[Step(2, 2, 30)])
    first, second = (
        dates.of(plan, plan.steps[0], sent_at=TUESDAY, zone="UTC", country=None)
        for plan in (lead, client)
    )
    assert second - first == timedelta(days=27)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Pacific/Chatham"])
@given(
    delay=st.integers(0, 365),
    sent_at=st.datetimes(*YEARS, timezones=st.just(UTC)),
)
def test_a_due_date_is_never_before_the_e_mail_it_follows(
    zone: str, delay: int, sent_at: datetime
) -> None:
    plan = _plan((1, 1, delay))
    due = DueDates(Calendar()).of(plan, plan.steps[0], sent_at=sent_at, zone=zone, country="US")
    assert due >= sent_at.replace(second=0, microsecond=0)
    # An hour is what a change of clocks may take away.
    assert due - sent_at.replace(second=0, microsecond=0) >= timedelta(days=delay, hours=-1)
