"""The e-mail library: its 23 e-mails read well for every contact, ordinary or not."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.drip.compile import bind_shared, compile_template
from crm.drip.lint import lint_template
from crm.drip.render import RenderedEmail, Renderer, fill
from scripts.preview_templates import previews, sample_contacts, write_gallery
from tests.unit.awkward_contacts import (
    AWKWARD,
    DANA,
    LAYOUT,
    LIBRARY,
    SENDERS,
    TEMPLATES,
    UNSUBSCRIBE_URL,
    Merge,
    contact,
    everywhere,
    problems,
    written_for,
)

DAYS = {"networking": 56, "lead": 35, "prospect": 28, "client": 90}


def test_the_library_has_eight_networking_six_lead_five_prospect_and_four_client_emails() -> None:
    counts = Counter(source.campaign for source in LIBRARY.values())
    assert counts == {"networking": 8, "lead": 6, "prospect": 5, "client": 4}


@pytest.mark.parametrize("campaign", DAYS)
def test_a_campaign_starts_at_once_and_spans_its_days(campaign: str) -> None:
    delays = [s.delay_days for s in LIBRARY.values() if s.campaign == campaign]
    assert delays[0] == 0
    assert all(delay >= 2 for delay in delays[1:])
    assert sum(delays) == DAYS[campaign]


@pytest.mark.parametrize("part", ["name", "subject", "preheader", "body"])
def test_each_email_has_its_own_words(part: str) -> None:
    texts = Counter(getattr(source, part) for source in LIBRARY.values())
    assert [text for text, times in texts.items() if times > 1] == []


def test_at_least_six_emails_speak_to_the_industry() -> None:
    speaking = [key for key, s in LIBRARY.items() if 'if contact.industry == "' in s.body]
    assert len(speaking) >= 6


def test_every_industry_is_spoken_to_in_its_own_words() -> None:
    industries = {
        "Construction",
        "Manufacturing",
        "Healthcare",
        "Education",
        "Software",
        "Non-profit",
        "Professional Services",
        "Finance",
        "Retail",
    }
    named = {
        name
        for source in LIBRARY.values()
        for name in re.findall(r'contact\.industry == "([^"]+)"', source.body)
    }
    assert named == industries
    read = {written_for("networking/5", contact(industry=name)).text for name in industries}
    assert len(read) == len(industries)


@pytest.mark.parametrize("key", LIBRARY)
def test_the_lint_finds_nothing(key: str) -> None:
    assert lint_template(LIBRARY[key], LAYOUT) == []


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("key", LIBRARY)
def test_it_reads_well_for_every_awkward_contact(key: str, sender: str) -> None:
    wrong = {
        who: found
        for who, merge in AWKWARD.items()
        if (found := problems(written_for(key, merge, sender), merge))
    }
    assert wrong == {}


@pytest.mark.parametrize("key", LIBRARY)
def test_it_greets_a_contact_without_a_name(key: str) -> None:
    for who in ("everything missing", "everything blank"):
        assert written_for(key, AWKWARD[who]).text.startswith("Hi there,\n")
    assert written_for(key, DANA).text.startswith("Hi Dana,\n")


@pytest.mark.parametrize("key", LIBRARY)
def test_its_html_and_its_text_say_the_same(key: str) -> None:
    email = written_for(key, DANA)
    words = set(re.findall(r"[A-Za-z]{3,}", email.text.partition("\n--\n")[0]))
    document = html5lib.parse(email.html, namespaceHTMLElements=False)
    body = document.find("body")
    assert body is not None
    assert words - set(re.findall(r"[A-Za-z]{3,}", "".join(body.itertext()))) <= {
        # Plain text writes a link's address out.
        "https",
        "mpt",
        "example",
        "call",
        "from",
        "mail",
        "length",
    }


def test_a_booking_link_becomes_a_request_to_reply_where_no_call_can_be_booked() -> None:
    with_link = written_for("networking/6", DANA, "full sender")
    without = written_for("networking/6", DANA, "bare sender")
    assert SENDERS["full sender"]["booking_url"] in with_link.text
    assert "Reply to this email" not in with_link.text
    assert "eply to this email" in without.text


def test_the_layout_keeps_its_dark_mode_and_phone_rules() -> None:
    page = written_for("networking/1", DANA).html
    assert "@media (prefers-color-scheme: dark)" in page
    assert "@media only screen and (max-width: 480px)" in page
    assert 'content="light dark"' in page


def test_the_layout_puts_styles_on_the_elements_themselves() -> None:
    # Gmail drops <style> in forwarded mail and in some of its apps.
    assert '<p style="margin: 0 0 18px;">Hi Dana,</p>' in written_for("networking/1", DANA).html


def test_the_preheader_is_hidden_and_comes_first() -> None:
    document = html5lib.parse(written_for("lead/1", DANA).html, namespaceHTMLElements=False)
    body = document.find("body")
    assert body is not None
    first = next(iter(body))
    assert "display: none" in str(first.get("style"))
    assert "".join(first.itertext()).startswith(LIBRARY["lead/1"].preheader)


@pytest.mark.parametrize("key", LIBRARY)
def test_the_link_for_scanners_is_in_the_html_where_no_person_finds_it(key: str) -> None:
    email = written_for(key, DANA)
    document = html5lib.parse(email.html, namespaceHTMLElements=False)
    links = list(document.iter("a"))
    hidden = [link for link in links if link.get("href") == f"{UNSUBSCRIBE_URL}/hidden"]
    assert hidden == links[-1:]
    assert "display: none" in str(hidden[0].get("style"))
    assert (hidden[0].get("aria-hidden"), hidden[0].get("tabindex")) == ("true", "-1")
    assert "".join(hidden[0].itertext()) == "\u200c"
    assert "/hidden" not in email.text


def test_a_link_stands_at_the_end_of_its_line_in_the_text() -> None:
    # Mail programs make links of plain addresses, some of them with the comma behind.
    url = SENDERS["full sender"]["booking_url"]
    texts = [written_for(key, DANA).text for key in LIBRARY]
    lines = [line for text in texts for line in text.splitlines() if url in line]
    assert len(lines) == 4
    assert all(line.endswith(f": {url}") for line in lines)


def test_the_preview_shows_every_email_to_every_sample_contact(tmp_path: Path) -> None:
    index = write_gallery(previews(TEMPLATES), tmp_path / "preview")
    gallery = index.read_text(encoding="utf-8")
    days = re.findall(r"Day (\d+)", gallery)
    assert len(days) == len(LIBRARY)
    assert {days[7], days[13], days[18], days[22]} == {"56", "35", "28", "90"}
    for link in re.findall(r'href="([\w-]+\.html)"', gallery):
        page = (index.parent / link).read_text(encoding="utf-8")
        assert all(f">{reader}</option>" in page for reader in sample_contacts())
        assert "<b>Dana</b>" not in page


_PLAIN = replace(
    LIBRARY["networking/1"],
    subject='{{ contact.first_name | default("x") }} {{ company.name | default("x") }}',
    body='Hi {{ contact.first_name | default("x") }}, *{{ contact.city | default("x") }}*\n\n'
    '- {{ company.name | default("x") }}\n\n{{ owner.name | default("x") }}',
)
_COMPILED = bind_shared(compile_template(_PLAIN, LAYOUT), SENDERS["full sender"])
_RENDERER = Renderer(_COMPILED)


def _elements(merge: Merge) -> tuple[str, list[str]]:
    email = fill(_COMPILED, _RENDERER.values(merge, UNSUBSCRIBE_URL))
    document = html5lib.parse(email.html, namespaceHTMLElements=False)
    return email.subject, [f"{e.tag} {sorted(e.attrib)}" for e in document.iter()]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80) | st.text(alphabet="<>&\"'/=ab \r\n{}%[]()*`", max_size=80))
def test_no_value_creates_an_element_or_a_line_in_the_subject(value: str) -> None:
    subject, elements = _elements(everywhere(value))
    assert elements == _elements(DANA)[1]
    assert len(subject.splitlines()) == 1


GOOD = written_for("lead/1", DANA)


@pytest.mark.parametrize(
    ("part", "old", "new", "found"),
    [
        ("text", "Hi Dana,", "Hi ,", "an empty greeting"),
        ("text", "Hi Dana,", "Hi  Dana,", "an empty greeting"),
        ("html", "Hi Dana,", "Hi ,", "an empty greeting in the HTML"),
        ("text", "Dana,", "{{ contact.first_name }},", "Jinja left over"),
        ("text", "Dana,", "{% if x %},", "Jinja left over"),
        ("html", "Dana,", "{{ x }},", "Jinja left over in the HTML"),
        ("text", "Dana,", "mf3x1f9c2a7b,", "a tag left over"),
        ("html", "Dana,", "mf3x1f9c2a7b,", "a tag left over in the HTML"),
        ("text", "Thank you", "Thank  you", "a doubled space"),
        ("text", "Dana,", "Dana ,", "odd punctuation"),
        ("text", "Dana,", "Acme Inc..", "odd punctuation"),
        ("text", "Dana", "D&#39;Arcy", "an HTML entity"),
        ("text", "Dana", "None", "None in the text"),
        ("text", "\n\n", "\n\n\n", "a pile of blank lines"),
        ("text", "Hi Dana,", "Hi Dana, ", "space at a line's end"),
        ("text", UNSUBSCRIBE_URL, "", "no unsubscribe link in the text"),
        ("html", "https://crm.example", "https://other.example", "no unsubscribe link in the HTML"),
        ("html", "https://crm.example", "https://evil.example", "a link from a contact's value"),
        ("html", "Hi Dana,</p>", "Hi Dana,</p><p></p>", "an empty paragraph"),
        ("html", "Hi Dana,</p>", "Hi Dana,</i></p>", "invalid HTML"),
        ("html", "Dana", "<script>1</script>", "a <script> element"),
        ("html", "Dana", "<b>x</b>", "a <b> element"),
        ("subject", "Dana", "Dana\r\nBcc: x", "a line break in the subject"),
        ("subject", "Dana", "D" * 80, "a subject of"),
    ],
)
def test_a_spoilt_email_does_not_pass(part: str, old: str, new: str, found: str) -> None:
    before = getattr(GOOD, part)
    assert old in before
    spoilt: RenderedEmail = replace(GOOD, **{part: before.replace(old, new)})
    assert problems(GOOD) == []
    assert any(problem.startswith(found) for problem in problems(spoilt)), problems(spoilt)
