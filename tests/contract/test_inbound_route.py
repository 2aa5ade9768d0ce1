"""Replies over real HTTP, really signed, with a real database behind."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from crm.database.errors import DatabaseUnreachableError, InvalidValueError
from crm.mail.replies import ReplyKind
from crm.records.events import EventRecords
from crm.settings import Settings
from crm.web import clock, inbound
from db_service import DbService, connect, disconnect
from tests import cast
from tests.conftest import AContact, PublishedSteps, Raw
from tests.contract.public_site import KEY, serving
from tests.standins import inbound_mail
from tests.standins.inbound_mail import InboundParse
from tests.unit.reply_samples import Sample

PARSE = InboundParse()
GRACE = "grace@customer.example"


@dataclass(frozen=True)
class Inbox:
    """SendGrid's side of the webhook."""

    client: httpx.Client
    parse: InboundParse

    def post(self, body: bytes, **headers: str) -> httpx.Response:
        signed = self.parse.headers(body, cast.NOW)
        return self.client.post(inbound.PATH, content=body, headers=signed | headers)

    def deliver(self, sample: Sample, *, raw: bool = False) -> str:
        build = inbound_mail.raw if raw else inbound_mail.parsed
        answer = self.post(build(sample.source, envelope_from=sample.envelope_from))
        assert answer.status_code == 200
        return str(answer.json()["outcome"])


@pytest.fixture
def inbox(
    address: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Inbox]:
    monkeypatch.setattr(clock, "now", lambda: cast.NOW)
    key = getattr(request, "param", PARSE.public_key)
    # The connection that is open already is the one that is served.
    connect(
        Settings(
            database_url=SecretStr(address),
            app_secret_keys=SecretStr(KEY),
            sendgrid_inbound_public_key=key,
            _env_file=None,
        )
    )
    try:
        with serving(inbound.routes, address) as client:
            yield Inbox(client, PARSE)
    finally:
        disconnect()


@pytest.fixture
def grace(a_contact: AContact, published_steps: PublishedSteps) -> str:
    """A lead in her campaign."""
    published_steps("lead", 2)
    return a_contact(email=GRACE)


def _mail(
    name: str, body: str, *, subject: str = "Re: lead 1", headers: str = "", **more: Any
) -> Sample:
    return Sample(
        name=name, kind=ReplyKind.PERSON, subject=subject, headers=headers, body=body, **more
    )


def _enrollment(raw: Raw, contact_id: str) -> tuple[str, str]:
    row = raw.execute(
        "select status, reason from campaign_enrollments where contact_id = %s", (contact_id,)
    ).fetchone()
    assert row is not None
    return row["status"], row["reason"]


def _contact(raw: Raw, contact_id: str) -> dict[str, Any]:
    row = raw.execute(
        "select email_status, quiet_until from contacts where id = %s", (contact_id,)
    ).fetchone()
    assert row is not None
    return row


def _timeline(service: DbService, contact_id: str) -> list[tuple[str, str]]:
    return [(entry.kind, entry.summary) for entry in service.activities.timeline(contact_id)]


def _quarantine(raw: Raw) -> list[dict[str, Any]]:
    return raw.execute("select source, problem, payload from quarantined_messages").fetchall()


@pytest.mark.parametrize("as_raw", [False, True], ids=["parsed", "raw"])
def test_a_persons_reply_stops_the_enrollment_and_is_on_the_timeline(
    inbox: Inbox, grace: str, raw: Raw, service: DbService, as_raw: bool
) -> None:
    assert _enrollment(raw, grace)[0] == "active"
    reply = _mail("r1", "Call me on Thursday.\n\n> Unsubscribe me\n")
    assert inbox.deliver(reply, raw=as_raw) == "stored"
    assert _enrollment(raw, grace) == ("stopped", "replied")
    assert _contact(raw, grace)["email_status"] == "ok"
    replies = [words for kind, words in _timeline(service, grace) if kind == "reply"]
    assert len(replies) == 1
    assert "Call me on Thursday." in replies[0]
    assert "Unsubscribe" not in replies[0]


def test_an_automatic_reply_stops_nothing(
    inbox: Inbox, grace: str, raw: Raw, service: DbService
) -> None:
    reply = _mail("r2", "Ticket 4711. Unsubscribe me.", headers="Auto-Submitted: auto-replied\n")
    assert inbox.deliver(reply) == "stored"
    assert _enrollment(raw, grace)[0] == "active"
    assert _contact(raw, grace) == {"email_status": "ok", "quiet_until": None}
    assert [kind for kind, _ in _timeline(service, grace)].count("auto_reply") == 1


def test_out_of_office_holds_until_the_day_after_the_return(
    inbox: Inbox, grace: str, raw: Raw
) -> None:
    reply = _mail(
        "r3", "I am back in the office on Monday, March 16th.", subject="Automatic reply: lead 1"
    )
    assert inbox.deliver(reply) == "stored"
    assert _enrollment(raw, grace)[0] == "active"
    assert _contact(raw, grace)["quiet_until"] == datetime(2026, 3, 17, tzinfo=UTC)


def test_remove_me_suppresses_the_address(inbox: Inbox, grace: str, raw: Raw) -> None:
    assert inbox.deliver(_mail("r4", "Please remove me from your list.")) == "stored"
    assert _enrollment(raw, grace)[0] == "stopped"
    assert _contact(raw, grace)["email_status"] != "ok"
    found = raw.execute("select email from suppressions").fetchall()
    assert [row["email"] for row in found] == [GRACE]


def test_the_same_message_twice_is_one(inbox: Inbox, grace: str, service: DbService) -> None:
    reply = _mail("r5", "Hello")
    assert [inbox.deliver(reply), inbox.deliver(reply)] == ["stored", "repeated"]
    assert [kind for kind, _ in _timeline(service, grace)].count("reply") == 1


def test_a_reply_from_a_stranger_is_kept_for_a_person_to_look_at(inbox: Inbox, raw: Raw) -> None:
    stranger = _mail("r6", "Who are you?", sender="Ada <Ada@Else.example>")
    assert inbox.deliver(stranger) == "quarantined"
    (kept,) = _quarantine(raw)
    assert kept["source"] == "inbound"
    assert json.loads(kept["payload"]) == {
        "from": "ada@else.example",
        "subject": "Re: lead 1",
        "text": "Who are you?",
    }


@pytest.mark.parametrize(
    "sample",
    [
        _mail("r7", "Away.", sender="ada@else.example", headers="Auto-Submitted: auto-replied\n"),
        _mail("r8", "Failed.", sender="<>", envelope_from=""),
    ],
    ids=["stranger", "bounce"],
)
def test_automatic_mail_from_nowhere_leaves_no_trace(
    inbox: Inbox, raw: Raw, sample: Sample
) -> None:
    body = inbound_mail.form(
        {"headers": sample.source.partition(b"\n\n")[0], "text": sample.body.encode()}
        | ({"envelope": b'{"from": ""}'} if sample.envelope_from == "" else {})
    )
    assert inbox.post(body).json() == {"outcome": "ignored"}
    assert _quarantine(raw) == []


@pytest.mark.parametrize(
    "body",
    [b"rubbish", inbound_mail.form({"other": b"x"}), inbound_mail.form({"text": b"who? \0 \xff"})],
    ids=["no form", "no fields", "no sender"],
)
def test_what_cannot_be_read_is_put_aside_and_not_asked_for_again(
    inbox: Inbox, raw: Raw, body: bytes
) -> None:
    answer = inbox.post(body)
    assert (answer.status_code, answer.json()) == (200, {"outcome": "quarantined"})
    assert len(_quarantine(raw)) == 1


def test_a_forged_signature_changes_nothing(inbox: Inbox, grace: str, raw: Raw) -> None:
    body = inbound_mail.parsed(_mail("r9", "Remove me").source)
    genuine = PARSE.headers(body, cast.NOW)
    forgeries = [
        InboundParse().headers(body, cast.NOW),
        genuine | {"X-Twilio-Email-Event-Webhook-Timestamp": "1773154801"},
        {name: value for name, value in genuine.items() if "Signature" not in name},
        PARSE.headers(body + b"x", cast.NOW),
    ]
    answers = [inbox.client.post(inbound.PATH, content=body, headers=h) for h in forgeries]
    assert {answer.status_code for answer in answers} == {403}
    assert _enrollment(raw, grace)[0] == "active"
    assert _quarantine(raw) == []


@pytest.mark.parametrize("inbox", [""], indirect=True, ids=["none"])
def test_without_a_key_nothing_is_believed(inbox: Inbox) -> None:
    answer = inbox.post(inbound_mail.parsed(_mail("r10", "Hello").source))
    assert answer.status_code == 503
    assert "SENDGRID_INBOUND_PUBLIC_KEY" in answer.json()["error"]


def test_a_body_over_the_limit_is_refused(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound, "MAX_BODY_BYTES", 1_000)
    answer = inbox.post(inbound_mail.form({"text": b"x" * 1_001}))
    assert answer.status_code == 413


def test_a_large_mail_with_attachments_is_taken_in(inbox: Inbox, grace: str, raw: Raw) -> None:
    fields = {"headers": _mail("r11", "").source, "text": b"Here it is."}
    body = inbound_mail.form(fields, {"attachment1": ("plan.pdf", b"%" * 20_000_000)})
    assert inbox.post(body).json() == {"outcome": "stored"}
    assert _enrollment(raw, grace) == ("stopped", "replied")


def test_a_database_that_is_away_makes_the_provider_repeat(
    inbox: Inbox, grace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> str:
        raise DatabaseUnreachableError("away")

    body = inbound_mail.parsed(_mail("r12", "Hello").source)
    with monkeypatch.context() as patched:
        patched.setattr(EventRecords, "record_reply", away)
        assert inbox.post(body).status_code == 503
    assert inbox.post(body).json() == {"outcome": "stored"}


def test_a_reply_the_database_refuses_is_put_aside(
    inbox: Inbox, grace: str, raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise InvalidValueError("A value was refused.")

    monkeypatch.setattr(EventRecords, "record_reply", refuse)
    assert inbox.deliver(_mail("r13", "Hello")) == "quarantined"
    assert len(_quarantine(raw)) == 1


@pytest.mark.parametrize(
    "fault", ["revoke execute on function {} from service_role", "drop function {}"]
)
def test_our_own_fault_makes_the_provider_repeat_and_puts_nothing_aside(
    inbox: Inbox, grace: str, raw: Raw, fault: str
) -> None:
    (found,) = raw.execute(
        "select oid::regprocedure::text as name from pg_proc where proname = 'record_reply'"
    ).fetchall()
    raw.execute(fault.format(found["name"]))
    answer = inbox.post(inbound_mail.parsed(_mail("r16", "Remove me").source))
    assert answer.status_code == 500
    assert _quarantine(raw) == []


def test_other_methods_are_refused_in_json(inbox: Inbox) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = inbox.client.request(method, inbound.PATH)
        assert answer.status_code == 405
        assert answer.headers["content-type"] == "application/json"


def test_the_log_names_nobody(inbox: Inbox, grace: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        inbox.deliver(_mail("r14", "A secret word", subject="A secret subject"))
        inbox.deliver(_mail("r15", "A secret word", sender="ada@else.example"))
    logged = caplog.text
    assert "a reply came in: stored" in logged
    for personal in ("secret", "grace", "ada@", "customer.example"):
        assert personal not in logged
