"""What the campaign manager lists: enrollments by filters and pages, what is put off, counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crm.records.campaign_enrollments import EnrollmentFilter
from crm.records.campaigns import Campaign
from crm.records.engine import Postponement
from crm.records.queue import QueueCounts
from db_service import DbService
from tests import cast
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw

DAY = timedelta(days=1)
ANY = EnrollmentFilter()


@pytest.fixture(autouse=True)
def steps(published_steps: PublishedSteps) -> None:
    published_steps("lead", 2)
    published_steps("client", 1)


def campaign(desk: DbService, key: str = "lead") -> Campaign:
    return next(c for c in desk.campaigns.overview() if c.key == key)


def names(desk: DbService, wanted: EnrollmentFilter = ANY, **page: object) -> list[str]:
    found = desk.campaign_enrollments.page(campaign(desk).id, wanted, size=50, **page)  # type: ignore[arg-type]
    return [one.contact_name for one in found]


def only_enrollment(desk: DbService, contact: str) -> str:
    return desk.enrollments.of_contact(contact)[0].id


def test_each_filter_narrows_and_all_that_is_given_must_hold(
    bob: DbService, a_contact: AContact
) -> None:
    ada = a_contact(first_name="Ada", last_name="", company_name="100% Cotton")
    eve = a_contact(first_name="Eve", last_name="", owner_id=cast.CAROL_ID)
    a_contact(first_name="Client", last_name="", contact_type="client")
    bob.enrollments.change([only_enrollment(bob, eve)], "pause", now=NOW)
    assert names(bob) == ["Eve", "Ada"]
    assert names(bob, EnrollmentFilter(statuses=("active",))) == ["Ada"]
    assert names(bob, EnrollmentFilter(reasons=("paused_by_user",))) == ["Eve"]
    assert names(bob, EnrollmentFilter(steps=(2,))) == []
    assert names(bob, EnrollmentFilter(steps=(1,), owner_id=cast.CAROL_ID)) == ["Eve"]
    assert names(bob, EnrollmentFilter(text=" COTTON  100%")) == ["Ada"]
    assert names(bob, EnrollmentFilter(text="1__%")) == [], "wildcards are taken as they are"
    both = EnrollmentFilter(statuses=("active",), owner_id=cast.CAROL_ID)
    assert names(bob, both) == []
    assert bob.campaign_enrollments.count(campaign(bob).id, both, most=9) == 0
    assert ada


@pytest.mark.parametrize("text", ["", "Grace"], ids=["by the index", "by a search"])
def test_pages_follow_each_other_without_gap_or_repetition(
    bob: DbService, a_contact: AContact, text: str
) -> None:
    for _ in range(7):
        a_contact()
    records, lead, wanted = bob.campaign_enrollments, campaign(bob).id, EnrollmentFilter(text=text)
    first = records.page(lead, wanted, size=3)
    second = records.page(lead, wanted, before=first[-1].id, size=3)
    third = records.page(lead, wanted, before=second[-1].id, size=3)
    paged = [one.id for one in (*first, *second, *third)]
    assert [len(first), len(second), len(third)] == [3, 3, 1]
    assert paged == records.ids(lead, wanted) == sorted(paged, reverse=True)
    assert [one.id for one in records.all(lead, wanted, most=5)] == paged[:5]
    assert records.count(lead, wanted, most=5) == 5, "counted no further than asked"
    assert records.count(lead, wanted, most=50) == 7


def test_everybody_on_staff_sees_all_and_whose_they_may_change(
    alice: DbService, bob: DbService, charlie: DbService, a_contact: AContact
) -> None:
    a_contact(first_name="Hers", last_name="")
    a_contact(first_name="Carols", last_name="", owner_id=cast.CAROL_ID)
    lead = campaign(bob).id
    found = alice.campaign_enrollments.page(lead, ANY, size=9)
    assert {one.contact_name: one.may_change for one in found} == {"Hers": True, "Carols": False}
    assert all(one.may_change for one in bob.campaign_enrollments.page(lead, ANY, size=9))
    assert charlie.campaign_enrollments.page(lead, ANY, size=9) == []
    assert charlie.campaign_enrollments.ids(lead, ANY) == []
    assert charlie.campaign_enrollments.count(lead, ANY, most=9) == 0
    assert charlie.campaigns.overview() == []


def test_campaigns_are_counted_alike_for_every_colleague(
    alice: DbService, bob: DbService, a_contact: AContact
) -> None:
    first, second = a_contact(), a_contact(owner_id=cast.CAROL_ID)
    bob.enrollments.change([only_enrollment(bob, first)], "stop", now=NOW)
    assert campaign(alice) == campaign(bob)
    lead = campaign(bob)
    assert (lead.active_count, lead.stopped_count, lead.step_count) == (1, 1, 2)
    assert lead.next_send_at == bob.enrollments.of_contact(second)[0].next_send_at


def test_many_restart_at_once_and_each_that_cannot_says_why(
    alice: DbService, bob: DbService, a_contact: AContact, raw: Raw
) -> None:
    fine, archived, switched, carols = a_contact(), a_contact(), a_contact(), a_contact()
    raw.execute("update contacts set owner_id = %s where id = %s", (cast.CAROL_ID, carols))
    enrollments = [only_enrollment(bob, c) for c in (fine, archived, switched, carols)]
    alice.contacts.archive([archived], now=NOW)
    alice.contacts.change_type([switched], "client", now=NOW)
    assert alice.campaign_enrollments.restart(enrollments, now=NOW + DAY) == {
        "restarted": 1,
        "may_not_be_written_to": 1,
        "in_another_type_campaign": 1,
        "not_yours": 1,
    }
    assert alice.campaign_enrollments.restart(enrollments[:1], now=NOW + DAY) == {
        "not_the_latest": 1
    }
    newest, old = alice.enrollments.of_contact(fine)
    assert (newest.run, newest.status, newest.next_position) == (2, "active", 1)
    assert old.status == "stopped"
    assert alice.enrollments.of_contact(carols)[0].run == 1


@pytest.fixture
def put_off(service: DbService, a_contact: AContact) -> str:
    """Grace's e-mail came due on a holiday; the answer is her id."""
    contact = a_contact(first_name="Grace", last_name="")
    run = service.engine.start_run(trigger="interval", host="here", sender={}, now=NOW)
    [send] = service.engine.claim_due(run, _LEASE, limit=9, lease_seconds=300, now=NOW)
    later = Postponement(
        send_id=send.send_id,
        until=NOW + DAY,
        reason="holiday",
        explanation="It is a public holiday; it leaves on the next opening.",
    )
    service.engine.postpone(run, [later], now=NOW)
    return contact


_LEASE = "1ea5e000-0000-4000-8000-000000000001"


def test_what_was_put_off_stands_there_with_its_reason_until_it_leaves(
    alice: DbService, bob: DbService, put_off: str
) -> None:
    [email] = alice.queue.put_off(now=NOW, limit=9)
    assert (email.contact_id, email.contact_name, email.reason) == (put_off, "Grace", "holiday")
    assert email.until == NOW + DAY
    assert email.email_name == "Lead e-mail 1"
    assert bob.queue.counts(now=NOW, most=9) == QueueCounts(0, 1, 0, 0)
    assert bob.queue.put_off(now=NOW + DAY, limit=9) == [], "by then it is due"
    bob.enrollments.change([email.enrollment_id], "pause", now=NOW)
    assert bob.queue.put_off(now=NOW, limit=9) == []


def test_another_colleagues_queue_is_not_shown(
    put_off: str, raw: Raw, alice: DbService, charlie: DbService, carol: DbService
) -> None:
    raw.execute("update contacts set owner_id = %s", (cast.CAROL_ID,))
    assert alice.queue.put_off(now=NOW, limit=9) == []
    assert [email.contact_id for email in carol.queue.put_off(now=NOW, limit=9)] == [put_off]
    assert carol.queue.counts(now=NOW, most=9).put_off == 1


def test_the_queue_counts_no_further_than_asked(bob: DbService, raw: Raw, put_off: str) -> None:
    raw.execute(
        "with c as (insert into contacts (first_name, email, contact_type)"
        " select 'N', 'n' || n || '@x.example', 'lead' from generate_series(1, 30) n returning id)"
        " select count(*) from c"
    )
    raw.execute("update campaign_enrollments set next_send_at = %s", (NOW + DAY,))
    raw.execute(
        "insert into drip_decisions"
        " (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, until)"
        " select contact_id, id, campaign_id, 1, %s, 'quiet', '', %s from campaign_enrollments"
        " where contact_id <> %s",
        (NOW, NOW + DAY, put_off),
    )
    assert bob.queue.counts(now=NOW, most=10).put_off == 10
    assert bob.queue.counts(now=NOW, most=100).put_off == 31


def test_the_sequence_lists_what_is_sent_today_in_its_order(bob: DbService) -> None:
    bob.templates.reorder(campaign(bob).id, [2, 1], now=NOW)
    found = bob.campaigns.sequence(campaign(bob).id)
    assert [(step.position, step.step, step.subject) for step in found] == [
        (1, 2, "lead 2"),
        (2, 1, "lead 1"),
    ]


def test_runs_are_listed_page_by_page(service: DbService, bob: DbService) -> None:
    started = [
        service.engine.start_run(trigger="interval", host="", sender={}, now=NOW + n * DAY)
        for n in range(5)
    ]
    first = bob.scheduler_runs.latest(limit=3)
    rest = bob.scheduler_runs.latest(before=first[-1].id, limit=3)
    assert [run.id for run in (*first, *rest)] == started[::-1]
