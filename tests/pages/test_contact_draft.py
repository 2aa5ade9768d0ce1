"""What the contact form accepts, and what it says at which field."""

from __future__ import annotations

import pytest

from crm.ui.contact_draft import check

ENOUGH = {"first_name": "Ada", "contact_type": "lead"}


def test_a_form_becomes_a_clean_draft() -> None:
    checked = check(
        ENOUGH
        | {
            "last_name": "  van   der Berg ",
            "email": " Ada@Example.COM ",
            "phone": "(212) 555-0142",
            "country": "US",
            "website": "example.com",
            "tags": ["vip", " vip ", ""],
        }
    )
    assert checked.draft is not None
    assert checked.draft.last_name == "van der Berg"
    assert checked.draft.email == "ada@example.com"
    assert checked.draft.phone == "+12125550142"
    assert checked.draft.website == "https://example.com"
    assert checked.draft.tags == ("vip",)


@pytest.mark.parametrize(
    ("entered", "field"),
    [
        ({"email": "ada@"}, "email"),
        ({"first_name": ""}, "email"),
        ({"first_name": "x" * 201}, "first_name"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"profile_url": "ftp://example.com"}, "profile_url"),
        ({"notes": "x" * 10_001}, "notes"),
    ],
)
def test_each_wrong_value_is_told_at_its_field(entered: dict[str, str], field: str) -> None:
    checked = check(ENOUGH | entered)
    assert checked.draft is None
    assert set(checked.errors) == {field}


def test_markup_and_formulas_stay_the_text_they_are() -> None:
    checked = check(ENOUGH | {"first_name": "<b>Ada</b>", "company_name": "=1+1"})
    assert checked.draft is not None
    assert (checked.draft.first_name, checked.draft.company_name) == ("<b>Ada</b>", "=1+1")
