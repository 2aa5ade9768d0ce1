"""The subject as a person got it, told by the database: the same as the e-mail itself bears."""

import json

import pytest

from crm.drip.compile import CompiledTemplate, Slot
from crm.drip.render import fill
from tests.conftest import Raw
from tests.database.sending import one

FIRST, SECOND, SHARED = "mf0x0123abcd", "mf10x0123abcd", "mf1x0123abcd"


def _compiled(subject: str) -> CompiledTemplate:
    slots = (
        Slot(FIRST, "html", "{{ contact.first_name }}", shared=False),
        Slot(SHARED, "text", "{{ sender.name }}", shared=True),
        Slot(SECOND, "text", "{{ company.name }}", shared=False),
    )
    return CompiledTemplate(subject, "", "", slots)


def _told(raw: Raw, compiled: CompiledTemplate, values: list[str] | None) -> str | None:
    told: str | None = one(
        raw,
        "select private.subject_as_sent(%s::jsonb, %s::json) as subject",
        json.dumps(compiled.to_json()),
        None if values is None else json.dumps(values),
    )["subject"]
    return told


def _own(compiled: CompiledTemplate) -> CompiledTemplate:
    """Once the sender's places are filled, which subjects of these tests have none of."""
    slots = tuple(slot for slot in compiled.slots if not slot.shared)
    return CompiledTemplate(compiled.subject, compiled.html, compiled.text, slots)


@pytest.mark.parametrize(
    "subject",
    [
        "Nothing varies",
        "",
        f"For {SECOND}",
        f"{FIRST}{SECOND}",
        f"{SECOND}, {FIRST} and {SECOND}: mfoo \\1",
        "mf12 is no place",
    ],
)
@pytest.mark.parametrize(
    "values",
    [["Ada", "King & Sons"], ["", ""], [SECOND, FIRST], ['"é"\\', "{{ company.name }}"]],
)
def test_a_subject_is_told_as_it_was_filled(raw: Raw, subject: str, values: list[str]) -> None:
    compiled = _compiled(subject)
    assert _told(raw, compiled, values) == fill(_own(compiled), values).subject


def test_a_subject_without_places_needs_no_values(raw: Raw) -> None:
    assert _told(raw, _compiled("How a project runs"), None) == "How a project runs"


@pytest.mark.parametrize("values", [None, [], ["Ada"]])
def test_a_subject_whose_values_were_not_kept_is_not_told(
    raw: Raw, values: list[str] | None
) -> None:
    assert _told(raw, _compiled(f"For {SECOND}"), values) is None


def test_a_subject_with_the_senders_name_is_not_told(raw: Raw) -> None:
    """Who sent it stands with the run; the page tells the subject as written."""
    assert _told(raw, _compiled(f"A word from {SHARED}"), ["Ada", "King"]) is None
