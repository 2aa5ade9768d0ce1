"""claim_due: who is taken up, one step a batch, by however many schedulers at once."""

from datetime import timedelta

import pytest

from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, last_reason, live, one, values

HOUR = timedelta(hours=1)


def test_a_due_contact_comes_with_all_that_rendering_needs(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    templates = published_steps("lead", 2)
    contact = a_contact(first_name="Ada", company_name="Engines", city="London", country="GB")
    claimed = SlowScheduler(service).claim()
    assert [(c.contact_id, c.step, c.template_id) for c in claimed] == [(contact, 1, templates[0])]
    due = claimed[0]
    assert (due.first_name, due.company_name, due.city, due.country) == (
        "Ada",
        "Engines",
        "London",
        "GB",
    )
    assert (due.owner_name, due.owner_email) == ("Alice Sales", "alice@mpt.example")
    assert due.recent_sends is None


def test_nobody_is_claimed_before_the_time(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    a_contact()
    scheduler = SlowScheduler(service)
    assert scheduler.claim(NOW - HOUR) == []
    assert len(scheduler.claim(NOW)) == 1


def test_a_batch_holds_one_step_only(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    for campaign in ("networking", "lead"):
        published_steps(campaign, 2)
        for _ in range(3):
            a_contact(contact_type=campaign)
    scheduler = SlowScheduler(service)
    batches = [scheduler.claim(), scheduler.claim(), scheduler.claim()]
    assert [len(batch) for batch in batches] == [3, 3, 0]
    assert all(len({c.template_id for c in batch}) == 1 for batch in batches[:2])


def test_a_batch_is_no_larger_than_asked(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    for _ in range(5):
        a_contact()
    scheduler = SlowScheduler(service)
    batches = [scheduler.claim(limit=2) for _ in range(4)]
    assert [len(batch) for batch in batches] == [2, 2, 1, 0]
    assert len({c.contact_id for batch in batches for c in batch}) == 5


# What stands in the way of an e-mail, written past the triggers that would stop the enrollment.
HINDRANCES = {
    "archived": "update contacts set archived_at = now() where id = %s",
    "unsubscribed": "update contacts set email_status = 'unsubscribed' where id = %s",
    "no address": "update contacts set email = null where id = %s",
    "suppressed": "insert into suppressions (email, reason)"
    " select email, 'manual' from contacts where id = %s",
}


@pytest.mark.parametrize("hindrance", HINDRANCES)
def test_a_contact_that_may_not_be_written_to_is_stopped_in_the_claim(
    service: DbService,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
    hindrance: str,
) -> None:
    published_steps("lead", 1)
    barred, free = a_contact(), a_contact()
    raw.execute("set session_replication_role = replica")
    raw.execute(HINDRANCES[hindrance], (barred,))
    assert [c.contact_id for c in SlowScheduler(service).claim()] == [free]
    assert live(raw, barred) == []
    assert last_reason(raw, barred) == "suppressed"
    assert values(raw, "select reason from drip_decisions where contact_id = %s", barred) == [
        "not_eligible"
    ]
    assert values(raw, "select count(*) from email_sends where contact_id = %s", barred) == [0]


def test_a_batch_of_barred_contacts_in_front_does_not_hide_the_others(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    barred = [a_contact() for _ in range(5)]
    free = a_contact()
    raw.execute("set session_replication_role = replica")
    raw.execute("update contacts set email_status = 'bounced' where id = any (%s)", (barred,))
    raw.execute(
        "update campaign_enrollments set next_send_at = %s where contact_id = any (%s)",
        (NOW - HOUR, barred),
    )
    assert [c.contact_id for c in SlowScheduler(service).claim(limit=2)] == [free]


def test_nothing_is_claimed_while_sending_is_halted(
    service: DbService, bob: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    a_contact()
    scheduler = SlowScheduler(service)
    service.engine.halt_sending("The key was refused.", now=NOW)
    assert service.app_settings.sending_rules().halted_because == "The key was refused."
    assert scheduler.claim() == []
    bob.app_settings.resume_sending(now=NOW)
    assert len(scheduler.claim()) == 1


def test_nothing_of_a_paused_campaign_is_claimed(
    service: DbService, bob: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    published_steps("client", 1)
    a_contact(contact_type="lead")
    client = a_contact(contact_type="client")
    lead_campaign = next(c.id for c in bob.campaigns.overview() if c.key == "lead")
    assert bob.campaigns.pause(lead_campaign, reason="Text under review", now=NOW)
    scheduler = SlowScheduler(service)
    assert [c.contact_id for c in scheduler.claim()] == [client]
    assert scheduler.claim() == []
    assert bob.campaigns.resume(lead_campaign, now=NOW)
    assert len(scheduler.claim()) == 1


def test_a_send_to_try_again_is_claimed_again_as_the_same_row(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    contact = a_contact()
    first = SlowScheduler(service, lease_seconds=60)
    send = first.claim()[0].send_id
    second = SlowScheduler(service)
    later = NOW + HOUR
    assert second.engine.sweep(second.run, now=later).released == 1
    assert [c.send_id for c in second.claim(later)] == [send]
    row = one(raw, "select attempts, status from email_sends where contact_id = %s", contact)
    assert (row["attempts"], row["status"]) == (2, "claimed")
    assert first.hand_over([send], NOW) == set(), "the first owner lost it"


def test_a_step_received_before_is_skipped(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 3)
    contact = a_contact()
    scheduler = SlowScheduler(service)
    scheduler.send_all(next_step=1, days=0)  # a faulty plan: the same e-mail again
    assert scheduler.claim() == []
    row = one(
        raw,
        "select next_step, next_send_at, status from campaign_enrollments where contact_id = %s",
        contact,
    )
    assert (row["next_step"], row["status"]) == (2, "active")
    assert row["next_send_at"] == NOW + timedelta(days=7)
    assert values(raw, "select reason from drip_decisions where contact_id = %s", contact) == [
        "already_received"
    ]


def test_a_contact_who_received_everything_completes(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    contact = a_contact()
    scheduler = SlowScheduler(service)
    scheduler.send_all(next_step=1, days=0)
    assert scheduler.claim() == []
    row = one(
        raw, "select status, ended_at from campaign_enrollments where contact_id = %s", contact
    )
    assert (row["status"], row["ended_at"]) == ("completed", NOW)


def test_an_enrollment_whose_e_mail_is_still_under_way_waits_an_hour(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 2)
    contact = a_contact()
    scheduler = SlowScheduler(service)
    assert len(scheduler.claim()) == 1
    raw.execute(
        "update campaign_enrollments set next_send_at = %s where contact_id = %s", (NOW, contact)
    )
    assert scheduler.claim() == []
    row = one(
        raw,
        "select next_step, next_send_at from campaign_enrollments where contact_id = %s",
        contact,
    )
    assert (row["next_step"], row["next_send_at"]) == (1, NOW + HOUR)
