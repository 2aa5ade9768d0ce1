"""One contact's values, and the finished e-mail."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.drip.compile import CompiledTemplate, bind_shared, compile_template
from crm.drip.merge_fields import MergeValues, clean_value
from crm.drip.render import MissingMergeValue, RenderedEmail, Renderer, fill
from tests.unit.test_template_compile import SENDER
from tests.unit.test_template_sandbox import LAYOUT, source_of

URL = "https://example.com/unsubscribe/a~b_c-d.e?f=1"
GREETING = 'Hi {{ contact.first_name | default("there") }},'


def _compiled(body: str, subject: str = "Hello") -> CompiledTemplate:
    return bind_shared(compile_template(source_of(body, subject=subject), LAYOUT), SENDER)


def _email(body: str, merge: MergeValues, subject: str = "Hello") -> RenderedEmail:
    compiled = _compiled(body, subject)
    return fill(compiled, Renderer(compiled).values(merge, URL))


def _named(first_name: str | None) -> MergeValues:
    return {"contact": {"first_name": first_name}}


@pytest.mark.parametrize("blank", [None, "", "  ", "\u200b", "\r\n"])
def test_a_default_covers_a_missing_and_a_blank_value(blank: str | None) -> None:
    assert _email(GREETING, _named(blank)).text.startswith("Hi there,\n")


@pytest.mark.parametrize("merge", [{}, {"contact": {}}])
def test_a_contact_without_any_values_gets_the_defaults(merge: MergeValues) -> None:
    assert _email(GREETING, merge).text.startswith("Hi there,\n")


def test_a_default_covers_a_value_inside_a_condition_and_before_another_filter() -> None:
    body = "{% if contact.email %}{{ contact.city | default('town') | upper }}{% endif %}"
    assert _email(body, {"contact": {"email": "ann@example.com"}}).text.startswith("TOWN")


def test_values_come_in_the_order_of_the_slots() -> None:
    compiled = _compiled("{{ contact.city | default('y') }} {{ contact.email }}")
    merge: MergeValues = {"contact": {"city": "A & B", "email": "ann@example.com"}}
    by_source = {
        "{{ contact.city | default('y') }}": "A & B",
        "{{ contact.email }}": "ann@example.com",
    }
    values = Renderer(compiled).values(merge, URL)
    text_slots = [
        (slot.source, value)
        for slot, value in zip(compiled.slots, values, strict=True)
        if slot.form == "text" and slot.source in by_source
    ]
    assert dict(text_slots) == by_source


def test_a_missing_value_without_a_default_is_named() -> None:
    renderer = Renderer(_compiled("Hi {{ contact.first_name }}"))
    with pytest.raises(MissingMergeValue) as caught:
        renderer.values({}, URL)
    assert caught.value.field == "contact.first_name"
    assert renderer.values(_named("Ann"), URL)


@pytest.mark.parametrize(
    "body", ["{{ contact.city | upper }}", "{% if contact.email %}{{ contact.city }}{% endif %}"]
)
def test_a_missing_value_is_named_inside_a_filter_and_a_condition_too(body: str) -> None:
    with pytest.raises(MissingMergeValue) as caught:
        _email(body, {"contact": {"email": "ann@example.com"}})
    assert caught.value.field == "contact.city"


@pytest.mark.parametrize(
    ("industry", "words"),
    [("Retail", "shops"), ("Finance", "ledgers"), ("Farming", "all"), (None, "all")],
)
def test_a_condition_picks_its_branch(industry: str | None, words: str) -> None:
    body = (
        'For {% if contact.industry == "Retail" %}shops{% elif contact.industry == "Finance" %}'
        "ledgers{% else %}all{% endif %}."
    )
    assert _email(body, {"contact": {"industry": industry}}).text.startswith(f"For {words}.\n")


def test_a_remembered_passage_never_reaches_another_contact() -> None:
    compiled = _compiled("{% if company.name %}At {{ company.name }}{% else %}Alone{% endif %}.")
    renderer = Renderer(compiled)
    for name in ("One", "Two", None, "One", None, "Two"):
        text = fill(compiled, renderer.values({"company": {"name": name}}, URL)).text
        assert text.startswith(f"At {name}." if name else "Alone.")


def test_more_contacts_than_a_passage_remembers_still_get_their_own_words() -> None:
    compiled = _compiled("{% if company.name %}At {{ company.name }}{% endif %}.")
    renderer = Renderer(compiled)
    for number in range(5_000):
        values = renderer.values({"company": {"name": f"C{number}"}}, URL)
        assert f"At C{number}" in values


def test_a_value_is_escaped_in_html_and_as_it_is_in_subject_and_text() -> None:
    email = _email(GREETING, _named('<b>A & "B"</b>'), subject=GREETING)
    assert email.subject == 'Hi <b>A & "B"</b>,'
    assert 'Hi <b>A & "B"</b>,' in email.text
    assert "<b>" not in email.html
    assert "Hi &lt;b&gt;A &amp; &#34;B&#34;&lt;/b&gt;," in email.html


def test_jinja_in_a_value_stays_text() -> None:
    for value in ("{{ 7*7 }}", "{% raw %}", "{# x #}"):
        email = _email(GREETING, _named(value), subject=GREETING)
        assert email.subject == f"Hi {value},"
        assert f"Hi {value}," in email.html


def test_a_value_that_contains_a_tag_is_never_filled_again() -> None:
    compiled = _compiled(GREETING + " {{ contact.email }}")
    tags = [slot.tag for slot in compiled.slots]
    name = " ".join(tags)
    merge: MergeValues = {"contact": {"first_name": name, "email": "ann@example.com"}}
    text = fill(compiled, Renderer(compiled).values(merge, URL)).text
    assert text.startswith(f"Hi {name}, ann@example.com\n")


def test_the_unsubscribe_link_is_the_recipients_own_in_both_parts() -> None:
    email = _email("[Stop]({{ unsubscribe_url }})", {})
    assert f'href="{URL}"' in email.html
    assert email.text.endswith(f"Unsubscribe: {URL}")


@pytest.mark.parametrize("spoilt", ["?a=1&b=2", '"onclick=x', "'", "<b>", " x", "\n"])
def test_a_link_that_html_would_have_to_escape_is_refused(spoilt: str) -> None:
    with pytest.raises(ValueError, match="unsubscribe link"):
        Renderer(_compiled(GREETING)).values({}, URL + spoilt)


def test_fill_refuses_the_wrong_number_of_values() -> None:
    compiled = _compiled(GREETING)
    with pytest.raises(ValueError, match="zip"):
        fill(compiled, ["Ann"])


_GREETED = _compiled(GREETING, GREETING)
_RENDERER = Renderer(_GREETED)
_PLAIN = fill(_GREETED, _RENDERER.values(_named("Ann"), URL))


# Without a deadline: a busy machine is no reason to fail.
@settings(deadline=None)
@given(st.text(st.characters(), max_size=80))
def test_no_name_makes_markup_or_a_second_subject_line(name: str) -> None:
    email = fill(_GREETED, _RENDERER.values(_named(name), URL))
    assert email.html.count("<") == _PLAIN.html.count("<")
    assert len(email.subject.splitlines()) == 1
    assert email.subject == f"Hi {clean_value(name) or 'there'},"
