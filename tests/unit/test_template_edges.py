"""The edges of the template language: what must be refused, and what must leave no trace."""

from __future__ import annotations

import tracemalloc

import pytest

from crm.drip.compile import bind_shared, compile_template, fields_without_default
from crm.drip.lint import lint_template
from crm.drip.render import MergeValues, RenderedEmail, Renderer, fill
from crm.drip.template_source import TemplateError, parse_template
from tests.unit.test_template_sandbox import LAYOUT, source_of

S = {"name": "Mo", "email": "mo@example.com", "postal_address": "1 Quay St"}


def email(body: str, merge: MergeValues | None = None, sender: dict[str, str] = S) -> RenderedEmail:
    compiled = bind_shared(compile_template(source_of(body), LAYOUT), sender)
    return fill(compiled, Renderer(compiled).values(merge or {}, "https://u.example/x"))


def test_a_refused_multiplication_is_never_computed() -> None:
    tracemalloc.start()
    with pytest.raises(TemplateError):
        compile_template(source_of("{{ 'a' * 10**7 }}"), LAYOUT)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize(
    "body",
    [
        "{{ " + "(" * 5000 + "contact.email" + ")" * 5000 + " }}",
        "{% if " + "not " * 5000 + "company.name %}x{% endif %}",
    ],
)
def test_deep_nesting_is_a_template_error(body: str) -> None:
    with pytest.raises(TemplateError):
        compile_template(source_of(body), LAYOUT)


def test_a_slot_of_sender_and_contact_fields_keeps_the_bound_sender() -> None:
    assert email("By {{ owner.name | default(sender.name) }}").text.startswith("By Mo")


def test_a_condition_on_the_sender_around_a_contact_field_holds() -> None:
    body = "{% if sender.website %}See {{ company.name | default('us') }}{% endif %}."
    assert email(body, sender=S | {"website": "https://w.example"}).text.startswith("See us.")


@pytest.mark.parametrize("sender", [S | {"website": "javascript:alert(1)"}, S])
def test_no_script_becomes_a_link(sender: dict[str, str]) -> None:
    body = '[x]({{ sender.website | default("javascript:alert(1)") }})'
    with pytest.raises(TemplateError):
        email(body, sender=sender)
    with pytest.raises(ValueError, match="https"):
        email("[x]({{ sender.website }})", sender=S | {"website": "javascript:alert(1)"})


@pytest.mark.parametrize(
    "body",
    [
        "x {% if company.name %}b{% endif %} y",
        "Hi {% if company.name %}b{% endif %}, y",
        'Hi {{ contact.city | default("") }}, y',
    ],
)
def test_a_gap_that_an_empty_passage_leaves_is_found_before_publishing(body: str) -> None:
    assert "gap" in {finding.rule for finding in lint_template(source_of(body), LAYOUT)}


def test_an_inline_condition_that_is_a_paragraph_leaves_no_empty_paragraph() -> None:
    e = email("A\n\n{% if company.name %}b{% endif %}\n\nC")
    assert "<p></p>" not in e.html


def test_an_inline_condition_that_is_a_paragraph_leaves_no_pile_of_blank_lines() -> None:
    assert "\n\n\n" not in email("A\n\n{% if company.name %}b{% endif %}\n\nC").text


def test_tags_alone_on_their_lines_are_a_block_without_blank_lines_around() -> None:
    e = email("A\n{% if company.name %}\nb\n{% endif %}\nC", {"company": {"name": "X"}})
    assert "b</p>" in e.html
    assert "<p>b" in e.html


def test_a_paragraph_that_is_one_field_keeps_its_blank_line_in_the_text() -> None:
    assert "Mo\n\n--" in email("{{ sender.name }}").text


def test_a_draft_is_bounded() -> None:
    with pytest.raises(TemplateError):
        compile_template(source_of("w " * 100_000), LAYOUT)


def test_a_default_that_may_be_missing_itself_is_found() -> None:
    assert fields_without_default(source_of("{{ owner.name | default(owner.email) }}"), LAYOUT)


def test_the_else_of_a_not_is_guarded() -> None:
    body = "{% if not company.name %}x{% else %}{{ company.name }}{% endif %}"
    assert not fields_without_default(source_of(body), LAYOUT)


def test_a_subject_has_one_line() -> None:
    text = "---\nstep: 1\nname: n\nsubject: |\n  a\n  b\npreheader: p\ndelay_days: 0\n---\nx\n"
    with pytest.raises(TemplateError):
        parse_template(text, origin="t", campaign="lead")
