"""When a contact may be written to: send windows in local time, holidays, DST changes.

Everything here is pure. Instants are aware datetimes and come back in UTC; windows are wall-clock
times in the contact's zone. One `Calendar` serves one tick and remembers each local day's opening.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holidays import country_holidays

Interval = tuple[datetime, datetime]

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
# Long enough for a window of one weekday that meets several holidays in a row; short enough to end.
_SEARCH_DAYS = 366
_NO_HOLIDAYS: Mapping[date, str] = MappingProxyType({})


class UnknownTimeZone(ValueError):  # noqa: N818 - says what is wrong, as the page does
    """The zone is not in the IANA database; `zone` holds what was asked for."""

    def __init__(self, zone: str) -> None:
        super().__init__(f"Unknown time zone: {zone!r}")
        self.zone = zone


class NoOpening(ValueError):  # noqa: N818 - says what is wrong, as the page does
    """The window does not open within a year: it has no days, or lies in hours that never occur."""


@dataclass(frozen=True, slots=True)
class SendWindow:
    """Wall-clock hours on ISO weekdays (1 is Monday). `end` is exclusive; 00:00 means midnight.

    Raises ValueError for a day outside 1..7, a time with a zone, or a window that ends before it
    starts: overnight windows are refused, because their second half would belong to another day.
    """

    days: frozenset[int]
    start: time
    end: time

    def __post_init__(self) -> None:
        if not self.days <= frozenset(range(1, 8)):
            raise ValueError(f"Send days are ISO weekdays 1 to 7, not {sorted(self.days)}")
        if self.start.tzinfo is not None or self.end.tzinfo is not None:
            raise ValueError("Send window times are local wall-clock times without a zone")
        if self.end != time.min and self.start >= self.end:
            raise ValueError(
                f"The send window ends at {self.end:%H:%M}, not after its start {self.start:%H:%M}"
            )


@dataclass(slots=True)
class _Schedule:
    """One window in one zone under one country's holidays, with the days worked out so far."""

    window: SendWindow
    zone: ZoneInfo
    country: str
    openings: dict[date, Interval | None] = field(default_factory=dict)

    def opening_on(self, day: date) -> Interval | None:
        if day not in self.openings:
            self.openings[day] = self._work_out(day)
        return self.openings[day]

    def next_interval(self, at: datetime) -> Interval:
        """The opening that holds `at`, or else the first one after it."""
        day = at.astimezone(self.zone).date()
        for _ in range(_SEARCH_DAYS):
            interval = self.opening_on(day)
            if interval is not None and at < interval[1]:
                return interval
            day += _DAY
        raise NoOpening(f"{self.window} has no opening within {_SEARCH_DAYS} days of {at}")

    def _work_out(self, day: date) -> Interval | None:
        if day.isoweekday() not in self.window.days or _holidays(self.country, day.year).get(day):
            return None
        interval = _unbroken(day, self.window, self.zone)
        return interval if interval[0] < interval[1] else None


class Calendar:
    """Send windows of one tick. Make one, use it for a whole batch, drop it."""

    __slots__ = ("_schedules",)

    def __init__(self) -> None:
        self._schedules: dict[tuple[SendWindow, str, str | None], _Schedule] = {}

    def open_interval(
        self, window: SendWindow, at: datetime, zone: str, holidays_country: str | None
    ) -> Interval | None:
        """The opening that holds `at`, as (start, exclusive end) in UTC; None while closed."""
        at = _utc(at)
        start, end = self._schedule(window, zone, holidays_country).next_interval(at)
        return (start, end) if start <= at else None

    def is_open(
        self, window: SendWindow, at: datetime, zone: str, holidays_country: str | None
    ) -> bool:
        """Whether a send may leave at `at`. A window without any opening is simply closed."""
        try:
            return self.open_interval(window, at, zone, holidays_country) is not None
        except NoOpening:
            return False

    def next_opening(
        self, window: SendWindow, at: datetime, zone: str, holidays_country: str | None
    ) -> datetime:
        """The first instant from `at` on (UTC) when the window is open: `at` itself while open.

        Raises UnknownTimeZone, NoOpening, and ValueError for a naive `at`.
        """
        at = _utc(at)
        start = self._schedule(window, zone, holidays_country).next_interval(at)[0]
        return max(at, start)

    def due_at(
        self,
        previous: datetime,
        delay_days: int,
        window: SendWindow,
        zone: str,
        holidays_country: str | None,
    ) -> datetime:
        """`previous` plus local calendar days at the same wall-clock time, then the next opening.

        Ten days from 09:30 is 09:30 again, across a DST change too. Raises as `next_opening` does,
        and ValueError for a negative delay.
        """
        if delay_days < 0:
            raise ValueError(f"A step's delay is zero days or more, not {delay_days}")
        schedule = self._schedule(window, zone, holidays_country)
        local = _utc(previous).astimezone(schedule.zone)
        target = _instant(local.replace(tzinfo=None) + delay_days * _DAY, schedule.zone, local.fold)
        return self.next_opening(window, target, zone, holidays_country)

    def _schedule(self, window: SendWindow, zone: str, country: str | None) -> _Schedule:
        key = (window, zone, country)
        schedule = self._schedules.get(key)
        if schedule is None:
            schedule = _Schedule(window, time_zone(zone), (country or "").strip().upper())
            self._schedules[key] = schedule
        return schedule


def time_zone(zone: str) -> ZoneInfo:
    """The IANA zone of that name. Raises UnknownTimeZone."""
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownTimeZone(zone) from error


def holiday_name(day: date, country: str | None) -> str | None:
    """The public holiday on that local date in an ISO 3166 alpha-2 country, in English if known."""
    return _holidays((country or "").strip().upper(), day.year).get(day)


def next_local_day(at: datetime, zone: str) -> datetime:
    """The instant (UTC) at which the local date after that of `at` begins."""
    place = time_zone(zone)
    tomorrow = _utc(at).astimezone(place).date() + _DAY
    return _instant(datetime.combine(tomorrow, time.min), place)


@lru_cache(maxsize=1024)
def _holidays(country: str, year: int) -> Mapping[date, str]:
    # The library also knows stock exchanges and three-letter aliases; contacts have alpha-2 codes.
    if len(country) != 2:
        return _NO_HOLIDAYS
    try:
        return MappingProxyType(dict(country_holidays(country, years=year, language="en_US")))
    except NotImplementedError:  # a country the library has no calendar for
        return _NO_HOLIDAYS


def _unbroken(day: date, window: SendWindow, zone: ZoneInfo) -> Interval:
    """The day's one opening as instants. When clocks go back it keeps inside the window.

    A repeated hour could split a window in two. Then the part next to the rest of the window
    counts: the second pass where only the start repeats, the first pass where the end does.
    """
    start = datetime.combine(day, window.start)
    end = datetime.combine(day + _DAY if window.end == time.min else day, window.end)
    start_pass = 1 if _repeats(start, zone) and not _repeats(end, zone) else 0
    return _instant(start, zone, start_pass), _instant(end, zone)


def _repeats(wall: datetime, zone: ZoneInfo) -> bool:
    first, second = _offsets(wall, zone)
    return first > second


def _instant(wall: datetime, zone: ZoneInfo, fold: int = 0) -> datetime:
    """The instant (UTC) the wall clock shows `wall`; in a gap, when it jumps past it."""
    first, second = _offsets(wall, zone)
    if first < second:
        return _jump_past(wall, zone, first, second)
    return (wall - (second if fold else first)).replace(tzinfo=UTC)


def _jump_past(wall: datetime, zone: ZoneInfo, before: timedelta, after: timedelta) -> datetime:
    # Halving the span between the two readings of `wall` works for a gap of any length: half an
    # hour on Lord Howe Island, a whole day in Samoa in 2011. Clocks jump on whole seconds.
    wall = wall.replace(microsecond=0)
    low = (wall - after).replace(tzinfo=UTC)
    high = (wall - before).replace(tzinfo=UTC)
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            low = middle
        else:
            high = middle
    return high


def _offsets(wall: datetime, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    """UTC offsets of the first and second reading: equal, or growing in a gap, or shrinking."""
    first = wall.replace(tzinfo=zone, fold=0).utcoffset()
    second = wall.replace(tzinfo=zone, fold=1).utcoffset()
    if first is None or second is None:
        raise UnknownTimeZone(zone.key)
    return first, second


def _utc(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ValueError(f"A naive datetime has no place on the calendar: {at.isoformat()}")
    return at.astimezone(UTC)
