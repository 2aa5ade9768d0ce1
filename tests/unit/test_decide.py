from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.drip.calendar import Calendar, NoOpening, SendWindow, UnknownTimeZone
from crm.drip.decide import (
    Candidate,
    Caps,
    Decision,
    Postpone,
    PostponeReason,
    Send,
    Skip,
    SkipReason,
    decide,
    describe_window,
    local_text,
)

OFFICE = SendWindow(frozenset({1, 2, 3, 4, 5}), time(9), time(17))
MONDAY_NOON = datetime(2026, 11, 23, 18, tzinfo=UTC)  # 12:00 in Chicago
BOB = Candidate(
    send_id="0190a1b2", time_zone="America/Chicago", country="US", window=OFFICE, step=3
)


def decided(candidate: Candidate, now: datetime, caps: Caps | None = None) -> Decision:
    return decide(candidate, now=now, calendar=Calendar(), caps=caps or Caps())


def test_it_sends_in_an_open_window() -> None:
    assert decided(BOB, MONDAY_NOON) == Send()


def test_outside_sending_hours_it_waits_for_the_opening_and_says_when_that_is() -> None:
    saturday = datetime(2026, 11, 21, 18, tzinfo=UTC)
    assert decided(BOB, saturday) == Postpone(
        until=datetime(2026, 11, 23, 15, tzinfo=UTC),
        reason=PostponeReason.OUTSIDE_SEND_WINDOW,
        explanation="Outside sending hours (Mon–Fri 09:00–17:00, America/Chicago); next opening "
        "Mon 23 Nov 09:00 local time.",
    )


def test_on_a_holiday_it_waits_and_names_the_holiday() -> None:
    thanksgiving = datetime(2026, 11, 26, 18, tzinfo=UTC)
    assert decided(BOB, thanksgiving) == Postpone(
        until=datetime(2026, 11, 27, 15, tzinfo=UTC),
        reason=PostponeReason.HOLIDAY,
        explanation="Thu 26 Nov is a public holiday in US: Thanksgiving Day; next opening "
        "Fri 27 Nov 09:00 local time (Mon–Fri 09:00–17:00, America/Chicago).",
    )
    assert decided(replace(BOB, country=None), thanksgiving) == Send()


def test_the_evening_before_a_holiday_the_hours_are_the_reason_and_the_holiday_is_told() -> None:
    wednesday_evening = datetime(2026, 11, 26, 1, tzinfo=UTC)
    decision = decided(BOB, wednesday_evening)
    assert isinstance(decision, Postpone)
    assert decision.reason is PostponeReason.OUTSIDE_SEND_WINDOW
    assert decision.until == datetime(2026, 11, 27, 15, tzinfo=UTC)
    assert decision.explanation.endswith(
        "next opening Fri 27 Nov 09:00 local time "
        "(Thu 26 Nov is a public holiday in US: Thanksgiving Day)."
    )


def test_a_second_e_mail_on_the_contact_s_day_waits_for_the_next_day() -> None:
    served = replace(BOB, recent_sends=(MONDAY_NOON - timedelta(hours=2),))
    assert decided(served, MONDAY_NOON) == Postpone(
        until=datetime(2026, 11, 24, 15, tzinfo=UTC),
        reason=PostponeReason.CONTACT_DAILY_CAP,
        explanation="This contact already got one e-mail on Mon 23 Nov and gets at most 1 a day; "
        "next opening Tue 24 Nov 09:00 local time (America/Chicago).",
    )


def test_the_day_of_the_cap_is_the_contact_s_own() -> None:
    # 21:00 on Sunday in Chicago is 03:00 on Monday in UTC.
    sunday_evening = datetime(2026, 11, 23, 3, tzinfo=UTC)
    sent_then = replace(BOB, recent_sends=(sunday_evening,))
    assert decided(sent_then, MONDAY_NOON) == Send()
    assert isinstance(decided(replace(sent_then, time_zone="Etc/GMT+5"), MONDAY_NOON), Send)
    assert isinstance(decided(replace(sent_then, time_zone="UTC"), MONDAY_NOON), Postpone)


@pytest.mark.parametrize(
    ("cap", "sent", "sends"), [(2, 1, True), (2, 2, False), (None, 9, True), (1, 0, True)]
)
def test_the_cap_counts_the_e_mails_of_the_day(cap: int | None, sent: int, sends: bool) -> None:
    candidate = replace(BOB, recent_sends=(MONDAY_NOON - timedelta(minutes=5),) * sent)
    decision = decided(candidate, MONDAY_NOON, Caps(contact_daily=cap))
    assert isinstance(decision, Send) is sends


def test_a_cap_reached_on_friday_waits_for_monday() -> None:
    friday = MONDAY_NOON + timedelta(days=4)
    capped = replace(BOB, country=None, recent_sends=(friday,) * 2)
    decision = decided(capped, friday, Caps(contact_daily=2))
    assert isinstance(decision, Postpone)
    assert decision.until == datetime(2026, 11, 30, 15, tzinfo=UTC)
    assert "already got 2 e-mails on Fri 27 Nov and gets at most 2 a day" in decision.explanation


def test_a_cap_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Caps(contact_daily=0)


def test_a_step_expires_at_its_moment_and_not_before() -> None:
    in_time = replace(BOB, expires_at=MONDAY_NOON + timedelta(microseconds=1))
    assert decided(in_time, MONDAY_NOON) == Send()
    assert decided(replace(BOB, expires_at=MONDAY_NOON), MONDAY_NOON) == Skip(
        SkipReason.STEP_EXPIRED,
        "Step 3 was to be sent before Mon 23 Nov 12:00 (America/Chicago).",
    )


def test_a_step_that_would_wait_past_its_expiry_is_skipped_at_once_with_both_reasons() -> None:
    saturday = datetime(2026, 11, 21, 18, tzinfo=UTC)
    opening = datetime(2026, 11, 23, 15, tzinfo=UTC)
    decision = decided(replace(BOB, expires_at=opening), saturday)
    assert isinstance(decision, Skip)
    assert decision.explanation.startswith("Step 3 was to be sent before Mon 23 Nov 09:00")
    assert "Outside sending hours" in decision.explanation
    later = replace(BOB, expires_at=opening + timedelta(seconds=1))
    assert isinstance(decided(later, saturday), Postpone)


def test_a_zone_that_does_not_exist_and_a_window_that_never_opens_are_errors() -> None:
    with pytest.raises(UnknownTimeZone):
        decided(replace(BOB, time_zone="Mars/Olympus"), MONDAY_NOON)
    with pytest.raises(NoOpening):
        decided(replace(BOB, window=SendWindow(frozenset(), time(9), time(17))), MONDAY_NOON)


@pytest.mark.parametrize(
    ("days", "start", "end", "text"),
    [
        ({1, 2, 3, 4, 5}, time(9), time(17), "Mon–Fri 09:00–17:00"),
        ({1, 2, 4, 6, 7}, time(8, 30), time(0), "Mon, Tue, Thu, Sat, Sun 08:30–24:00"),
        ({1, 2, 3, 5}, time(0), time(12), "Mon–Wed, Fri 00:00–12:00"),
        ({6}, time(9), time(10), "Sat 09:00–10:00"),
        (set(), time(9), time(10), "no day 09:00–10:00"),
    ],
)
def test_a_window_is_described_as_people_write_it(
    days: set[int], start: time, end: time, text: str
) -> None:
    assert describe_window(SendWindow(frozenset(days), start, end)) == text


def test_a_local_text_is_on_the_contact_s_clock() -> None:
    assert local_text(datetime(2028, 2, 28, 22, tzinfo=UTC), "Asia/Tokyo") == "Tue 29 Feb 07:00"


instants = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2032, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@settings(max_examples=300, deadline=None)
@given(
    instants,
    st.sampled_from(["America/Chicago", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Apia", "UTC"]),
    st.sampled_from(["US", "EG", None]),
    st.lists(st.timedeltas(timedelta(0), timedelta(hours=48)), max_size=3),
)
def test_a_postponed_send_waits_for_a_later_moment_at_which_it_is_sent(
    now: datetime, zone: str, country: str | None, ages: list[timedelta]
) -> None:
    recent = tuple(now - age for age in ages)
    candidate = replace(BOB, time_zone=zone, country=country, recent_sends=recent)
    decision = decided(candidate, now)
    if isinstance(decision, Postpone):
        assert decision.until > now
        assert decision.explanation.endswith(".")
        later = replace(candidate, recent_sends=())
        assert decided(later, decision.until) == Send()
    else:
        assert Calendar().is_open(OFFICE, now, zone, country)
