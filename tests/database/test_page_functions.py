"""What people do from the pages: pause, resume, stop, retry, publish; and the lists they read."""

import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from crm.records.contacts import ContactDraft, ContactSearch
from crm.records.engine import Settlement
from crm.records.templates import TemplateDraft
from db_service import ConflictError, DbService, NotAllowedError, RuleBrokenError
from tests.cast import ALICE_ID, CAROL_ID, NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, live, one, values

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    published_steps("lead", 2)
    published_steps("client", 2)


def _enrollment(service: DbService, contact: str) -> str:
    return service.enrollments.of_contact(contact)[0].id


def test_pausing_keeps_the_place_and_resuming_goes_on_there(
    service: DbService, alice: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    enrollment = _enrollment(service, contact)
    before = service.enrollments.of_contact(contact)[0]
    assert alice.enrollments.change([enrollment], "pause", now=NOW) == 1
    assert SlowScheduler(service).claim() == []
    assert alice.enrollments.change([enrollment], "pause", now=NOW) == 0, "it is paused already"
    assert alice.enrollments.change([enrollment], "resume", now=NOW) == 1
    assert service.enrollments.of_contact(contact)[0] == before
    summaries = [a.summary for a in service.activities.timeline(contact)]
    assert {"Lead paused: paused by hand", "Lead resumed"} <= set(summaries)


def test_stopping_all_ends_everything_for_a_contact(
    raw: Raw, alice: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    assert alice.enrollments.stop_all(contact, now=NOW) == 1
    assert live(raw, contact) == []
    assert alice.enrollments.stop_all(contact, now=NOW) == 0


def test_sales_people_change_only_enrollments_of_their_own_contacts(
    service: DbService, alice: DbService, bob: DbService, a_contact: AContact
) -> None:
    enrollment = _enrollment(service, a_contact(owner_id=CAROL_ID))
    assert alice.enrollments.change([enrollment], "stop", now=NOW) == 0
    assert bob.enrollments.change([enrollment], "stop", now=NOW) == 1
    with pytest.raises(NotAllowedError):
        alice.enrollments.restart(enrollment, now=NOW)


def test_an_unknown_action_is_refused(service: DbService, a_contact: AContact) -> None:
    with pytest.raises(Exception, match="use pause, resume or stop"):
        service.enrollments.change([_enrollment(service, a_contact())], "delete", now=NOW)  # type: ignore[arg-type]


def test_resuming_is_refused_for_a_contact_in_another_type_campaign_by_now(
    raw: Raw, service: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    lead = _enrollment(service, contact)
    service.enrollments.change([lead], "pause", now=NOW)
    client = values(raw, "select id::text from drip_campaigns where key = 'client'")[0]
    outcome = service.enrollments.enroll([contact], campaign_id=client, source="manual", now=NOW)
    assert outcome[0].outcome == "enrolled"
    assert service.enrollments.change([lead], "resume", now=NOW) == 0
    newer = next(e.id for e in service.enrollments.of_contact(contact) if e.id != lead)
    service.enrollments.change([newer], "pause", now=NOW)
    assert service.enrollments.change([lead, newer], "resume", now=NOW) == 1
    assert (
        live(raw, contact).count(("client", "active"))
        + live(raw, contact).count(("lead", "active"))
        == 1
    )


def _fail(service: DbService, contact: str, now: datetime = NOW) -> str:
    scheduler = SlowScheduler(service)
    send = scheduler.claim(now)[0].send_id
    scheduler.hand_over([send], now)
    scheduler.settle([Settlement(send_id=send, status="failed", reason="Too large.")], now)
    assert service.enrollments.of_contact(contact)[0].reason == "send_failed"
    return send


def test_resuming_after_a_failed_e_mail_goes_on_with_the_next_one(
    service: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    _fail(service, contact)
    assert service.enrollments.change([_enrollment(service, contact)], "resume", now=NOW) == 1
    row = service.enrollments.of_contact(contact)[0]
    assert (row.status, row.next_position, row.next_send_at) == ("active", 2, NOW + 7 * DAY)


def test_resuming_after_the_last_e_mail_failed_completes(
    raw: Raw, service: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    raw.execute("update drip_campaign_templates set status = 'retired' where step = 2")
    _fail(service, contact)
    assert service.enrollments.change([_enrollment(service, contact)], "resume", now=NOW) == 1
    assert service.enrollments.of_contact(contact)[0].status == "completed"


def test_an_admin_tries_a_failed_e_mail_again(
    service: DbService, alice: DbService, bob: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    send = _fail(service, contact)
    with pytest.raises(NotAllowedError):
        alice.sends.retry_failed([send], now=NOW)
    assert bob.sends.retry_failed([send], now=NOW) == 1
    assert [c.send_id for c in SlowScheduler(service).claim()] == [send]


def test_a_failed_e_mail_is_not_tried_again_once_the_enrollment_went_on(
    service: DbService, bob: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    send = _fail(service, contact)
    service.enrollments.change([_enrollment(service, contact)], "resume", now=NOW)
    assert bob.sends.retry_failed([send], now=NOW) == 0
    assert [s.id for s in service.sends.held(limit=10)] == [send]
    newer = _fail(service, contact, NOW + 7 * DAY)
    assert bob.sends.retry_failed([send], now=NOW) == 0, "it waits at the newer one by now"
    assert bob.sends.retry_failed([send, newer], now=NOW) == 1


def test_restarting_a_campaign_without_e_mails_says_so(
    raw: Raw, service: DbService, a_contact: AContact
) -> None:
    enrollment = _enrollment(service, a_contact())
    raw.execute("update drip_campaign_templates set status = 'retired'")
    with pytest.raises(RuleBrokenError, match="no published e-mails"):
        service.enrollments.restart(enrollment, now=NOW)


def test_only_an_admin_asks_for_a_run_and_resumes_sending(alice: DbService) -> None:
    with pytest.raises(NotAllowedError):
        alice.scheduler_runs.request(now=NOW)
    with pytest.raises(NotAllowedError):
        alice.app_settings.resume_sending(now=NOW)


@pytest.fixture
def draft(raw: Raw) -> TemplateDraft:
    return TemplateDraft(
        campaign_id=values(raw, "select id::text from drip_campaigns where key = 'prospect'")[0],
        step=1,
        name="First",
        subject="Hello",
        preheader="",
        body="Text",
        delay_days=0,
        content_hash="hash-1",
        compiled={"subject": "Hello", "html": "", "text": "", "slots": []},
    )


def test_publishing_makes_the_next_version_and_retires_the_last(
    raw: Raw, bob: DbService, draft: TemplateDraft
) -> None:
    first = bob.templates.publish(draft, now=NOW)
    second = bob.templates.publish(replace(draft, subject="Hi", content_hash="hash-2"), now=NOW)
    assert (first.version, second.version, second.status) == (1, 2, "published")
    kept = bob.templates.get(first.id)
    assert kept is not None
    assert (kept.status, kept.subject, kept.body) == ("retired", "Hello", "Text")
    publisher = one(
        raw,
        "select created_by::text as id from drip_campaign_templates where id = %s",
        second.id,
    )
    assert publisher["id"] == bob.identity.user_id


def test_publishing_the_same_text_again_changes_nothing(
    raw: Raw, bob: DbService, draft: TemplateDraft
) -> None:
    first = bob.templates.publish(draft, now=NOW)
    assert bob.templates.publish(draft, now=NOW + DAY) == first


def test_only_admins_and_the_service_publish(
    alice: DbService, service: DbService, draft: TemplateDraft
) -> None:
    with pytest.raises(NotAllowedError):
        alice.templates.publish(draft, now=NOW)
    assert service.templates.publish(draft, now=NOW).version == 1


def test_a_moved_e_mail_keeps_its_number_and_its_new_place(
    raw: Raw, bob: DbService, draft: TemplateDraft
) -> None:
    bob.templates.publish(draft, now=NOW)
    raw.execute("update drip_campaign_templates set position = 5 where name = 'First'")
    newer = bob.templates.publish(replace(draft, content_hash="hash-2"), now=NOW)
    assert (newer.step, newer.position) == (1, 5)


def test_a_contact_added_from_the_form_starts_its_campaign(alice: DbService) -> None:
    draft = ContactDraft(
        first_name="Ada", email="ada@customer.example", contact_type="lead", owner_id=ALICE_ID
    )
    contact = alice.contacts.get(alice.contacts.add(draft, created_by=ALICE_ID, now=NOW))
    assert contact is not None
    assert (contact.full_name, contact.campaign_name, contact.enrollment_status) == (
        "Ada",
        "Lead",
        "active",
    )
    with pytest.raises(ConflictError, match="address already"):
        alice.contacts.add(draft, created_by=ALICE_ID, now=NOW)
    assert alice.contacts.change(contact.id, replace(draft, city="Bath"), now=NOW)
    assert alice.contacts.archive([contact.id], now=NOW) == 1
    assert alice.contacts.archive([contact.id], now=NOW) == 0
    assert alice.contacts.unarchive([contact.id], now=NOW) == 1


def test_sales_people_change_only_their_own_contacts(alice: DbService, a_contact: AContact) -> None:
    others = a_contact(owner_id=CAROL_ID)
    assert alice.contacts.change(others, ContactDraft(first_name="Mine now"), now=NOW) is False
    assert alice.contacts.get(others) is not None, "everybody on the staff reads every contact"


def test_lists_page_newest_first_without_gap_or_repeat(
    alice: DbService, a_contact: AContact
) -> None:
    added = []
    for _ in range(7):
        added.append(a_contact())
        time.sleep(0.002)  # ids are ordered by the millisecond
    seen: list[str] = []
    before = None
    while True:
        page = alice.contacts.page(before=before, size=3)
        seen += [c.id for c in page.contacts]
        before = page.next_before
        if before is None:
            break
    assert seen == added[::-1]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (ContactSearch(text="ADA  lov"), 1),
        (ContactSearch(text="100%"), 1),
        (ContactSearch(text="100_"), 0),
        (ContactSearch(contact_types=("client",)), 1),
        (ContactSearch(email_statuses=("ok",)), 2),
        (ContactSearch(owner_id=ALICE_ID), 2),
        (ContactSearch(industry="Finance"), 1),
        (ContactSearch(tag="vip"), 1),
        (ContactSearch(archived=True), 0),
    ],
)
def test_filters_find_what_they_say(
    alice: DbService, a_contact: AContact, search: ContactSearch, found: int
) -> None:
    a_contact(first_name="Ada", last_name="Lovelace", industry="Finance", tags=["vip"])
    a_contact(company_name="100% Cotton", contact_type="client")
    assert alice.contacts.count(search) == found
    assert len(alice.contacts.page(search).contacts) == found


def test_the_overview_counts_each_campaign(
    service: DbService, bob: DbService, a_contact: AContact
) -> None:
    first, *_ = [a_contact() for _ in range(3)]
    service.enrollments.change([_enrollment(service, first)], "pause", now=NOW)
    assert service.enrollments.count_due(now=NOW) == 2
    assert [r["due"] for r in service.engine.due_by_step(now=NOW)] == [2]
    SlowScheduler(service).send_all(next_step=2)
    lead = next(c for c in bob.campaigns.overview() if c.key == "lead")
    assert (lead.active_count, lead.paused_count, lead.step_count) == (2, 1, 2)
    assert lead.next_send_at is not None
    assert [s.status for s in bob.sends.sent(limit=10)] == ["accepted", "accepted"]
