"""What a template may not say. The list of what is allowed is short; everything else is refused."""

from __future__ import annotations

import pytest

from crm.drip.compile import compile_template
from crm.drip.template_source import TemplateError, TemplateSource

LAYOUT = (
    '<!DOCTYPE html><html lang="en"><head><title>{{ subject }}</title></head><body>'
    "<div>{{ preheader }}</div>{{ content }}</body></html>"
)


def source_of(body: str, *, subject: str = "Hello", preheader: str = "Before") -> TemplateSource:
    return TemplateSource(
        origin="draft.md",
        campaign="lead",
        step=1,
        name="Draft",
        subject=subject,
        preheader=preheader,
        delay_days=0,
        body=body,
    )


def _refusal(body: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        compile_template(source_of(body), LAYOUT)
    return caught.value


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{{ 'a' * 9 }}", "mul is not available"),
        ("{{ 2 ** 9 }}", "pow is not available"),
        ("{{ 1 + 1 }}", "add is not available"),
        ("{{ contact.email ~ 'x' }}", "concat is not available"),
        ("{{ contact.first_name.upper() }}", "call is not available"),
        ("{{ range(9) }}", "call is not available"),
        ("{{ contact['email'] }}", "getitem is not available"),
        ("{{ 'a' if company.name else 'b' }}", "condexpr is not available"),
        ("{% for x in 'abc' %}{{ x }}{% endfor %}", "loops are not available"),
        ("{% set x = 'y' %}", "assign is not available"),
        ("{% include 'x' %}", "include is not available"),
        ("{% extends 'x' %}", "extends is not available"),
        ("{% import 'x' as y %}", "import is not available"),
        ("{% macro x() %}{% endmacro %}", "macro is not available"),
        ("{% raw %}x{% endraw %}", "raw is not available"),
        ("{% if company.name is defined %}x{% endif %}", "test is not available"),
        ("{% nonsense %}", "unknown tag"),
        ("{{ contact.email | safe }}", "No filter named 'safe'"),
        ("{{ contact.email | attr('x') }}", "No filter named 'attr'"),
        ("{{ contact.email | format }}", "No filter named 'format'"),
        ("{% if company.name %}x", "needs to be closed"),
        ("{% if company.name %}{% if contact.city %}x{% endif %}{% endif %}", "an if inside an if"),
    ],
)
def test_a_forbidden_construct_is_refused_and_named(body: str, words: str) -> None:
    assert words in _refusal(body).message


@pytest.mark.parametrize(
    "field",
    [
        "contact.__class__",
        "contact.label",
        "contact.items",
        "contact",
        "self",
        "config",
        "request.application",
        "contact.email.__class__",
    ],
)
def test_a_name_that_is_no_merge_field_is_refused(field: str) -> None:
    assert "unknown merge field" in _refusal("{{ " + field + " }}").message


def test_an_unknown_field_names_the_line_and_the_nearest_known_one() -> None:
    error = _refusal("one\n\ntwo\n\n{{ contact.frist_name }}")
    assert error.line == 5
    assert error.message == (
        "unknown merge field contact.frist_name; did you mean contact.first_name?"
    )


@pytest.mark.parametrize("part", ["subject", "preheader"])
def test_a_subject_and_a_preheader_are_held_to_the_same_list(part: str) -> None:
    draft = source_of("Body", **{part: "{{ 'a' * 9 }}"})
    with pytest.raises(TemplateError, match="mul is not available"):
        compile_template(draft, LAYOUT)


@pytest.mark.parametrize("target", ["{{ contact.city }}", "https://example.com/{{ company.name }}"])
def test_a_contact_cannot_redirect_a_link(target: str) -> None:
    assert "a link's address" in _refusal(f"[here]({target})").message


def test_a_layout_without_a_place_for_the_content_is_refused() -> None:
    with pytest.raises(TemplateError, match="content"):
        compile_template(source_of("Body"), LAYOUT.replace("{{ content }}", ""))
