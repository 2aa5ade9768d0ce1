"""Filling a skeleton, and telling values that cannot travel as substitutions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.mail.message import (
    MAX_SUBSTITUTION_BYTES,
    Skeleton,
    fill,
    substitution_bytes,
    unsafe_as_substitutions,
)
from tests.standins.mail_requests import SKELETON, TAGS, a_recipient, a_request


def test_it_fills_subject_html_and_text() -> None:
    finished = fill(SKELETON, ("Bob", "<b>Bob</b>", "https://x.test/u"))
    assert finished.subject == "A word for Bob"
    assert "Dear <b>Bob</b>," in finished.html
    assert finished.text.endswith("Unsubscribe: https://x.test/u\n")
    assert finished.tags == ()


def test_a_value_that_contains_a_tag_is_not_filled_again() -> None:
    finished = fill(SKELETON, (TAGS[1], TAGS[2], "url"))
    assert finished.subject == f"A word for {TAGS[1]}"
    assert f"Dear {TAGS[2]}," in finished.text


def test_a_tag_that_begins_like_a_shorter_one_is_filled_whole() -> None:
    skeleton = Skeleton("ab abc", "<p>abc</p>", "ab", ("ab", "abc"))
    assert fill(skeleton, ("1", "2")).subject == "1 2"


def test_a_subject_never_gets_a_line_break_from_a_value() -> None:
    finished = fill(SKELETON, ("Bob\r\nBcc: eve@example.com", "x", "y"))
    assert finished.subject == "A word for Bob Bcc: eve@example.com"


def test_a_wrong_number_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match="2 values for 3 tags"):
        fill(SKELETON, ("a", "b"))


def test_a_send_id_that_occurs_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="send_id"):
        a_request(a_recipient(1), a_recipient(1, email="bob@example.com"))


@pytest.mark.parametrize(
    "value",
    [TAGS[0], f"hello {TAGS[2]}!", TAGS[1].upper(), "x" * 9_990, "é" * 4_980, "\x01" * 1_660],
)
def test_values_that_look_like_a_tag_or_are_too_large_are_unsafe(value: str) -> None:
    assert unsafe_as_substitutions(TAGS)((value, "", ""))


def test_a_tag_in_capitals_is_recognised_in_small_letters() -> None:
    assert unsafe_as_substitutions(("MF0X1", "MF1X1"))(("mf1x1", ""))


@pytest.mark.parametrize("value", ["Bob", "mf0", "mf0x", "{{ name }}", "x" * 9_900, "é" * 4_900])
def test_ordinary_values_are_safe(value: str) -> None:
    assert not unsafe_as_substitutions(TAGS)((value, "", ""))


@given(st.text(max_size=4_000), st.integers(min_value=1, max_value=4))
def test_the_quick_size_check_agrees_with_the_exact_one(text: str, times: int) -> None:
    values = (text * times, "", "")
    too_large = substitution_bytes(TAGS, values) > MAX_SUBSTITUTION_BYTES
    assert unsafe_as_substitutions(TAGS)(values) is too_large
