"""Each rule of the lint finds what it is for, and leaves a good e-mail alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from crm.drip.lint import SPAM_WORDS, LintFinding, lint_template
from crm.drip.template_source import TemplateSource
from tests.unit.awkward_contacts import LAYOUT

SENTENCE = "We would like to hear how the work is going on your side this week. "
ASK = "\n\nReply to this email with one line."
GOOD = TemplateSource(
    origin="lead/01-sample.md",
    campaign="lead",
    step=1,
    name="A sample",
    subject="How is the work going?",
    preheader="One short question about the week behind you.",
    delay_days=0,
    body='Hi {{ contact.first_name | default("there") }},\n\n' + SENTENCE * 6 + ASK,
)
INDUSTRY = '{% if contact.industry == "Retail" %}\n\nPASSAGE\n\n{% endif %}\n\n'
COMPANY = "{% if company.name %}\n\nPASSAGE\n\n{% else %}\n\nOTHERWISE\n\n{% endif %}\n\n"


def found(source: TemplateSource, layout: str = LAYOUT) -> list[LintFinding]:
    return lint_template(source, layout)


def rules(source: TemplateSource, layout: str = LAYOUT) -> list[str]:
    return [finding.rule for finding in found(source, layout)]


def longer(passage: str) -> TemplateSource:
    return replace(GOOD, body=GOOD.body.replace(SENTENCE, passage + "\n\n" + SENTENCE, 1))


def test_a_good_email_has_no_findings() -> None:
    assert found(GOOD) == []


def test_a_finding_names_the_file_the_rule_and_the_fix() -> None:
    finding = found(replace(GOOD, preheader="Too short"))[0]
    assert str(finding) == (
        "lead/01-sample.md: the preheader has 9 characters for an ordinary contact; "
        "keep it between 30 and 110 (preheader)"
    )


@pytest.mark.parametrize(("length", "expected"), [(59, []), (60, ["subject"])])
def test_a_subject_has_at_most_59_characters(length: int, expected: list[str]) -> None:
    assert rules(replace(GOOD, subject="a" * length)) == expected


def test_a_subject_is_measured_as_an_ordinary_contact_reads_it() -> None:
    source = "{% if contact.first_name %}{{ contact.first_name }}{% else %}there{% endif %}, hello"
    assert len(source) > 59
    assert rules(replace(GOOD, subject=source)) == []


def test_a_subject_that_is_empty_for_an_ordinary_contact_is_found() -> None:
    nothing = '{% if contact.industry == "Retail" %}Hello{% endif %}'
    assert rules(replace(GOOD, subject=nothing)) == ["subject"]


@pytest.mark.parametrize(
    ("length", "expected"), [(29, ["preheader"]), (30, []), (110, []), (111, ["preheader"])]
)
def test_a_preheader_has_30_to_110_characters(length: int, expected: list[str]) -> None:
    assert rules(replace(GOOD, preheader="a" * length)) == expected


@pytest.mark.parametrize(
    ("words", "expected"), [(59, ["words"]), (60, []), (200, []), (201, ["words"])]
)
def test_a_body_has_60_to_200_words(words: int, expected: list[str]) -> None:
    # The request to reply is nine words with its greeting.
    body = "Hi there,\n\n" + "word " * (words - 9) + ASK
    assert rules(replace(GOOD, body=body)) == expected


def test_words_of_a_list_count_one_by_one() -> None:
    body = "Hi there,\n\n" + "- one\n- two\n- three\n" * 17 + ASK
    assert rules(replace(GOOD, body=body)) == []


def test_a_branch_that_only_one_industry_reads_is_counted() -> None:
    findings = found(longer(INDUSTRY.replace("PASSAGE", "word " * 150)))
    assert [finding.rule for finding in findings] == ["words"]
    assert "contact.industry Retail" in findings[0].message


def test_a_branch_for_a_missing_field_is_counted() -> None:
    passages = COMPANY.replace("PASSAGE", "Fine.").replace("OTHERWISE", "word " * 150)
    assert rules(longer(passages)) == ["words"]


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace(ASK, "\n\nAll the best."),
        lambda body: body + ASK,
        lambda body: body + "\n\nOr [read on](https://mpt.example/more).",
        lambda body: body.replace(
            ASK, "\n\n[One](https://mpt.example/1) and [two](https://mpt.example/2)"
        ),
    ],
    ids=["none", "two requests", "a request and a link", "two links"],
)
def test_an_email_asks_for_exactly_one_thing(change: Callable[[str], str]) -> None:
    assert rules(replace(GOOD, body=change(GOOD.body))) == ["call to action"]


def test_one_link_is_a_call_to_action() -> None:
    body = GOOD.body.replace(ASK, "\n\n[Pick a time](https://mpt.example/call).")
    assert rules(replace(GOOD, body=body)) == []


def test_a_call_to_action_that_one_branch_lacks_is_found() -> None:
    link = "\n\n{% if sender.booking_url %}\n\n[Call]({{ sender.booking_url }})\n\n{% endif %}\n"
    findings = found(replace(GOOD, body=GOOD.body.replace(ASK, link)))
    assert [finding.rule for finding in findings] == ["call to action"]
    assert "0 link(s)" in findings[0].message


@pytest.mark.parametrize("words", SPAM_WORDS)
def test_spam_words_are_found(words: str) -> None:
    assert rules(replace(GOOD, subject=f"This {words.upper()} is")) == ["spam words"]


def test_spam_words_are_found_in_a_branch() -> None:
    assert rules(longer(INDUSTRY.replace("PASSAGE", "Act now."))) == ["spam words"]


@pytest.mark.parametrize("word", ["freedom", "carefree", "guaranteeing", "urgently"])
def test_a_word_that_contains_a_spam_word_is_none(word: str) -> None:
    assert rules(longer(f"We speak of {word} here.")) == []


def test_a_layout_without_an_unsubscribe_link_is_found() -> None:
    findings = found(GOOD, LAYOUT.replace("{{ unsubscribe_url }}", "https://mpt.example"))
    assert [finding.rule for finding in findings] == ["footer"]
    assert "unsubscribe" in findings[0].message


def test_the_hidden_link_alone_is_no_unsubscribe_link() -> None:
    visible = '<a href="{{ unsubscribe_url }}">Unsubscribe</a>'
    assert visible in LAYOUT
    hidden_alone = LAYOUT.replace(visible, "Unsubscribe")
    assert "{{ unsubscribe_url }}/hidden" in hidden_alone
    assert rules(GOOD, hidden_alone) == ["footer"]


def test_a_layout_without_a_postal_address_is_found() -> None:
    findings = found(GOOD, LAYOUT.replace("{{ sender.postal_address }}", ""))
    assert [finding.rule for finding in findings] == ["footer"]
    assert "postal address" in findings[0].message


def test_a_field_that_may_be_missing_needs_a_default() -> None:
    findings = found(longer("Is {{ company.name }} well?"))
    assert [finding.rule for finding in findings] == ["default"]
    assert "company.name" in findings[0].message


@pytest.mark.parametrize(
    "passage",
    [
        'Is {{ company.name | default("everyone") }} well?',
        "{% if company.name %}Is {{ company.name }} well?{% endif %}",
    ],
)
def test_a_default_or_an_if_around_is_enough(passage: str) -> None:
    assert found(longer(passage)) == []


def test_an_email_that_does_not_compile_is_one_finding() -> None:
    findings = found(longer("{{ contact.frist_name }}"))
    assert [finding.rule for finding in findings] == ["compiles"]
    assert "contact.first_name" in findings[0].message
