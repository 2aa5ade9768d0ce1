"""What kind of reply an e-mail is: real mail programs, several languages, hostile input."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.mail.inbound_form import read_form
from crm.mail.received_message import ReceivedMessage, UnreadableMessageError
from crm.mail.replies import Reply, ReplyKind, classify, own_text, read_reply
from tests.standins import inbound_mail
from tests.unit.reply_samples import PEOPLE, REMOVALS, Sample
from tests.unit.reply_samples_of_programs import ABSENCES, PROGRAMS

SIGNED_AT = datetime(2026, 3, 10, 15, 5, tzinfo=UTC)
SAMPLES = (*PEOPLE, *REMOVALS, *ABSENCES, *PROGRAMS)
by_name = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)


def _received(sample: Sample, *, raw: bool = False) -> ReceivedMessage:
    build = inbound_mail.raw if raw else inbound_mail.parsed
    body = build(sample.source, envelope_from=sample.envelope_from)
    return read_form(body, inbound_mail.CONTENT_TYPE)


def _reply(message: ReceivedMessage, body: bytes = b"") -> Reply:
    return read_reply(message, body=body, signed_at=SIGNED_AT)


def _from(**headers: str) -> ReceivedMessage:
    named = {name.lower().replace("_", "-"): (value,) for name, value in headers.items()}
    return ReceivedMessage(headers=named, sender="grace@customer.example", text="Hello")


@by_name
@pytest.mark.parametrize("raw", [False, True], ids=["parsed", "raw"])
def test_a_reply_is_read_as_what_it_is(sample: Sample, raw: bool) -> None:
    reply = _reply(_received(sample, raw=raw))
    assert reply.kind is sample.kind
    if sample.says is not None:
        assert reply.text == sample.says
    quiet_from = sample.quiet_until
    expected = (
        datetime(quiet_from.year, quiet_from.month, quiet_from.day, tzinfo=UTC)
        if quiet_from
        else None
    )
    assert reply.quiet_until == expected
    assert reply.occurred_at == datetime(2026, 3, 10, 15, 2, 11, tzinfo=UTC)
    assert reply.message_id == f"<{sample.name.replace(' ', '.')}@customer.example>"


@by_name
def test_our_own_footer_is_never_taken_for_the_writers_words(sample: Sample) -> None:
    assert "unsubscribe/abc" not in _reply(_received(sample)).text


@pytest.mark.parametrize(
    "headers",
    [
        {"auto_submitted": "auto-replied"},
        {"auto_submitted": "Auto-Generated (rejected)"},
        {"precedence": "junk"},
        {"precedence": "auto_reply"},
        {"x_autoreply": "yes"},
        {"x_autorespond": "Re: hello"},
        {"return_path": "<>"},
        {"content_type": "multipart/report; report-type=delivery-status"},
        {"list_id": "<x.example>"},
    ],
    ids=str,
)
def test_every_mark_of_a_program_is_enough(headers: dict[str, str]) -> None:
    assert classify(_from(**headers)) is ReplyKind.AUTOMATIC


@pytest.mark.parametrize(
    "headers",
    [
        {"auto_submitted": "no"},
        {"auto_submitted": " No ; x=y"},
        {"precedence": "first-class"},
        {"x_autoreply": "no"},
        {"return_path": "<grace@customer.example>"},
        {"content_type": "multipart/alternative"},
    ],
    ids=str,
)
def test_a_mark_that_says_no_keeps_a_person_a_person(headers: dict[str, str]) -> None:
    assert classify(_from(**headers)) is ReplyKind.PERSON


@pytest.mark.parametrize(
    "name", ["noreply", "no-reply+42", "do_not_reply", "postmaster", "bounces-12", "sales-request"]
)
def test_an_address_of_a_program_is_automatic(name: str) -> None:
    message = ReceivedMessage(sender=f"{name}@customer.example", text="Hi")
    assert classify(message) is ReplyKind.AUTOMATIC


@pytest.mark.parametrize("name", ["norah", "bounce.house", "nora.reply", "grace", "postmasters"])
def test_an_address_that_only_resembles_one_is_a_persons(name: str) -> None:
    assert classify(ReceivedMessage(sender=f"{name}@x.example", text="Hi")) is ReplyKind.PERSON


@pytest.mark.parametrize(
    ("given_date", "expected"),
    [
        ("Mon, 9 Mar 2026 23:30:00 -0500", datetime(2026, 3, 10, 4, 30, tzinfo=UTC)),
        ("Mon, 9 Mar 2026 23:30:00 -0000", datetime(2026, 3, 9, 23, 30, tzinfo=UTC)),
        ("Mon, 9 Mar 1970 23:30:00 +0000", SIGNED_AT),
        ("Fri, 13 Mar 2026 12:00:00 +0000", SIGNED_AT),
        ("Sat, 1 Jan 0001 00:00:00 +1400", SIGNED_AT),
        ("yesterday", SIGNED_AT),
        ("", SIGNED_AT),
    ],
)
def test_an_absurd_date_gives_way_to_the_signatures(given_date: str, expected: datetime) -> None:
    assert _reply(_from(date=given_date)).occurred_at == expected


def test_a_message_without_an_id_gets_the_same_one_at_every_delivery() -> None:
    once, again, other = (_reply(_from(), body).message_id for body in (b"a", b"a", b"b"))
    assert once == again
    assert once != other
    assert once.startswith("sha256:")


def test_an_endless_message_id_is_shortened_without_losing_its_identity() -> None:
    first, second = (_reply(_from(message_id=f"<{'x' * 900}{n}@x>")).message_id for n in (1, 2))
    assert first != second
    assert len(first) < 100


def test_a_long_reply_is_cut() -> None:
    message = ReceivedMessage(sender="a@b.example", text="word " * 10_000)
    assert len(_reply(message).text) == 5_000


def test_the_return_of_somebody_away_is_held_to_the_day_after_at_midnight() -> None:
    message = ReceivedMessage(
        headers={"auto-submitted": ("auto-replied",), "date": ("Tue, 10 Mar 2026 09:00:00 +0000",)},
        text="I am out of the office until 13/3/2026.",
    )
    # Saturday, back; Sunday 00:00 is when the send window takes over.
    assert _reply(message).quiet_until == datetime(2026, 3, 15, tzinfo=UTC)


_ANY_HEADERS = st.dictionaries(
    st.sampled_from(
        ["auto-submitted", "precedence", "date", "message-id", "subject", "content-type", "from"]
    ),
    st.tuples(st.text()),
)


@given(headers=_ANY_HEADERS, text=st.text(), html=st.text(), subject=st.text(), sender=st.text())
def test_no_text_is_too_strange_to_read(
    headers: dict[str, tuple[str]], text: str, html: str, subject: str, sender: str
) -> None:
    message = ReceivedMessage(headers=headers, text=text, html=html, subject=subject, sender=sender)
    reply = _reply(message)
    reply.text.encode()
    assert "\0" not in reply.text + reply.message_id


@given(
    fields=st.dictionaries(
        st.sampled_from(
            ["headers", "from", "subject", "text", "html", "envelope", "charsets", "email"]
        ),
        st.binary(),
        min_size=1,
    )
)
def test_no_form_field_is_too_strange_to_read(fields: dict[str, bytes]) -> None:
    try:
        message = read_form(inbound_mail.form(fields), inbound_mail.CONTENT_TYPE)
    except UnreadableMessageError:
        return
    reply = _reply(message)
    stored = (reply.message_id, reply.sender, reply.subject, reply.text)
    assert "\0" not in "".join(stored)
    "".join(stored).encode()


_PIECES = st.sampled_from(
    ["> ", "On ", "wrote:", "\n", "From: a\n", "Sent: b\n", "To: c\n", "__________", "<a ", "<!--",
     "<div class=gmail_quote>", "</div>", "remove ", "me ", "until ", "16 ", "March ", "3/4", "=?",
     "?q?", "?=", "Re: ", "-- \n", "please ", "not ", "\u3042", "\r", "\0", "&#", "back on "]
)  # fmt: skip


@given(pieces=st.lists(_PIECES, max_size=60))
def test_any_mixture_of_familiar_pieces_is_read(pieces: list[str]) -> None:
    text = "".join(pieces)
    message = ReceivedMessage(
        headers={"auto-submitted": ("auto-replied",)}, text=text, html=text, subject=text
    )
    reply = _reply(message)
    if reply.quiet_until:
        assert reply.occurred_at < reply.quiet_until <= reply.occurred_at + timedelta(days=183)


_MIME_PIECES = st.sampled_from(
    [b"From: ", b"a@b.example", b"<", b">", b"(", b'"', b"\n", b"\r\n", b" ", b"Content-Type: ",
     b"multipart/mixed; boundary=b\n", b"message/rfc822\n", b"text/plain; charset=", b"utf-8\n",
     b"text/html\n", b"--b\n", b"--b--\n", b"Content-Transfer-Encoding: ", b"base64\n",
     b"quoted-printable\n", b"x-uuencode\n", b"begin 644 a\n", b"=?utf-8?b?", b"?=", b"=C3",
     b"\xff", b"\0", b"Date: ", b"Tue, 10 Mar 2026", b"99:99 +9999",
     b"; charset*0*=x''%41", b"Subject: "]
)  # fmt: skip


@given(pieces=st.lists(_MIME_PIECES, max_size=40))
def test_any_mixture_of_mime_is_read(pieces: list[bytes]) -> None:
    body = inbound_mail.form({"email": b"".join(pieces)})
    reply = _reply(read_form(body, inbound_mail.CONTENT_TYPE))
    stored = (reply.message_id, reply.sender, reply.subject, reply.text)
    "".join(stored).encode()
    assert "\0" not in "".join(stored)


@pytest.mark.parametrize(
    "piece",
    ["<a ", "<!--", "<!---->", "<div class='gmail_quote'>", "> ", "On ", "wrote: ", "- ", "_",
     "From: a\nTo: b\n", "until ", "16 March ", "not ", "remove ", "please ", "=?utf-8?q?", "((",
     "&#", "9 to ", "back ", "a@", "\n", "On 1 wrote\n", "Sent: ", "no "],
)  # fmt: skip
def test_no_long_repetition_takes_long_to_read(piece: str) -> None:
    long = piece * (400_000 // len(piece))
    source = f"From: {long}\nSubject: {long}\n\n".encode()
    body = inbound_mail.form(
        {"headers": source, "from": long.encode(), "subject": long.encode(),
         "text": long.encode(), "html": long.encode()}
    )  # fmt: skip
    started = time.process_time()
    message = read_form(body, inbound_mail.CONTENT_TYPE)
    _reply(message)
    own_text(ReceivedMessage(html=message.html))
    assert time.process_time() - started < 5
