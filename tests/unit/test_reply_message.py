"""Reading the provider's form and the e-mail in it: charsets, raw messages, broken ones."""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest

from crm.mail.inbound_form import MAX_PARTS, read_form
from crm.mail.received_message import UnreadableMessageError, decoded_header, sender_of
from tests.standins import inbound_mail
from tests.standins.inbound_mail import CONTENT_TYPE, form

SOURCE = "From: Grace <Grace@Customer.example>\nSubject: {subject}\nContent-Type: {kind}\n\n{body}"


def _source(body: str, *, subject: str = "Hi", kind: str = "text/plain") -> bytes:
    return SOURCE.format(subject=subject, kind=kind, body=body).encode()


def test_each_field_is_read_in_its_own_charset() -> None:
    fields = {
        "from": b"grace@customer.example",
        "subject": "Grüße".encode("iso-8859-1"),
        "text": "Привет".encode("koi8-r"),
        "html": "こんにちは".encode("iso-2022-jp"),
        "charsets": json.dumps(
            {"subject": "ISO-8859-1", "text": "koi8-r", "html": "iso-2022-jp"}
        ).encode(),
    }
    message = read_form(form(fields), CONTENT_TYPE)
    assert (message.subject, message.text, message.html) == ("Grüße", "Привет", "こんにちは")


@pytest.mark.parametrize("charset", ["x-unknown", "hex", "idna", "unicode_escape", "punycode", ""])
def test_a_charset_that_is_none_is_read_as_utf_8(charset: str) -> None:
    fields = {
        "text": "Grüße \\x".encode() + b"\xff",
        "charsets": json.dumps({"text": charset}).encode(),
    }
    assert read_form(form(fields), CONTENT_TYPE).text == "Grüße \\x\ufffd"


def test_attachments_are_stepped_over() -> None:
    body = form(
        {"from": b"grace@customer.example", "text": b"See attached."},
        {"text": ("a.txt", b"not the text"), "attachment1": ("b.pdf", b"x" * 5_000_000)},
    )
    tracemalloc.start()
    try:
        message = read_form(body, CONTENT_TYPE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert message.text == "See attached."
    assert peak < 1_000_000


def test_a_file_never_passes_for_a_field() -> None:
    body = form({"html": b"<p>Hi</p>"}, {"text": ("a.txt", b"not the text")})
    assert read_form(body, CONTENT_TYPE).text == ""


def test_a_huge_text_is_cut_and_not_refused() -> None:
    message = read_form(form({"text": b"a" * 3_000_000}), CONTENT_TYPE)
    assert len(message.text) == 1_000_000


def test_a_raw_message_gives_its_first_text_and_no_attachment() -> None:
    source = _source(
        "--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nno\n"
        "--b\nContent-Type: message/rfc822\n\nFrom: x\n\nsomebody else's\n"
        "--b\nContent-Type: multipart/alternative; boundary=c\n\n"
        "--c\nContent-Type: text/plain; charset=iso-8859-1\n"
        "Content-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe\n"
        "--c\nContent-Type: text/html\n\n<p>Hi</p>\n--c--\n--b--\n",
        kind="multipart/mixed; boundary=b",
    )
    message = read_form(inbound_mail.raw(source), CONTENT_TYPE)
    assert (message.text, message.html) == ("Grüße", "<p>Hi</p>")
    assert message.sender == "grace@customer.example"


def test_a_raw_message_cut_in_the_middle_is_read_as_far_as_it_goes() -> None:
    source = _source(
        "--b\nContent-Type: text/plain\n\nHello\n--b\nContent-Type: application/pdf\n\n"
        + "QUJD" * 1_000_000,
        kind="multipart/mixed; boundary=b",
    )
    assert read_form(inbound_mail.raw(source), CONTENT_TYPE).text == "Hello"


@pytest.mark.parametrize("sign", ["boundary=", "Boundary =", "boundary*=us-ascii''", "boundary*0="])
def test_multiparts_nested_without_end_cost_no_time(sign: str) -> None:
    nested = "".join(
        f"--b{n}\nContent-Type: multipart/mixed; {sign}b{n + 1}\n\n" for n in range(300)
    )
    text = "--b0\nContent-Type: text/plain\n\nHello\n"
    source = _source(text + nested + "\n" * 2_000_000, kind=f"multipart/mixed; {sign}b0")
    started = time.process_time()
    message = read_form(form({"email": source}), CONTENT_TYPE)
    assert time.process_time() - started < 2
    assert (message.sender, message.text) == ("grace@customer.example", "Hello")
    read_form(form({"email": source.replace(text.encode(), b"")}), CONTENT_TYPE)
    assert time.process_time() - started < 4


def test_messages_nested_without_end_are_refused() -> None:
    source = _source("Content-Type: message/rfc822\n\n" * 3_000, kind="message/rfc822")
    with pytest.raises(UnreadableMessageError, match="nested"):
        read_form(form({"email": source}), CONTENT_TYPE)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"from=grace", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"", ""),
        (b"x", "multipart/form-data"),
        (b"no boundary here", CONTENT_TYPE),
        (b"--xYzZY\r\nbroken", CONTENT_TYPE),
        (form({"other": b"x"}), CONTENT_TYPE),
        (form({f"f{n}": b"" for n in range(MAX_PARTS + 1)}), CONTENT_TYPE),
        (b"x", "multipart/form-data; boundary=" + "b" * 5_000),
    ],
)
def test_what_is_no_such_form_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(UnreadableMessageError):
        read_form(body, content_type)


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        (b'{"to": ["a@x.example"], "from": "Grace@x.example"}', "Grace@x.example"),
        (b'{"from": ""}', ""),
        (b"{}", None),
        (b"[" * 100_000, None),
        (b"\xff", None),
        (b'{"from": 1}', None),
    ],
)
def test_the_envelope_tells_a_bounce_from_not_knowing(
    envelope: bytes, expected: str | None
) -> None:
    message = read_form(form({"text": b"x", "envelope": envelope[:100_000]}), CONTENT_TYPE)
    assert message.envelope_from == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Grace <Grace@Customer.example>", "grace@customer.example"),
        ('"Hopper, Grace" <grace@customer.example>', "grace@customer.example"),
        ("=?utf-8?q?boss=40mpt=2Eexample?= <grace@customer.example>", "grace@customer.example"),
        ("grace@customer.example, ada@customer.example", "grace@customer.example"),
        ("undisclosed", ""),
        ("", ""),
        ("(" * 1_900, ""),
    ],
)
def test_the_sender_is_the_address_and_not_the_name(header: str, expected: str) -> None:
    assert sender_of(header) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("=?utf-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?iso-8859-1?Q?Gr=FC=DFe?= an alle", "Grüße an alle"),
        ("=?x-unknown?Q?abc?=", "abc"),
        ("=?utf-8?B?A?=", "=?utf-8?B?A?="),
        ("plain", "plain"),
    ],
)
def test_an_encoded_header_is_read(header: str, expected: str) -> None:
    assert decoded_header(header) == expected


@pytest.mark.parametrize("endless", [";", '; a="', "\n ;a=b", "(", "=?utf-8?q?"])
def test_a_header_without_end_costs_no_time(endless: str) -> None:
    kind = "multipart/mixed" + endless * (1_000_000 // len(endless))
    started = time.process_time()
    read_form(form({"email": _source("Hello", kind=kind)}), CONTENT_TYPE)
    assert time.process_time() - started < 2
