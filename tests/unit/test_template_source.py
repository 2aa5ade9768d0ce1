"""Template files as a person writes them: what is read, and how a mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.drip.template_source import (
    MAX_SOURCE_BYTES,
    TemplateError,
    TemplateSource,
    load_library,
    parse_template,
)

GOOD = """---
step: 2
name: A note after the call
subject: Hello
preheader: What we said we would send
delay_days: 3
---
Hi there,

The body.
"""


def _parse(text: str) -> TemplateSource:
    return parse_template(text, origin="lead/02-note.md", campaign="lead")


def _error(text: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        _parse(text)
    return caught.value


def test_a_template_is_its_front_matter_and_its_body() -> None:
    source = _parse(GOOD)
    assert (source.campaign, source.step, source.delay_days) == ("lead", 2, 3)
    assert (source.subject, source.preheader) == ("Hello", "What we said we would send")
    assert source.body == "Hi there,\n\nThe body.\n"


def test_the_body_line_is_the_line_in_the_file() -> None:
    source = _parse(GOOD)
    assert GOOD.split("\n")[source.body_line - 1] == "Hi there,"


def test_windows_line_ends_make_no_difference() -> None:
    assert _parse(GOOD.replace("\n", "\r\n")) == _parse(GOOD)


@pytest.mark.parametrize("key", ["step", "name", "subject", "preheader", "delay_days"])
def test_a_missing_key_is_named(key: str) -> None:
    lines = [line for line in GOOD.split("\n") if not line.startswith(f"{key}:")]
    assert f"'{key}:'" in _error("\n".join(lines)).message


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("step: 2", "step: two", 2, "a whole number"),
        ("step: 2", "step: yes", 2, "a whole number"),
        ("step: 2", "step: 0", 2, "must not be 0"),
        ("delay_days: 3", "delay_days: -1", 6, "must not be -1"),
        ("delay_days: 3", "delay_days: 1.5", 6, "a whole number"),
        ("subject: Hello", "subject: 7", 4, "a text"),
        ("subject: Hello", "subject: ' '", 4, "empty"),
        ("subject: Hello", "subject: Hello\ncolour: red", 5, "unknown key 'colour'"),
        ("subject: Hello", "subject: {{ contact.city }}", 4, "not YAML"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(old: str, new: str, line: int, words: str) -> None:
    error = _error(GOOD.replace(old, new))
    assert words in error.message
    assert error.line == line
    assert str(error).startswith(f"lead/02-note.md, line {line}: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "begins with ---"),
        ("Hi there", "begins with ---"),
        ("---\nstep: 1\n", "no closing ---"),
        ("---\njust words\n---\nbody", "front matter needs lines"),
    ],
)
def test_a_file_without_front_matter_says_what_it_needs(text: str, words: str) -> None:
    assert words in _error(text).message


def test_a_file_over_the_limit_is_refused_and_one_at_the_limit_is_read() -> None:
    room = MAX_SOURCE_BYTES - len(GOOD.encode())
    assert _parse(GOOD + "x" * room).body.endswith("x")
    assert "larger than 100 kB" in _error(GOOD + "x" * (room + 1)).message


def _write(folder: Path, name: str, step: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = GOOD.replace("step: 2", f"step: {step}")
    (folder / name).write_text(text, encoding="utf-8")


def test_a_library_is_ordered_by_campaign_and_the_names_of_the_files(tmp_path: Path) -> None:
    for campaign in ("client", "networking"):
        _write(tmp_path / campaign, "01-a.md", 7)
        _write(tmp_path / campaign, "03-c.md", 1)
        _write(tmp_path / campaign, "02-b.md", 4)
    found = [(source.campaign, source.step) for source in load_library(tmp_path)]
    assert found == [(c, step) for c in ("networking", "client") for step in (7, 4, 1)]


def test_a_step_that_two_files_of_a_campaign_claim_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "client", "01-a.md", 3)
    for name, step in (("01-a.md", 3), ("02-b.md", 5), ("03-c.md", 3)):
        _write(tmp_path / "lead", name, step)
    with pytest.raises(TemplateError, match=r"lead/03-c\.md, line 1: step 3 .* lead/01-a\.md"):
        load_library(tmp_path)
