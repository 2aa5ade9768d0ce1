"""What a person types and chooses, as the search takes it."""

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.records.contact_search import ContactSearch
from crm.ui import contact_periods
from crm.ui.contact_periods import Span
from crm.ui.moments import Moments

# New Year's Eve in New York, and the new year in UTC.
MOMENTS = Moments(ZoneInfo("America/New_York"), datetime(2027, 1, 1, 3, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", None),
        ("   ", None),
        ("Ada  Lovelace", ["Ada", "Lovelace"]),
        ("(614) 555-0100", ["6145550100"]),
        ("+1 614.555.0100", ["16145550100"]),
        ("555-0", ["555-0"]),  # too short to be a number of somebody
        ("3-2-1 Ltd", ["3-2-1", "Ltd"]),
        ("a b c d e f g h i j", list("abcdefgh")),
    ],
)
def test_what_is_typed_becomes_words_that_must_all_occur(
    typed: str, words: list[str] | None
) -> None:
    assert json.loads(ContactSearch(text=typed).as_json()).get("words") == words


def test_what_nobody_asked_for_is_left_out() -> None:
    assert ContactSearch().as_json() == "{}"
    since = datetime(2026, 3, 1, tzinfo=UTC)
    assert json.loads(ContactSearch(active_since=since, archived=True).as_json()) == {
        "active_since": "2026-03-01T00:00:00+00:00",
        "archived": True,
    }


def test_days_are_those_of_the_viewer() -> None:
    assert contact_periods.days_ago(7, MOMENTS) == datetime(2026, 12, 24, 5, 0, tzinfo=UTC)
    assert contact_periods.created("7", None, None, MOMENTS) == Span(
        datetime(2026, 12, 24, 5, 0, tzinfo=UTC)
    )
    this_year = contact_periods.created(contact_periods.THIS_YEAR, None, None, MOMENTS)
    assert this_year == Span(datetime(2026, 1, 1, 5, 0, tzinfo=UTC))


def test_a_list_stays_the_same_while_its_pages_are_turned() -> None:
    later = Moments(MOMENTS.zone, MOMENTS.now + timedelta(minutes=90))
    assert contact_periods.days_ago(30, later) == contact_periods.days_ago(30, MOMENTS)


def test_both_days_between_are_whole_even_where_a_clock_is_put_forward() -> None:
    span = contact_periods.created(
        contact_periods.BETWEEN, date(2026, 3, 7), date(2026, 3, 8), MOMENTS
    )
    assert span == Span(
        datetime(2026, 3, 7, 5, 0, tzinfo=UTC), datetime(2026, 3, 9, 4, 0, tzinfo=UTC)
    )
    one_sided = contact_periods.created(contact_periods.BETWEEN, date(2026, 3, 7), None, MOMENTS)
    assert one_sided.until is None
    assert contact_periods.created(None, date(2026, 3, 7), None, MOMENTS) == Span()
