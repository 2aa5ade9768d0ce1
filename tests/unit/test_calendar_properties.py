"""Properties of the calendar over every zone there is, held against plain wall-clock arithmetic."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given, settings
from hypothesis import strategies as st

from crm.drip.calendar import Calendar, SendWindow, next_local_day

ZONES = sorted(available_timezones())
MIDNIGHT = time(0)

zones = st.sampled_from(ZONES)
instants = st.datetimes(
    min_value=datetime(1995, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
minutes = st.integers(min_value=0, max_value=24 * 60)


@st.composite
def windows(draw: st.DrawFn) -> SendWindow:
    start, end = sorted(draw(st.lists(minutes, min_size=2, max_size=2, unique=True)))
    days = draw(st.frozensets(st.integers(1, 7), min_size=1))
    return SendWindow(days, _clock(start), _clock(end))


def _clock(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


def shows_window(window: SendWindow, at: datetime, zone: str) -> bool:
    """Whether a clock on the wall there shows a time inside the window: the rule itself."""
    wall = at.astimezone(ZoneInfo(zone))
    in_hours = window.start <= wall.time() and (window.end == MIDNIGHT or wall.time() < window.end)
    return wall.isoweekday() in window.days and in_hours


def clocks_change_near(at: datetime, zone: str) -> bool:
    place = ZoneInfo(zone)
    around = [(at + timedelta(hours=hours)).astimezone(place) for hours in range(-27, 28, 3)]
    return len({wall.utcoffset() for wall in around}) > 1


@settings(max_examples=400, deadline=None)
@given(windows(), instants, zones)
def test_the_next_opening_is_inside_the_window_never_earlier_and_final(
    window: SendWindow, at: datetime, zone: str
) -> None:
    calendar = Calendar()
    opening = calendar.next_opening(window, at, zone, None)
    assert shows_window(window, opening, zone)
    assert at <= opening <= at + timedelta(days=14)
    assert calendar.next_opening(window, opening, zone, None) == opening
    assert calendar.is_open(window, opening, zone, None)
    assert calendar.is_open(window, at, zone, None) is (opening == at)


@settings(max_examples=400, deadline=None)
@given(windows(), instants, zones, st.floats(min_value=0, max_value=1, exclude_max=True))
def test_no_moment_before_the_opening_shows_the_window_but_in_a_repeated_hour(
    window: SendWindow, at: datetime, zone: str, part: float
) -> None:
    opening = Calendar().next_opening(window, at, zone, None)
    between = at + (opening - at) * part
    if between < opening and not clocks_change_near(between, zone):
        assert not shows_window(window, between, zone)


@settings(max_examples=200, deadline=None)
@given(windows(), instants, zones, st.integers(0, 60))
def test_a_step_is_never_due_before_its_delay_is_over(
    window: SendWindow, previous: datetime, zone: str, days: int
) -> None:
    due = Calendar().due_at(previous, days, window, zone, None)
    place = ZoneInfo(zone)
    elapsed = due.astimezone(place).date() - previous.astimezone(place).date()
    assert elapsed >= timedelta(days=days)
    assert due >= previous
    assert shows_window(window, due, zone)


@settings(max_examples=200, deadline=None)
@given(instants, zones)
def test_the_next_local_day_is_the_first_moment_of_a_later_date(at: datetime, zone: str) -> None:
    begins, place = next_local_day(at, zone), ZoneInfo(zone)
    assert begins.astimezone(place).date() > at.astimezone(place).date()
    if not clocks_change_near(begins, zone):
        assert begins.astimezone(place).time() == MIDNIGHT


@settings(max_examples=100, deadline=None)
@given(windows(), instants, zones, st.sampled_from(["US", "DE", "JP", "CN", "TH", "XX"]))
def test_holidays_only_ever_put_an_opening_off(
    window: SendWindow, at: datetime, zone: str, country: str
) -> None:
    calendar = Calendar()
    kept = calendar.next_opening(window, at, zone, country)
    assert kept >= calendar.next_opening(window, at, zone, None)
    assert shows_window(window, kept, zone)


def clock_changes(zone: str, year: int) -> Iterator[datetime]:
    """Hours of that year within which the zone's offset changes."""
    place, hour = ZoneInfo(zone), timedelta(hours=1)
    day = datetime(year, 1, 1, tzinfo=UTC)
    while day.year == year:
        following = day + timedelta(days=1)
        if day.astimezone(place).utcoffset() != following.astimezone(place).utcoffset():
            yield next(
                moment
                for moment in (day + hour * step for step in range(24))
                if moment.astimezone(place).utcoffset()
                != (moment + hour).astimezone(place).utcoffset()
            )
        day = following


def test_every_zone_opens_each_local_day_once_and_inside_the_window_around_its_clock_changes() -> (
    None
):
    hours = [
        (time(0), time(0)),
        (time(9), time(17)),
        (time(1, 30), time(2, 30)),
        (time(23), time(0)),
    ]
    hours += [(time(2), time(3)), (time(0), time(1, 15)), (time(1, 15), time(1, 45))]
    windows_tried = [SendWindow(frozenset(range(1, 8)), start, end) for start, end in hours]
    changes = [(zone, at) for zone in ZONES for at in clock_changes(zone, 2026)]
    assert len(changes) > 200
    for zone, change in changes:
        for window in windows_tried:
            _assert_days_open_once(window, zone, change - timedelta(days=2))


def _assert_days_open_once(window: SendWindow, zone: str, at: datetime) -> None:
    calendar, place, instant = Calendar(), ZoneInfo(zone), timedelta(microseconds=1)
    opened = []
    for _ in range(4):
        opening = calendar.next_opening(window, at, zone, None)
        interval = calendar.open_interval(window, opening, zone, None)
        assert interval is not None
        start, end = interval
        steps = [start + (end - start) * part / 8 for part in range(8)] + [end - instant]
        assert all(shows_window(window, step, zone) for step in steps), (zone, window, interval)
        opened.append(opening.astimezone(place).date())
        at = end
    assert opened == sorted(set(opened)), (zone, window)
