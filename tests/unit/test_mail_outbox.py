"""The outbox: e-mail as files, for a system without a provider's key."""

import email
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.mail.delivery import deliver
from crm.mail.finished_mail import finished_mail
from crm.mail.message import Accepted, NotSent, Recipient, RecipientsRefused, Refused
from crm.mail.outbox_sender import OutboxSender
from tests.standins.mail_requests import SENDER, a_recipient, a_request, a_request_to

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def outbox(tmp_path: Path) -> OutboxSender:
    return OutboxSender(tmp_path, clock=lambda: NOON)


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_it_writes_a_mail_that_mail_programs_open(outbox: OutboxSender, tmp_path: Path) -> None:
    answer = outbox.send(
        a_request(a_recipient(1, values=("Ålice", "<b>Ålice</b>", "https://x.test")))
    )
    assert isinstance(answer, Accepted)
    assert (answer.message_id or "").startswith("outbox-")
    message = parsed((tmp_path / "2026-03-02" / "send-1.eml").read_bytes())
    assert message["Subject"] == "A word for Ålice"
    assert message["To"] == "Alice <alice1@example.com>"
    assert message["From"] == "Carol of MPT <carol@mpt.test>"
    assert message["Reply-To"] == "replies@mpt.test"
    assert message["Date"].datetime == NOON
    assert message["Message-ID"] == "<send-1@mpt.test>"
    assert message.get_content_type() == "multipart/alternative"
    assert "Dear <b>Ålice</b>," in part(message, "html")
    assert part(message, "plain").endswith("Unsubscribe: https://x.test\n")


def test_a_long_unsubscribe_header_stays_readable() -> None:
    url = "https://crm.mpt.test/unsubscribe/" + "t" * 150
    raw = finished_mail(a_request(), replace(a_recipient(1), unsubscribe_url=url), at=NOON)
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw


def test_writing_again_gives_the_same_file_and_nothing_half_written(
    outbox: OutboxSender, tmp_path: Path
) -> None:
    outbox.send(a_request_to(3))
    outbox.send(a_request_to(3))
    names = sorted(path.name for path in (tmp_path / "2026-03-02").iterdir())
    assert names == ["send-0.eml", "send-1.eml", "send-2.eml"]


@pytest.mark.parametrize(
    "wrong",
    [
        replace(a_recipient(1), send_id="../../etc/passwd"),
        replace(a_recipient(1), send_id=""),
        a_recipient(1, email="not an address"),
        a_recipient(1, email="a@b.test>\r\nBcc: <eve@example.com"),
        a_recipient(1, values=("only one",)),
        replace(a_recipient(1), unsubscribe_url="https://x.test/\r\nBcc: eve@example.com"),
    ],
)
def test_a_mail_that_cannot_be_written_fails_alone(
    outbox: OutboxSender, tmp_path: Path, wrong: Recipient
) -> None:
    request = a_request(a_recipient(0), wrong)
    answer = outbox.send(request)
    assert isinstance(answer, RecipientsRefused)
    assert list(answer.reasons) == [1]
    assert not list(tmp_path.rglob("*.eml")), "all or none"
    assert [o.status for o in deliver(outbox, request)] == ["accepted", "failed"]
    assert [path.name for path in tmp_path.rglob("*.eml")] == ["send-0.eml"]


def test_a_sender_without_an_address_is_refused(outbox: OutboxSender) -> None:
    request = replace(a_request(), sender=replace(SENDER, email="nobody"))
    assert outbox.send(request) == Refused("the sender's address is malformed")


def test_a_folder_that_cannot_be_written_means_not_sent(tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("a file, not a folder")
    outbox = OutboxSender(tmp_path / "occupied", clock=lambda: NOON)
    assert isinstance(outbox.send(a_request()), NotSent)


def test_a_write_that_fails_midway_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "2026-03-02" / "send-1.eml").mkdir(parents=True)
    outbox = OutboxSender(tmp_path, clock=lambda: NOON)
    request = a_request_to(2)
    assert isinstance(outbox.send(request), NotSent)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


AWKWARD = st.text(alphabet=st.characters(), max_size=60) | st.sampled_from(
    [
        "Bob\r\nBcc: eve@example.com",
        "Lee, Ann; x",
        '"><script>',
        "\u202eevil",
        "=?utf-8?q?x?=",
        "a" * 300,
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(name=AWKWARD, subject=AWKWARD)
def test_no_name_or_subject_becomes_a_header(name: str, subject: str) -> None:
    recipient = a_recipient(1, name=name, values=(subject, subject, "https://x.test"))
    message = parsed(finished_mail(a_request(recipient), recipient, at=NOON))
    assert message["Bcc"] is None
    assert sorted(set(message.keys())) == sorted(message.keys())
    assert [a.addr_spec for a in message["To"].addresses] == ["alice1@example.com"]
    assert message.get_content_type() == "multipart/alternative"
    assert not message.defects
