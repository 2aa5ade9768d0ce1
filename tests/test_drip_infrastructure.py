"""End to end: from the CSV file to the provider's answer and the contact's timeline."""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from crm.contact_import import ContactImport, ImportChoices, ImportSummary
from crm.imports.columns import recognise
from crm.imports.reader import open_contact_file
from crm.records.contacts import ContactDraft
from crm.records.states import EmailStatus
from db_service import DbService
from tests.cast import ALICE_ID, NOW
from tests.conftest import Raw
from tests.database.sending import values
from tests.scheduler.conftest import (
    Scheduler,
    clock,
    library,
    scheduler,
    sender,
    settings_for,
)
from tests.standins.sendgrid import SendGridStandIn

__all__ = ["clock", "library", "scheduler", "sender", "settings_for"]

CSV = """\
First Name,Last Name,Email,Company Name,Industry,Time Zone,Email Opted Out
Ada,Byron,Ada.Byron@Engines.example,Engines Ltd,Manufacturing,America/New_York,
Grace,Hopper,grace@navy.example,Navy Yard,,America/New_York,false
"Lee, Ann",Wu,ann@wu.example,=cmd|' /C calc'!A0,Healthcare,America/New_York,
Gone,Already,gone@optout.example,Optout,,,true
No,Address,not-an-address,Nowhere,,,
Ada,Twice,ada.byron@engines.example,Engines Ltd,Manufacturing,,
"""


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    path = tmp_path / "hubspot.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def _import(service: DbService, path: Path) -> ImportSummary:
    file = open_contact_file(path)
    choices = ImportChoices(
        mapping=recognise(file.headers),
        known_types=frozenset(kind.key for kind in service.contacts.types()),
        default_type="lead",
        default_country="US",
        enroll=True,
    )
    importing = ContactImport(file, choices, service.contact_imports)
    list(importing.run(now=NOW))
    return importing.summary


def _told(service: DbService, contact: str) -> list[str]:
    """The timeline in the order things happened."""
    return [a.summary for a in reversed(service.activities.timeline(contact))]


def _in_order(expected: Sequence[str], told: Sequence[str]) -> bool:
    rest = iter(told)
    return all(any(line.startswith(start) for line in rest) for start in expected)


def test_a_file_becomes_leads_who_get_their_first_e_mail_and_a_timeline(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    library: None,
    csv_file: Path,
) -> None:
    summary = _import(service, csv_file)
    assert (summary.read, summary.imported) == (6, 3)
    assert summary.read == sum(
        (
            summary.imported,
            summary.updated,
            summary.unchanged,
            summary.skipped,
            summary.suppressed,
            summary.archived,
            summary.rejected,
        )
    )

    report = scheduler.tick()

    assert (report["accepted"], report["requests"], report["error"]) == (3, 1, "")
    assert Counter(mail.to for mail in sendgrid_standin.accepted) == {
        "ada.byron@engines.example": 1,
        "grace@navy.example": 1,
        "ann@wu.example": 1,
    }
    ada = service.contacts.by_email("ada.byron@engines.example")
    assert ada is not None
    name = service.templates.published()
    first = next(v.name for v in name if v.step == 1 and v.id == _template_of(service, ada.id))
    assert _in_order(
        ["Imported from ", "Enrolled in Lead", f"E-mail sent: {first}"], _told(service, ada.id)
    )
    sent = service.sends.sent(contact_id=ada.id, limit=5)
    assert [(s.status, s.provider, bool(s.provider_message_id)) for s in sent] == [
        ("accepted", "sendgrid", True)
    ]


def _template_of(service: DbService, contact: str) -> str:
    lead = next(c for c in service.campaigns.overview() if c.key == "lead")
    assert service.sends.sent(contact_id=contact, limit=1)[0].campaign_id == lead.id
    return next(
        v.id for v in service.templates.published() if v.campaign_id == lead.id and v.step == 1
    )


def test_importing_again_sends_nobody_anything_again(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    library: None,
    csv_file: Path,
) -> None:
    _import(service, csv_file)
    scheduler.tick()
    again = _import(service, csv_file)
    assert (again.imported, again.updated) == (0, 0)
    assert scheduler.tick().get("claimed", 0) == 0
    assert len(sendgrid_standin.accepted) == 3


def test_somebody_who_opted_out_is_never_written_to_nor_enrolled_by_hand(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    library: None,
    csv_file: Path,
) -> None:
    _import(service, csv_file)
    scheduler.tick()
    assert "gone@optout.example" not in {mail.to for mail in sendgrid_standin.accepted}
    gone = service.contacts.by_email("gone@optout.example")
    assert gone is not None
    assert gone.email_status == "unsubscribed"
    enrolled = service.enrollments.enroll([gone.id], campaign_id=None, source="manual", now=NOW)
    assert [outcome.outcome for outcome in enrolled] == ["unsubscribed"]


def _live_through(scheduler: Scheduler, raw: Raw, *, days: int) -> None:
    """A tick every hour, the idle ones left out."""
    end = scheduler.clock() + timedelta(days=days)
    while (at := _next_due(raw)) is not None and at <= end:
        hours = max(0, math.ceil((at - scheduler.clock()) / timedelta(hours=1)))
        assert scheduler.tick(hours=hours)["error"] == ""
    scheduler.clock.now = end


def _next_due(raw: Raw) -> datetime | None:
    due = "select min(next_send_at) from campaign_enrollments where status = 'active'"
    return cast("datetime | None", values(raw, due)[0])


def test_a_type_change_there_and_back_repeats_no_e_mail(
    scheduler: Scheduler,
    service: DbService,
    alice: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    library: None,
) -> None:
    draft = ContactDraft(
        first_name="Ada", email="ada@engines.example", contact_type="lead", owner_id=ALICE_ID
    )
    ada = alice.contacts.add(draft, created_by=ALICE_ID, now=NOW)
    _live_through(scheduler, raw, days=10)
    as_lead = len(sendgrid_standin.accepted)
    assert as_lead >= 2

    alice.contacts.change_type([ada], "prospect", now=scheduler.clock())
    _live_through(scheduler, raw, days=10)
    as_prospect = len(sendgrid_standin.accepted) - as_lead
    assert as_prospect >= 2

    alice.contacts.change_type([ada], "lead", now=scheduler.clock())
    _live_through(scheduler, raw, days=120)

    subjects = Counter(mail.subject for mail in sendgrid_standin.accepted)
    assert set(subjects.values()) == {1}
    steps = values(
        raw,
        "select s.step from email_sends s join drip_campaigns d on d.id = s.campaign_id"
        " where d.key = 'lead' order by s.claimed_at",
    )
    assert steps == [1, 2, 3, 4, 5, 6]
    told = _told(service, ada)
    assert {
        "Contact added",
        "Enrolled in Lead",
        "Type changed from Lead to Prospect",
        "Lead stopped: the contact type changed",
        "Enrolled in Prospect",
        "Type changed from Prospect to Lead",
        "Prospect stopped: the contact type changed",
        "Lead completed",
    } <= set(told)
    assert sum(words.startswith("E-mail sent: ") for words in told) == len(subjects)


def test_an_unsubscribe_ends_the_story(
    scheduler: Scheduler,
    service: DbService,
    alice: DbService,
    sendgrid_standin: SendGridStandIn,
    library: None,
) -> None:
    draft = ContactDraft(
        first_name="Ada", email="ada@engines.example", contact_type="lead", owner_id=ALICE_ID
    )
    ada = alice.contacts.add(draft, created_by=ALICE_ID, now=NOW)
    scheduler.tick()
    service.contacts.set_email_status(
        ada, EmailStatus.UNSUBSCRIBED, reason="Used the link", now=NOW + timedelta(hours=1)
    )
    for _ in range(20):
        scheduler.tick(days=2)
    assert len(sendgrid_standin.accepted) == 1
    assert "Unsubscribed: Used the link" in _told(service, ada)


def test_the_networking_sequence_arrives_whole_in_order_and_inside_the_window(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    library: None,
) -> None:
    draft = ContactDraft(
        first_name="Taro",
        email="taro@tokyo.example",
        contact_type="networking",
        country="JP",
        time_zone="Asia/Tokyo",
    )
    service.contacts.add(draft, created_by=None, now=NOW)
    _live_through(scheduler, raw, days=90)
    moments = values(
        raw, "select handed_over_at at time zone 'Asia/Tokyo' from email_sends order by step"
    )
    assert len(moments) == 8
    assert moments == sorted(moments)
    assert all(at.weekday() < 5 and 9 <= at.hour < 17 for at in moments)
    assert timedelta(weeks=6) < moments[-1] - moments[0] < timedelta(weeks=12)
    assert values(raw, "select status from campaign_enrollments") == ["completed"]
