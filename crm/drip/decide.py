"""Whether a claimed send leaves now, waits, or has expired, and why in words a person can read."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache

from crm.drip.calendar import Calendar, SendWindow, holiday_name, next_local_day, time_zone

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class PostponeReason(StrEnum):
    """Why a send waits; the value is what drip_decisions stores."""

    OUTSIDE_SEND_WINDOW = "outside_send_window"
    HOLIDAY = "holiday"
    CONTACT_DAILY_CAP = "contact_daily_cap"


class SkipReason(StrEnum):
    """Why a step is left out for good; the value is what drip_decisions stores."""

    STEP_EXPIRED = "step_expired"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A claimed send, with what deciding about it needs.

    `time_zone` is an IANA name (the caller puts the default for a contact without one), `country`
    an ISO 3166 alpha-2 code whose holidays are kept, or None. `recent_sends` are the instants of
    this contact's other sends in the last 48 hours. At `expires_at` the step is no longer of use.
    """

    send_id: str
    time_zone: str
    country: str | None
    window: SendWindow
    step: int
    recent_sends: tuple[datetime, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Caps:
    """Most e-mails one contact gets on one local day; None means no cap.

    Raises ValueError for a cap below one, under which nothing could ever be sent.
    """

    contact_daily: int | None = 1

    def __post_init__(self) -> None:
        if self.contact_daily is not None and self.contact_daily < 1:
            raise ValueError("A contact's daily cap is at least one e-mail")


@dataclass(frozen=True, slots=True)
class Send:
    """It leaves now."""


@dataclass(frozen=True, slots=True)
class Postpone:
    """It waits until `until` (UTC), when it is decided about afresh."""

    until: datetime
    reason: PostponeReason
    explanation: str


@dataclass(frozen=True, slots=True)
class Skip:
    """It never leaves; the enrollment goes on to its next step."""

    reason: SkipReason
    explanation: str


Decision = Send | Postpone | Skip


def decide(candidate: Candidate, *, now: datetime, calendar: Calendar, caps: Caps) -> Decision:
    """The one decision about one send at `now` (aware UTC).

    Raises UnknownTimeZone for the candidate's zone, NoOpening for a window that never opens, and
    ValueError for a naive datetime.
    """
    if candidate.expires_at is not None and candidate.expires_at <= now:
        return _expired(candidate, candidate.expires_at)
    postponed = _outside_window(candidate, now, calendar) or _over_contact_cap(
        candidate, now, calendar, caps.contact_daily
    )
    if postponed is None:
        return Send()
    if candidate.expires_at is not None and candidate.expires_at <= postponed.until:
        return _expired(candidate, candidate.expires_at, because=postponed.explanation)
    return postponed


def _outside_window(candidate: Candidate, now: datetime, calendar: Calendar) -> Postpone | None:
    window, zone, country = candidate.window, candidate.time_zone, candidate.country
    opening = calendar.next_opening(window, now, zone, country)
    if opening <= now:
        return None
    hours = f"{describe_window(window)}, {zone}"
    next_text = f"next opening {local_text(opening, zone)} local time"
    regular = calendar.next_opening(window, now, zone, None)
    day = regular.astimezone(time_zone(zone)).date()
    holiday = _holiday_text(day, country) if regular < opening else None
    if holiday and regular <= now:
        why = f"{holiday}; {next_text} ({hours})."
        return Postpone(opening, PostponeReason.HOLIDAY, why)
    skipped = f" ({holiday})" if holiday else ""
    why = f"Outside sending hours ({hours}); {next_text}{skipped}."
    return Postpone(opening, PostponeReason.OUTSIDE_SEND_WINDOW, why)


def _over_contact_cap(
    candidate: Candidate, now: datetime, calendar: Calendar, cap: int | None
) -> Postpone | None:
    if cap is None or len(candidate.recent_sends) < cap:
        return None
    zone = time_zone(candidate.time_zone)
    today = now.astimezone(zone).date()
    sent = sum(at.astimezone(zone).date() == today for at in candidate.recent_sends)
    if sent < cap:
        return None
    until = calendar.next_opening(
        candidate.window,
        next_local_day(now, candidate.time_zone),
        candidate.time_zone,
        candidate.country,
    )
    why = (
        f"This contact already got {_count(sent)} on {_date_text(today)} and gets at most {cap} "
        f"a day; next opening {local_text(until, candidate.time_zone)} local time "
        f"({candidate.time_zone})."
    )
    return Postpone(until, PostponeReason.CONTACT_DAILY_CAP, why)


def _expired(candidate: Candidate, expires_at: datetime, because: str = "") -> Skip:
    deadline = local_text(expires_at, candidate.time_zone)
    why = f"Step {candidate.step} was to be sent before {deadline} ({candidate.time_zone})."
    return Skip(SkipReason.STEP_EXPIRED, f"{why} {because}".rstrip())


# A batch shares a few windows and openings; saying each once keeps 1,000 decisions in milliseconds.
@lru_cache(maxsize=1024)
def describe_window(window: SendWindow) -> str:
    """For example "Mon–Fri 09:00–17:00"; a window up to midnight ends at 24:00."""
    end = "24:00" if window.end == window.end.min else f"{window.end:%H:%M}"
    return f"{_days_text(sorted(window.days))} {window.start:%H:%M}–{end}"


@lru_cache(maxsize=4096)
def local_text(at: datetime, zone: str) -> str:
    """For example "Mon 23 Nov 09:00", on the clock of that zone. Raises UnknownTimeZone."""
    local = at.astimezone(time_zone(zone))
    return f"{_date_text(local.date())} {local:%H:%M}"


def _date_text(day: date) -> str:
    # Not strftime: its names follow the server's locale.
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def _days_text(days: list[int]) -> str:
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(_run_text(run) for run in runs) or "no day"


def _run_text(run: list[int]) -> str:
    first, last = _WEEKDAYS[run[0] - 1], _WEEKDAYS[run[-1] - 1]
    return {1: first, 2: f"{first}, {last}"}.get(len(run), f"{first}–{last}")


def _holiday_text(day: date, country: str | None) -> str:
    name = holiday_name(day, country)
    return f"{_date_text(day)} is a public holiday in {(country or '').upper()}: {name}"


def _count(emails: int) -> str:
    return "one e-mail" if emails == 1 else f"{emails} e-mails"
