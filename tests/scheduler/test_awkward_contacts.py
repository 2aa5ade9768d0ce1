"""Contacts that bring along too little, too much or something malicious never stop a batch."""

import html
import re
from functools import partial

import pytest

from tests.cast import ALICE_ID
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import one, values
from tests.scheduler.conftest import Scheduler
from tests.scheduler.interruptions import EngineThatPauses
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.sendgrid_records import AcceptedMail

# Every name, company and place of a contact at once.
AWKWARD = {
    "markup": "<script>alert('x')</script><b>Bo</b>",
    "a template": "{{7*7}}{% for x in y %}",
    "a header": "Eve\r\nBcc: everyone@customer.example",
    "punctuation": 'Doe, Jane; "JJ" <jane@else.example>',
    "provider tags": "-first_name- [unsubscribe] %name% mf0x12345678",
    "arabic": "محمد",
    "nothing": "",
    "blank": " \t ",
    "length": "X" * 200,
}


def _whole(mail: AcceptedMail) -> str:
    return "\n".join([mail.subject, mail.text, mail.html, mail.name, *mail.headers.values()])


@pytest.mark.parametrize("campaign", ["networking", "lead", "prospect", "client"])
def test_awkward_names_arrive_as_harmless_text(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    library: None,
    campaign: str,
) -> None:
    for number, (_, value) in enumerate(AWKWARD.items()):
        a_contact(
            contact_type=campaign,
            email=f"awkward{number}@customer.example",
            first_name=value,
            last_name=value,
            company_name=value,
            job_title=value,
            industry=value,
            city=value,
        )
    report = scheduler.tick()
    assert (report["accepted"], report["error"]) == (len(AWKWARD), "")
    for mail in sendgrid_standin.accepted:
        assert "\n" not in mail.subject
        assert "\r" not in _whole(mail)
        assert "<script>" not in mail.html
        assert "<b>Bo</b>" not in mail.html
        assert "49" not in mail.subject
        assert not re.search(r"^Bcc:", _whole(mail), re.MULTILINE)
        assert not set(mail.name) & set(",;\r\n")
        assert len(mail.personalization["to"]) == 1
        assert set(mail.headers) == {"List-Unsubscribe", "List-Unsubscribe-Post"}
        assert set(mail.personalization) <= {"to", "headers", "custom_args", "substitutions"}


def test_a_name_of_markup_is_readable_in_html_and_text(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    library: None,
) -> None:
    a_contact(first_name="<i>Ann & Bo</i>")
    scheduler.tick()
    mail = sendgrid_standin.accepted[0]
    assert "<i>Ann & Bo</i>" in mail.text
    assert "&lt;i&gt;Ann &amp; Bo&lt;/i&gt;" in mail.html
    assert "<i>Ann & Bo</i>" in html.unescape(mail.html)


def test_every_recipient_has_an_unsubscribe_link_of_their_own(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    library: None,
) -> None:
    for _ in range(3):
        a_contact()
    scheduler.tick()
    links = [mail.headers["List-Unsubscribe"].strip("<>") for mail in sendgrid_standin.accepted]
    assert len(set(links)) == 3
    for mail, link in zip(sendgrid_standin.accepted, links, strict=True):
        assert link.startswith("https://crm.mpt.example/unsubscribe/")
        assert link in mail.html
        assert link in mail.text
        assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def _with_slot(raw: Raw, published: str, source: str) -> None:
    """Puts a slot into a published version, past everything that checks it at publishing."""
    raw.execute("alter table drip_campaign_templates disable trigger guard_published_template")
    raw.execute(
        "update drip_campaign_templates set compiled = compiled || jsonb_build_object("
        "  'subject', 'For mf0xabcdef01', 'slots', jsonb_build_array(jsonb_build_object("
        "  'tag', 'mf0xabcdef01', 'form', 'text', 'source', %s::text, 'shared', false)))"
        " where id = %s",
        (source, published),
    )


def test_a_missing_merge_value_holds_that_contact_alone_and_names_the_field(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    _with_slot(raw, published_steps("lead", 2)[0], "{{ company.name }}")
    nameless = a_contact(company_name="")
    a_contact(company_name="Engines")
    report = scheduler.tick()
    assert (report["accepted"], report["postponed"]) == (1, 1)
    assert sendgrid_standin.accepted[0].subject == "For Engines"
    decision = one(
        raw, "select reason, explanation from drip_decisions where contact_id = %s", nameless
    )
    assert decision["reason"] == "missing_merge_value"
    assert "company.name" in decision["explanation"]
    raw.execute("update contacts set company_name = 'Looms' where id = %s", (nameless,))
    assert scheduler.tick(days=1)["accepted"] == 1


def test_an_e_mail_that_cannot_be_rendered_does_not_stop_the_others(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    _with_slot(raw, published_steps("lead", 1)[0], "{{ contact.first_name")
    published_steps("client", 1)
    broken = a_contact()
    a_contact(contact_type="client")
    report = scheduler.tick()
    assert (report["accepted"], report["postponed"], report["error"]) == (1, 1, "")
    assert [mail.subject for mail in sendgrid_standin.accepted] == ["client 1"]
    assert values(raw, "select reason from drip_decisions where contact_id = %s", broken) == [
        "render_failed"
    ]


def test_a_version_replaced_a_moment_after_the_claim_is_still_sent_as_claimed(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    """The desk looks again after the claim and finds the next version published already."""
    first = published_steps("lead", 1)[0]
    a_contact()
    engine = EngineThatPauses(scheduler.service._gateway)
    scheduler.service.__dict__["engine"] = engine

    def publish(subject: str) -> None:
        engine.before_claim = EngineThatPauses.before_claim
        _publish_again(raw, first, subject)

    engine.before_claim = partial(publish, "the claimed subject")
    engine.after_claim = partial(publish, "a newer subject")
    report = scheduler.tick()
    assert (report["accepted"], report.get("postponed", 0)) == (1, 0)
    assert [mail.subject for mail in sendgrid_standin.accepted] == ["the claimed subject"]


def _publish_again(raw: Raw, version: str, subject: str) -> None:
    raw.execute(
        "select publish_template(t.campaign_id, 1, (to_jsonb(t) || jsonb_build_object("
        "  'subject', n.subject, 'content_hash', n.subject,"
        "  'compiled', t.compiled || jsonb_build_object('subject', n.subject)))::text, now())"
        " from drip_campaign_templates t, (values (%s::text)) n (subject) where t.id = %s",
        (subject, version),
    )


def test_the_owner_is_named_to_the_contact_and_nobody_is_no_trouble(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    library: None,
) -> None:
    a_contact(owner_id=ALICE_ID)
    a_contact(owner_id=None)
    assert scheduler.tick()["accepted"] == 2
    for mail in sendgrid_standin.accepted:
        assert "None" not in _whole(mail)
        assert "{{" not in _whole(mail)
