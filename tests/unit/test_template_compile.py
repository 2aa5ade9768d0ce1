"""The skeleton: converted once, with a tag wherever something varies."""

from __future__ import annotations

import json
import re

import pytest

from crm.drip.compile import bind_shared, compile_template, fields_without_default
from tests.unit.test_template_sandbox import LAYOUT, source_of

SENDER = {"name": "Mo", "email": "mo@example.com", "postal_address": "1 Quay St", "company": "MPT"}


def test_an_email_without_merge_fields_in_its_words_has_slots_in_its_footer_only() -> None:
    compiled = compile_template(source_of("Hello **you**."), LAYOUT)
    assert "<p>Hello <strong>you</strong>.</p>" in compiled.html
    assert compiled.text.startswith("Hello you.\n\n")
    assert {slot.form for slot in compiled.slots} == {"text"}


def test_a_tag_is_alphanumeric_and_no_prefix_of_another() -> None:
    body = " ".join(f'{{{{ contact.city | default("{n}") }}}}' for n in range(120))
    tags = [slot.tag for slot in compile_template(source_of(body), LAYOUT).slots]
    assert len(tags) > 240
    assert all(re.fullmatch(r"mf\d+x[0-9a-f]{8}", tag) for tag in tags)
    for tag in tags:
        assert [other for other in tags if other.startswith(tag)] == [tag]


def test_an_escaped_tag_stands_in_html_only_and_a_plain_one_outside_it() -> None:
    draft = source_of("{{ contact.city | default('x') }}", subject="{{ contact.email }}")
    compiled = compile_template(draft, LAYOUT)
    for slot in compiled.slots:
        # Our own link is the exception: it has no character that HTML would escape.
        if slot.source == "{{ unsubscribe_url }}":
            continue
        assert (slot.tag in compiled.html) == (slot.form == "html")
        assert (slot.tag in compiled.subject + compiled.text) == (slot.form == "text")


def test_a_field_shares_its_tag_between_subject_and_text() -> None:
    draft = source_of("To {{ contact.email }}", subject="{{ contact.email }}")
    compiled = compile_template(draft, LAYOUT)
    assert compiled.text.startswith(f"To {compiled.subject}\n")
    assert compiled.subject not in compiled.html


def test_identical_slots_of_a_form_share_one_tag() -> None:
    once = compile_template(source_of("{{ contact.email }}"), LAYOUT)
    thrice = compile_template(source_of("{{ contact.email }} {{ contact.email }}" * 2), LAYOUT)
    assert len(once.slots) == len(thrice.slots)


def test_tags_differ_from_template_to_template() -> None:
    first = compile_template(source_of("{{ contact.email }} a"), LAYOUT)
    second = compile_template(source_of("{{ contact.email }} b"), LAYOUT)
    assert not {slot.tag for slot in first.slots} & {slot.tag for slot in second.slots}


def test_compiling_twice_gives_the_same() -> None:
    draft = source_of("{{ contact.city | default('x') }} {% if company.name %}y{% endif %}")
    assert compile_template(draft, LAYOUT) == compile_template(draft, LAYOUT)


def test_a_compiled_template_survives_its_json() -> None:
    compiled = compile_template(source_of("{{ contact.email }} — 山"), LAYOUT)
    stored = json.loads(json.dumps(compiled.to_json()))
    assert type(compiled).from_json(stored) == compiled


def test_a_condition_is_one_slot_with_its_branches_converted() -> None:
    body = (
        '{% if contact.industry == "Retail" %}\n\nFor **shops**.\n\n- tills\n\n'
        "{% else %}\n\nFor _all_.\n\n{% endif %}\n"
    )
    compiled = compile_template(source_of(body), LAYOUT)
    (slot,) = [slot for slot in compiled.slots if slot.form == "html"]
    assert "<strong>shops</strong>" in slot.source
    assert "<li>tills</li>" in slot.source
    assert "<em>all</em>" in slot.source
    assert "<p></p>" not in compiled.html


def test_styles_reach_the_words_of_a_branch() -> None:
    layout = LAYOUT.replace("</head>", "<style>p { color: #222 }</style></head>")
    body = "{% if company.name %}\n\nHello.\n\n{% endif %}\n"
    compiled = compile_template(source_of(body), layout)
    (slot,) = [slot for slot in compiled.slots if slot.form == "html"]
    assert '<p style="color: #222;">Hello.</p>' in slot.source


def test_dark_mode_rules_stay_in_a_style_element() -> None:
    rule = "@media (prefers-color-scheme: dark) { p { color: #eee !important } }"
    layout = LAYOUT.replace("</head>", f"<style>{rule}</style></head>")
    assert "prefers-color-scheme: dark" in compile_template(source_of("x"), layout).html


def test_html_in_a_template_is_text() -> None:
    html = compile_template(source_of("<script>alert(1)</script>"), LAYOUT).html
    assert "<script" not in html


def test_a_link_with_a_script_is_no_link() -> None:
    assert "<a" not in compile_template(source_of("[x](javascript:alert(1))"), LAYOUT).html


def test_the_text_footer_has_company_address_and_unsubscribe_link() -> None:
    bound = bind_shared(compile_template(source_of("Hello."), LAYOUT), SENDER)
    (slot,) = bound.slots
    assert slot.source == "{{ unsubscribe_url }}"
    assert bound.text == f"Hello.\n\n--\nMPT, 1 Quay St\nUnsubscribe: {slot.tag}"


def test_binding_fills_what_all_recipients_share_and_keeps_the_rest_in_order() -> None:
    draft = source_of("{{ contact.city | default('x') }} {{ sender.name }} {{ contact.email }}")
    compiled = compile_template(draft, LAYOUT)
    bound = bind_shared(compiled, SENDER)
    assert bound.slots == tuple(slot for slot in compiled.slots if not slot.shared)
    assert " Mo " in bound.html
    assert not [slot.tag for slot in compiled.slots if slot.shared and slot.tag in bound.html]


def test_a_senders_name_is_escaped_in_html_and_as_it_is_in_text() -> None:
    compiled = compile_template(source_of("From {{ sender.name }}"), LAYOUT)
    bound = bind_shared(compiled, SENDER | {"name": "A & <b>"})
    assert "A &amp; &lt;b&gt;" in bound.html
    assert bound.text.startswith("From A & <b>\n")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ("{{ contact.city }}", {"contact.city"}),
        ("{{ contact.city | upper }}", {"contact.city"}),
        ("{{ contact.city | default('x') }}", set()),
        ("{{ contact.email }}", set()),
        ("{% if contact.city %}{{ contact.city }}{% endif %}", set()),
        ("{% if contact.city and company.name %}{{ company.name }}{% endif %}", set()),
        ("{% if contact.city or company.name %}{{ company.name }}{% endif %}", {"company.name"}),
        ("{% if contact.city %}a{% else %}{{ contact.city }}{% endif %}", {"contact.city"}),
        ("{% if contact.city == 'Leeds' %}{{ contact.city }}{% endif %}", set()),
        ("{% if contact.city != 'Leeds' %}{{ contact.city }}{% endif %}", {"contact.city"}),
    ],
)
def test_a_field_that_may_be_missing_is_found_unless_a_default_or_an_if_covers_it(
    body: str, fields: set[str]
) -> None:
    assert fields_without_default(source_of(body), LAYOUT) == fields
