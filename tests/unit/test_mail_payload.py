"""The body of a Mail Send request, and names that cannot harm it."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sendgrid.helpers.mail import CustomArg, Header, Personalization, Substitution, To

from crm.mail import sendgrid_payload
from crm.mail.display_names import MAX_NAME_CHARACTERS, clean_name
from crm.mail.message import MailRequest, Recipient
from crm.mail.sendgrid_payload import (
    BodyTooLargeError,
    UnbuildableError,
    UnbuildableRecipientsError,
    build_body,
    personalizations,
)
from tests.standins.mail_requests import (
    SENDER,
    SKELETON,
    TAGS,
    a_recipient,
    a_request,
    a_request_to,
)
from tests.standins.sendgrid_checks import errors_in


def the_body(request: MailRequest) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(build_body(request)))


def with_the_helpers(recipient: Recipient) -> dict[str, Any]:
    built = Personalization()
    built.add_to(To(recipient.email, clean_name(recipient.name)))
    built.add_header(Header("List-Unsubscribe", f"<{recipient.unsubscribe_url}>"))
    built.add_header(Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    for tag, value in zip(TAGS, recipient.values, strict=True):
        built.add_substitution(Substitution(tag, value))
    built.add_custom_arg(CustomArg("send_id", recipient.send_id))
    return cast(dict[str, Any], built.get())


@pytest.mark.parametrize("name", ["Alice", "", "Lee, Ann; x"])
def test_the_plain_dicts_equal_what_the_helpers_give(name: str) -> None:
    recipient = a_recipient(1, name=name)
    assert personalizations(a_request(recipient)) == [with_the_helpers(recipient)]


def test_the_envelope_carries_what_recipients_share() -> None:
    body = the_body(a_request_to(2))
    del body["personalizations"]
    assert body == {
        "from": {"email": SENDER.email, "name": SENDER.name},
        "reply_to": {"email": SENDER.reply_to},
        "subject": SKELETON.subject,
        "content": [
            {"type": "text/plain", "value": SKELETON.text},
            {"type": "text/html", "value": SKELETON.html},
        ],
        "categories": ["lead"],
        "tracking_settings": {
            "click_tracking": {"enable": True, "enable_text": False},
            "open_tracking": {"enable": True},
            "subscription_tracking": {"enable": False},
        },
    }


def test_recipients_keep_their_order() -> None:
    sent = [p["custom_args"]["send_id"] for p in the_body(a_request_to(50))["personalizations"]]
    assert sent == [f"send-{number}" for number in range(50)]


def test_finished_content_travels_without_substitutions() -> None:
    skeleton = replace(SKELETON, tags=())
    body = the_body(a_request(a_recipient(1, values=()), skeleton=skeleton))
    assert "substitutions" not in body["personalizations"][0]


def test_a_substitution_in_the_subject_has_no_line_break() -> None:
    recipient = a_recipient(1, values=("Al\r\nice", "two\nlines", "u"))
    built = the_body(a_request(recipient))["personalizations"][0]["substitutions"]
    assert built[TAGS[0]] == "Al ice"
    assert built[TAGS[1]] == "two\nlines"


@pytest.mark.parametrize(
    "wrong",
    [
        replace(a_recipient(1), unsubscribe_url="javascript:alert(1)"),
        replace(a_recipient(1), unsubscribe_url="https://x.test/\r\nBcc: eve@example.com"),
        replace(a_recipient(1), unsubscribe_url="https://x.test/>, <mailto:eve@example.com"),
        replace(a_recipient(1), send_id="s" * 1_001),
        a_recipient(1, values=("x" * 10_000, "", "")),
        a_recipient(1, values=("one",)),
    ],
)
def test_a_recipient_that_breaks_a_limit_is_named(wrong: Recipient) -> None:
    with pytest.raises(UnbuildableRecipientsError) as caught:
        build_body(a_request(a_recipient(0), wrong, a_recipient(2)))
    assert list(caught.value.reasons) == [1]
    assert "@" not in caught.value.reasons[1]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (a_request_to(1001), "1 to 1000 recipients"),
        (replace(a_request_to(1), recipients=()), "1 to 1000 recipients"),
        (
            a_request(a_recipient(1, email="B@example.com"), a_recipient(2, email="b@example.com")),
            "an address occurs twice",
        ),
        (replace(a_request_to(1), category=""), "category"),
        (replace(a_request_to(1), category="c" * 256), "category"),
    ],
)
def test_a_request_over_a_limit_is_not_built(request_: MailRequest, words: str) -> None:
    with pytest.raises(UnbuildableError, match=words):
        build_body(request_)


def test_a_thousand_recipients_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    body = build_body(a_request_to(1000))
    assert len(json.loads(body)["personalizations"]) == 1000
    monkeypatch.setattr(sendgrid_payload, "MAX_BODY_BYTES", len(body) - 1)
    with pytest.raises(BodyTooLargeError):
        build_body(a_request_to(1000))


def test_a_long_name_is_cut_and_a_bare_one_left_out() -> None:
    assert clean_name("x" * 100) == "x" * MAX_NAME_CHARACTERS
    assert clean_name("a" * 77 + " bc") == "a" * 77
    assert clean_name(" ;,\r\n ") == ""
    assert clean_name("Ann\u202e\tLee, MD;") == "Ann Lee MD"
    assert clean_name("東京 太郎 👩‍🚀") == "東京 太郎 👩‍🚀"


@given(st.text(alphabet=st.characters(), max_size=120))
def test_any_name_passes_the_provider_s_checks(name: str) -> None:
    cleaned = clean_name(name)
    assert len(cleaned) <= MAX_NAME_CHARACTERS
    assert not set(cleaned) & set(";,\r\n\x00\u2028\u202e")
    assert cleaned == clean_name(cleaned)
    assert errors_in(the_body(a_request(a_recipient(1, name=name))), {}) == []
