"""What a stored value becomes before it is a merge value."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.drip.merge_fields import (
    GROUPS,
    MAX_VALUE_LENGTH,
    MERGE_FIELDS,
    clean_value,
    example_values,
    nearest_field,
)


@pytest.mark.parametrize(
    ("stored", "clean"),
    [
        (None, ""),
        ("", ""),
        ("   \t ", ""),
        ("\u200b\ufeff", ""),
        ("\u200d", ""),
        ("  Ann  ", "Ann"),
        ("Ann\r\nBcc: eve@example.com", "Ann Bcc: eve@example.com"),
        ("Ann\x00\x07 Lee", "Ann Lee"),
        ("Ann\u2028Lee", "Ann Lee"),
        ("Ann \u00a0 Lee", "Ann Lee"),
        ("\u202eeman\u202c", "eman"),
        ("a\ud800b", "ab"),
        ("a\ufffeb", "ab"),
        ("محمد", "محمد"),
        ("山田 太郎", "山田 太郎"),
        ("👩\u200d💻 Ann", "👩\u200d💻 Ann"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("O'Neil & Söhne <x>", "O'Neil & Söhne <x>"),
        ("https://example.com/a?b=1&c=2", "https://example.com/a?b=1&c=2"),
    ],
)
def test_a_value_becomes_one_readable_line(stored: str | None, clean: str) -> None:
    assert clean_value(stored) == clean


def test_a_value_is_cut_at_its_limit() -> None:
    assert clean_value("x" * MAX_VALUE_LENGTH) == "x" * MAX_VALUE_LENGTH
    assert clean_value("x" * (MAX_VALUE_LENGTH + 1)) == "x" * MAX_VALUE_LENGTH


# Without a deadline: a busy machine is no reason to fail.
@settings(deadline=None)
@given(st.text(st.characters(), max_size=300))
def test_a_clean_value_is_short_one_line_and_clean_already(stored: str) -> None:
    clean = clean_value(stored)
    assert len(clean) <= MAX_VALUE_LENGTH
    assert clean == clean.strip()
    assert "  " not in clean
    assert not {unicodedata.category(character) for character in clean} & {"Cc", "Cs", "Zl", "Zp"}
    assert clean_value(clean) == clean


def test_a_mistyped_field_has_a_nearest_one() -> None:
    assert nearest_field("contact.frist_name") == "contact.first_name"
    assert nearest_field("zzz") is None


def test_an_ordinary_contact_has_every_field() -> None:
    values = example_values()
    assert set(values) == GROUPS == {"contact", "company", "owner", "sender"}
    dotted = {f"{group}.{key}" for group, fields in values.items() for key in fields}
    assert dotted | {"unsubscribe_url"} == set(MERGE_FIELDS)
    assert all(clean_value(field.example) == field.example for field in MERGE_FIELDS.values())


def test_only_fields_that_every_recipient_has_can_go_without_a_default() -> None:
    always = {name for name, field in MERGE_FIELDS.items() if not field.may_be_missing}
    assert always == {
        "contact.email",
        "sender.name",
        "sender.email",
        "sender.postal_address",
        "unsubscribe_url",
    }
