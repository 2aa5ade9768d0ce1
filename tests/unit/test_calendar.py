from datetime import UTC, date, datetime, time, timedelta

import pytest
from holidays.registry import COUNTRIES

from crm.drip.calendar import (
    Calendar,
    NoOpening,
    SendWindow,
    UnknownTimeZone,
    holiday_name,
    next_local_day,
    time_zone,
)

WORKDAYS = frozenset({1, 2, 3, 4, 5})
EVERY_DAY = frozenset(range(1, 8))
OFFICE = SendWindow(WORKDAYS, time(9), time(17))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def daily(start: time, end: time) -> SendWindow:
    return SendWindow(EVERY_DAY, start, end)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (utc(2026, 11, 23, 14, 59, 59), False),
        (utc(2026, 11, 23, 15, 0), True),
        (utc(2026, 11, 23, 22, 59, 59), True),
        (utc(2026, 11, 23, 23, 0), False),
        (utc(2026, 11, 21, 18, 0), False),
    ],
)
def test_it_opens_at_the_start_and_closes_before_the_end(at: datetime, is_open: bool) -> None:
    assert Calendar().is_open(OFFICE, at, "America/Chicago", None) is is_open


def test_an_open_window_lets_a_send_leave_at_once() -> None:
    now = utc(2026, 11, 23, 16, 12, 7)
    assert Calendar().next_opening(OFFICE, now, "America/Chicago", "US") == now


def test_after_friday_evening_comes_monday_morning() -> None:
    friday = utc(2026, 11, 20, 23, 0)
    monday = utc(2026, 11, 23, 15, 0)
    assert Calendar().next_opening(OFFICE, friday, "America/Chicago", None) == monday


def test_the_answer_is_in_utc_whatever_zone_the_question_came_in() -> None:
    at = datetime(2026, 11, 21, 12, tzinfo=time_zone("Asia/Tokyo"))
    opening = Calendar().next_opening(OFFICE, at, "Europe/Berlin", None)
    assert (opening, opening.tzinfo) == (utc(2026, 11, 23, 8), UTC)


def test_the_open_interval_is_the_local_day_in_utc() -> None:
    calendar = Calendar()
    interval = calendar.open_interval(OFFICE, utc(2026, 11, 23, 9), "Europe/Berlin", None)
    assert interval == (utc(2026, 11, 23, 8), utc(2026, 11, 23, 16))
    assert calendar.open_interval(OFFICE, utc(2026, 11, 23, 16), "Europe/Berlin", None) is None


def test_midnight_as_the_end_means_the_end_of_the_day() -> None:
    calendar, evening = Calendar(), SendWindow(frozenset({1}), time(18), time(0))
    assert calendar.is_open(evening, utc(2026, 11, 23, 23, 59, 59), "UTC", None)
    assert not calendar.is_open(evening, utc(2026, 11, 24), "UTC", None)


def test_a_whole_day_window_never_closes() -> None:
    at = utc(2026, 11, 22, 0, 0)
    assert Calendar().next_opening(daily(time(0), time(0)), at, "Europe/Berlin", None) == at


def test_a_public_holiday_is_skipped_in_its_own_country_only() -> None:
    thanksgiving = utc(2026, 11, 26, 16)
    calendar = Calendar()
    for country, opening in (
        ("US", utc(2026, 11, 27, 15)),
        ("us", utc(2026, 11, 27, 15)),
        ("DE", thanksgiving),
        (None, thanksgiving),
        ("", thanksgiving),
        ("XX", thanksgiving),
        ("NYSE", thanksgiving),
    ):
        assert calendar.next_opening(OFFICE, thanksgiving, "America/Chicago", country) == opening


def test_a_holiday_counts_on_the_contact_s_own_date() -> None:
    # Still 31 December in Honolulu, already 1 January in Tokyo.
    at, window = utc(2026, 12, 31, 20), daily(time(0), time(0))
    assert Calendar().is_open(window, at, "Pacific/Honolulu", "US")
    assert not Calendar().is_open(window, at, "Asia/Tokyo", "US")


def test_holidays_are_known_for_every_country_and_named_in_english_where_possible() -> None:
    assert holiday_name(date(2026, 10, 3), "DE") == "German Unity Day"
    assert holiday_name(date(2026, 10, 2), "DE") is None
    codes = {entry[1] for entry in COUNTRIES.values()}
    new_year = [code for code in codes if holiday_name(date(2026, 1, 1), code)]
    assert len(codes) > 200
    assert len(new_year) > len(codes) * 0.8


def test_clocks_going_forward_open_a_window_inside_the_gap_when_they_jump() -> None:
    # In New York 02:00 to 03:00 does not exist on 8 March 2026.
    window, midnight = daily(time(2, 30), time(6)), utc(2026, 3, 8, 5)
    jump = utc(2026, 3, 8, 7)
    calendar = Calendar()
    assert calendar.next_opening(window, midnight, "America/New_York", None) == jump
    assert calendar.open_interval(window, jump, "America/New_York", None) == (
        jump,
        utc(2026, 3, 8, 10),
    )


def test_a_window_that_the_gap_swallows_opens_the_day_after() -> None:
    window, midnight = daily(time(2, 10), time(2, 50)), utc(2026, 3, 8, 5)
    opening = Calendar().next_opening(window, midnight, "America/New_York", None)
    assert opening == utc(2026, 3, 9, 6, 10)


@pytest.mark.parametrize(
    ("start", "end", "interval"),
    [
        # On 1 November 2026 New York has 01:00 to 02:00 twice: from 05:00 and from 06:00 UTC.
        (time(1, 30), time(9), (utc(2026, 11, 1, 6, 30), utc(2026, 11, 1, 14))),
        (time(0), time(1, 30), (utc(2026, 11, 1, 4), utc(2026, 11, 1, 5, 30))),
        (time(1, 10), time(1, 50), (utc(2026, 11, 1, 5, 10), utc(2026, 11, 1, 5, 50))),
        (time(0), time(9), (utc(2026, 11, 1, 4), utc(2026, 11, 1, 14))),
    ],
)
def test_a_repeated_hour_opens_the_day_once(
    start: time, end: time, interval: tuple[datetime, datetime]
) -> None:
    calendar, window = Calendar(), daily(start, end)
    found = calendar.open_interval(window, interval[0], "America/New_York", None)
    assert found == interval
    before = interval[0] - timedelta(microseconds=1)
    assert calendar.next_opening(window, before, "America/New_York", None) == interval[0]
    assert not calendar.is_open(window, interval[1], "America/New_York", None)


def test_a_day_that_a_country_left_out_has_no_opening() -> None:
    # Samoa went from Thursday 29 to Saturday 31 December 2011.
    friday = SendWindow(frozenset({5}), time(9), time(17))
    opening = Calendar().next_opening(friday, utc(2011, 12, 28, 12), "Pacific/Apia", None)
    assert opening.astimezone(time_zone("Pacific/Apia")).date() == date(2012, 1, 6)


def test_half_hour_clock_changes_are_met_too() -> None:
    # Lord Howe Island goes from 02:00 to 02:30 on 4 October 2026.
    opening = Calendar().next_opening(
        daily(time(2, 15), time(5)), utc(2026, 10, 3, 14), "Australia/Lord_Howe", None
    )
    assert opening == utc(2026, 10, 3, 15, 30)


def test_a_step_is_due_at_the_same_local_time_across_a_clock_change() -> None:
    sent = utc(2026, 10, 20, 8, 30)  # 10:30 in Berlin, summer time
    due = Calendar().due_at(sent, 7, OFFICE, "Europe/Berlin", None)
    assert due == utc(2026, 10, 27, 9, 30)  # 10:30 in Berlin, winter time


def test_a_step_due_on_a_weekend_waits_for_monday_morning() -> None:
    due = Calendar().due_at(utc(2026, 11, 18, 12), 3, OFFICE, "UTC", None)
    assert due == utc(2026, 11, 23, 9)


def test_29_february_is_a_day_like_any_other() -> None:
    calendar, window = Calendar(), daily(time(9), time(17))
    assert calendar.due_at(utc(2028, 2, 28, 10), 1, window, "UTC", None) == utc(2028, 2, 29, 10)
    assert calendar.due_at(utc(2027, 2, 28, 10), 1, window, "UTC", None) == utc(2027, 3, 1, 10)
    assert calendar.due_at(utc(2028, 2, 29, 10), 365, window, "UTC", None) == utc(2029, 2, 28, 10)


def test_no_delay_in_a_repeated_hour_is_not_the_hour_before() -> None:
    second_pass = utc(2026, 11, 1, 6, 30)
    window = daily(time(0), time(0))
    assert Calendar().due_at(second_pass, 0, window, "America/New_York", None) == second_pass


def test_a_due_time_in_the_gap_falls_on_the_jump_to_the_microsecond() -> None:
    due = Calendar().due_at(
        utc(2026, 3, 7, 7, 30, 0, 500_000), 1, daily(time(0), time(0)), "America/New_York", None
    )
    assert due == utc(2026, 3, 8, 7)


def test_a_negative_delay_is_refused() -> None:
    with pytest.raises(ValueError, match="zero days or more"):
        Calendar().due_at(utc(2026, 1, 5), -1, OFFICE, "UTC", None)


def test_the_next_local_day_begins_at_midnight_or_at_the_jump() -> None:
    assert next_local_day(utc(2026, 11, 21, 23, 30), "Europe/Berlin") == utc(2026, 11, 22, 23)
    # Cairo's clocks jump from 24:00 to 01:00 at the end of 23 April 2026.
    assert next_local_day(utc(2026, 4, 23, 12), "Africa/Cairo") == utc(2026, 4, 23, 22)


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "America", "../etc/passwd", "/etc/localtime", "x" * 5000, "a\0b"]
)
def test_an_unknown_zone_is_named(zone: str) -> None:
    with pytest.raises(UnknownTimeZone) as caught:
        Calendar().is_open(OFFICE, utc(2026, 1, 5), zone, None)
    assert caught.value.zone == zone


def test_naive_datetimes_are_refused() -> None:
    naive = datetime(2026, 1, 5)  # noqa: DTZ001 - the very thing that is refused
    with pytest.raises(ValueError, match="naive"):
        Calendar().next_opening(OFFICE, naive, "UTC", None)
    with pytest.raises(ValueError, match="naive"):
        Calendar().due_at(naive, 1, OFFICE, "UTC", None)
    with pytest.raises(ValueError, match="naive"):
        next_local_day(naive, "UTC")


@pytest.mark.parametrize(
    ("days", "start", "end", "problem"),
    [
        ({0, 1}, time(9), time(17), "ISO weekdays"),
        ({8}, time(9), time(17), "ISO weekdays"),
        ({1}, time(17), time(9), "not after its start"),
        ({1}, time(9), time(9), "not after its start"),
        ({1}, time(9, tzinfo=UTC), time(17), "without a zone"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(
    days: set[int], start: time, end: time, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        SendWindow(frozenset(days), start, end)


def test_a_window_without_days_is_closed_and_never_opens() -> None:
    never = SendWindow(frozenset(), time(9), time(17))
    assert not Calendar().is_open(never, utc(2026, 1, 5, 12), "UTC", None)
    with pytest.raises(NoOpening):
        Calendar().next_opening(never, utc(2026, 1, 5, 12), "UTC", None)


def test_one_calendar_keeps_windows_zones_and_countries_apart() -> None:
    calendar, at = Calendar(), utc(2026, 11, 26, 16)
    questions = [
        (OFFICE, "America/Chicago", "US"),
        (OFFICE, "America/Chicago", None),
        (OFFICE, "Asia/Tokyo", None),
        (daily(time(0), time(0)), "Asia/Tokyo", None),
    ]
    fresh = [Calendar().next_opening(window, at, zone, land) for window, zone, land in questions]
    shared = [calendar.next_opening(window, at, zone, land) for window, zone, land in questions * 2]
    assert shared == fresh * 2
    assert len(set(fresh)) == 3
