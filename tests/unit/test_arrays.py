"""Array literals, held against what Postgres itself reads back."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.database.arrays import array_literal
from tests.conftest import Raw

CENTURIES = (datetime(1900, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - hypothesis adds it
ONE_DATABASE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _read_back(raw: Raw, values: list[Any], kind: str) -> list[Any]:
    row = raw.execute(f"select %s::{kind}[] as values", (array_literal(values),)).fetchone()
    assert row is not None
    return list(row["values"])


@ONE_DATABASE
@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)))
def test_every_text_comes_back_as_it_is_but_for_nul(raw: Raw, texts: list[str | None]) -> None:
    # Postgres has no NUL in text.
    expected = [None if text is None else text.replace("\x00", "") for text in texts]
    assert _read_back(raw, texts, "text") == expected


@pytest.mark.parametrize(
    "text", ["", "NULL", "null", "{a,b}", '"', "\\", '\\"', "a,b", " padded ", "line\r\nbreak", "'"]
)
def test_a_text_that_looks_like_syntax_stays_a_text(raw: Raw, text: str) -> None:
    assert _read_back(raw, [text, "after"], "text") == [text, "after"]


@ONE_DATABASE
@given(
    st.lists(
        st.none()
        | st.datetimes(
            *CENTURIES,
            timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
        )
    )
)
def test_moments_come_back_to_the_microsecond(raw: Raw, moments: list[datetime | None]) -> None:
    assert _read_back(raw, moments, "timestamptz") == moments


@ONE_DATABASE
@given(st.lists(st.none() | st.integers(-32768, 32767)))
def test_numbers_come_back(raw: Raw, numbers: list[int | None]) -> None:
    assert _read_back(raw, numbers, "smallint") == numbers


def test_booleans_and_identifiers_come_back(raw: Raw) -> None:
    assert _read_back(raw, [True, False, None], "boolean") == [True, False, None]
    one = "0190a1b2-0000-7000-8000-000000000001"
    assert _read_back(raw, [one, None], "uuid") == [UUID(one), None]


def test_nothing_is_an_empty_array(raw: Raw) -> None:
    assert _read_back(raw, [], "text") == []


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        array_literal([datetime(2026, 3, 10)])  # noqa: DTZ001 - that is the point
