"""What somebody wrote themselves, out of all that stands in an e-mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.mail.reply_html import text_of_html
from crm.mail.reply_text import new_text

ATTRIBUTIONS = [
    "On Tue, Mar 10, 2026 at 3:00 PM Morgan <hello@mpt.example> wrote:",
    "On Tue, Mar 10, 2026 at 3:00 PM Morgan at MPT\n<hello@mpt.example> wrote:",
    "Am 10.03.2026 um 15:00 schrieb Morgan <hello@mpt.example>:",
    "Morgan <hello@mpt.example> schrieb am Di., 10. März 2026, 15:00:",
    "Le mar. 10 mars 2026 à 15:00, Morgan <hello@mpt.example> a écrit :",
    "El mar, 10 mar 2026 a las 15:00, Morgan escribió:",
    "Il giorno mar 10 mar 2026 alle ore 15:00 Morgan ha scritto:",
    "Op di 10 mrt 2026 om 15:00 schreef Morgan <hello@mpt.example>:",
    "Em ter., 10 de mar. de 2026 às 15:00, Morgan escreveu:",
    "Den tis 10 mars 2026 kl 15:00 skrev Morgan <hello@mpt.example>:",
    "ti 10. maalisk. 2026 klo 15.00 Morgan (hello@mpt.example) kirjoitti:",
    "wt., 10 mar 2026 o 15:00 Morgan <hello@mpt.example> napisał(a):",
    "2026年3月10日(火) 15:00 Morgan <hello@mpt.example>:",
    "2026-03-10 15:00 GMT+01:00 Morgan <hello@mpt.example>:",
    "-----Original Message-----",
    "-----Ursprüngliche Nachricht-----",
    "---------- Forwarded message ---------",
    "-------- Message d'origine --------",
    "________________________________",
    "From: Morgan\nSent: Tuesday\nTo: Grace\nSubject: Things",
    "*Von:* Morgan\n*Gesendet:* Dienstag\n*An:* Grace",
    "From: Morgan\nDate: Tuesday\nSubject: Things",
    "Da: Morgan\nInviato: martedì\nA: Grace",
    "差出人: Morgan\n送信日時: 2026年3月10日\n宛先: Grace",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_an_answer_on_top_ends_where_the_old_mail_begins(attribution: str) -> None:
    assert new_text(f"Yes.\n\nGrace\n\n{attribution}\n\nOld words.\nMore.") == "Yes.\n\nGrace"


@pytest.mark.parametrize("attribution", ATTRIBUTIONS[:14])
def test_an_answer_below_is_kept(attribution: str) -> None:
    assert new_text(f"{attribution}\n\n> Old words.\n> More.\n\nYes.") == "Yes."


def test_a_long_paragraph_that_ends_in_a_colon_stays() -> None:
    paragraph = "word " * 90 + "in 2026 she wrote:"
    assert new_text(f"{paragraph}\n\nNever.") == f"{paragraph}\n\nNever."


def test_answers_between_quoted_lines_are_kept() -> None:
    text = "On 10.03.26 15:00, Morgan wrote:\n> When?\nMonday.\n> Where?\nHere.\n"
    assert new_text(text) == "Monday.\nHere."


@pytest.mark.parametrize(
    "text",
    [
        "From: now on we take turns.\nNext line.",
        "As Ada wrote: nobody knows.",
        "To: do list\n- call\n- write",
        "I wrote this on 3 March 2026 and you answered:\n\nnothing.",
        "On 3 March you wrote:\nyes.",
        "Date: Monday works.",
    ],
)
def test_a_line_that_only_resembles_a_quotation_stays(text: str) -> None:
    assert new_text(text).splitlines()[-1] == text.splitlines()[-1]


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone",
        "Sent from my Samsung Galaxy smartphone.",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "iPhoneから送信",
    ],
)
def test_a_devices_line_is_nobodys_words(line: str) -> None:
    assert new_text(f"Yes.\n\n{line}\n") == "Yes."


def test_a_signature_is_left_out_unless_it_is_all() -> None:
    assert new_text("Yes.\n-- \nGrace Hopper\nUnsubscribe here") == "Yes."
    assert new_text("-- \nYes.") == "--\nYes."


def test_html_loses_markup_quotations_and_everything_unseen() -> None:
    source = (
        "<!DOCTYPE html><html><head><title>T</title><style>p{}</style></head><body>"
        "<!-- secret --><p>One &lt;two&gt;</p><script>x()</script><p>3 < 4</p>"
        "<blockquote><blockquote>old</blockquote>older</blockquote><div>last</div></body></html>"
    )
    assert text_of_html(source) == "One <two>\n\n3 < 4\n\nlast"


def test_html_without_closing_tags_is_read_all_the_same() -> None:
    assert text_of_html("<head><title>T<body><p>One<p>Two") == "One\nTwo"


def test_nested_containers_end_a_quotation_at_its_own_end() -> None:
    source = '<div class="gmail_quote"><div>old</div><div>old</div></div><div>new</div>'
    assert text_of_html(source) == "new"


@given(st.text(alphabet="<>/!-abdiv \"'=&;#x0\n"))
def test_any_markup_is_read(source: str) -> None:
    text_of_html(source)


@given(st.text(st.characters(exclude_characters="<&\0", exclude_categories=["Cs", "Cc"])))
def test_plain_words_come_through_html_unchanged(words: str) -> None:
    assert text_of_html(f"<p>{words}</p>").split() == words.split()
