"""settle: what became of a request, written down once. sweep: leases that ran out."""

from datetime import timedelta

import pytest

from crm.records.engine import Settlement
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, accepted, last_reason, live, one, values

WEEK = timedelta(days=7)


@pytest.fixture
def scheduler(service: DbService, published_steps: PublishedSteps) -> SlowScheduler:
    published_steps("lead", 2)
    return SlowScheduler(service)


def _handed_over(scheduler: SlowScheduler) -> str:
    send = scheduler.claim()[0].send_id
    assert scheduler.hand_over([send]) == {send}
    return send


def test_an_accepted_send_moves_the_enrollment_on(
    scheduler: SlowScheduler, a_contact: AContact, raw: Raw
) -> None:
    contact = a_contact()
    send = _handed_over(scheduler)
    assert scheduler.settle([accepted(send, next_step=2, next_send_at=NOW + WEEK)]) == 1
    row = one(raw, "select * from email_sends")
    assert (row["status"], row["provider_message_id"], row["settled_at"], row["lease_until"]) == (
        "accepted",
        "message-1",
        NOW,
        None,
    )
    enrollment = one(raw, "select * from campaign_enrollments")
    assert (enrollment["last_step"], enrollment["next_step"]) == (1, 2)
    assert (enrollment["last_sent_at"], enrollment["next_send_at"]) == (NOW, NOW + WEEK)
    assert "E-mail sent: Lead e-mail 1" in values(
        raw, "select summary from activities where contact_id = %s", contact
    )


def test_the_last_accepted_e_mail_completes_the_enrollment(
    scheduler: SlowScheduler, a_contact: AContact, raw: Raw
) -> None:
    contact = a_contact()
    raw.execute("update campaign_enrollments set next_step = 2")
    scheduler.settle([accepted(_handed_over(scheduler), next_step=None)])
    row = one(raw, "select status, ended_at, next_send_at from campaign_enrollments")
    assert (row["status"], row["ended_at"], row["next_send_at"]) == ("completed", NOW, None)
    assert "Lead completed" in values(
        raw, "select summary from activities where contact_id = %s", contact
    )


@pytest.mark.parametrize("status", ["accepted", "failed", "retry", "unconfirmed"])
def test_settling_twice_writes_down_once(
    scheduler: SlowScheduler, a_contact: AContact, raw: Raw, status: str
) -> None:
    a_contact()
    told = Settlement(send_id=_handed_over(scheduler), status=status, reason="x", retry_at=NOW)
    assert scheduler.settle([told]) == 1
    before = [raw.execute(f"select * from {t} order by id").fetchall() for t in _WRITTEN]
    assert scheduler.settle([told], NOW + WEEK) == 0
    assert [raw.execute(f"select * from {t} order by id").fetchall() for t in _WRITTEN] == before


_WRITTEN = ("email_sends", "campaign_enrollments", "activities", "drip_decisions", "contacts")


def test_a_send_to_try_again_is_due_at_its_time(
    scheduler: SlowScheduler, a_contact: AContact, raw: Raw
) -> None:
    a_contact()
    send = _handed_over(scheduler)
    at = NOW + timedelta(minutes=10)
    scheduler.settle([Settlement(send_id=send, status="retry", reason="Slow down.", retry_at=at)])
    row = one(raw, "select status, held_at, lease_token from email_sends")
    assert (row["status"], row["held_at"], row["lease_token"]) == ("retry", None, None)
    assert values(raw, "select explanation from drip_decisions") == ["Slow down."]
    assert scheduler.claim(at - timedelta(seconds=1)) == []
    assert [c.send_id for c in scheduler.claim(at)] == [send]


def test_an_unconfirmed_send_is_held_and_never_claimed_again(
    scheduler: SlowScheduler, a_contact: AContact, service: DbService
) -> None:
    a_contact()
    send = _handed_over(scheduler)
    scheduler.settle([Settlement(send_id=send, status="unconfirmed", reason="Timeout.")])
    assert [(s.id, s.reason) for s in service.sends.held(limit=10)] == [(send, "Timeout.")]
    for days in (0, 1, 30):
        assert scheduler.claim(NOW + timedelta(days=days)) == []


def test_an_owner_who_comes_back_settles_an_unconfirmed_send(
    scheduler: SlowScheduler, a_contact: AContact, service: DbService
) -> None:
    a_contact()
    send = _handed_over(scheduler)
    late = NOW + timedelta(hours=1)
    assert scheduler.engine.sweep(scheduler.run, now=late).unconfirmed == 1
    assert scheduler.settle([accepted(send, next_step=2, next_send_at=NOW + WEEK)], late) == 1
    assert service.sends.held(limit=10) == []
    assert service.queue.upcoming(limit=10)[0].next_position == 2


def test_a_refused_address_marks_the_contact_with_the_providers_reason(
    scheduler: SlowScheduler, a_contact: AContact, service: DbService, raw: Raw
) -> None:
    contact = a_contact()
    email = values(raw, "select email from contacts where id = %s", contact)[0]
    failed = Settlement(
        send_id=_handed_over(scheduler),
        status="failed",
        reason="Does not contain a valid address.",
        address_refused=True,
    )
    assert scheduler.settle([failed]) == 1
    person = service.contacts.get(contact)
    assert person is not None
    assert (person.email_status, person.email_status_reason) == (
        "invalid",
        "Does not contain a valid address.",
    )
    assert live(raw, contact) == []
    assert last_reason(raw, contact) == "invalid"
    assert values(raw, "select reason from suppressions where email = %s", email) == ["invalid"]


@pytest.mark.parametrize(
    ("meanwhile", "status"),
    [
        ("update contacts set email_status = 'unsubscribed'", "unsubscribed"),
        ("update contacts set email = 'corrected@customer.example'", "ok"),
    ],
)
def test_a_refused_address_does_not_overrule_what_happened_meanwhile(
    scheduler: SlowScheduler, a_contact: AContact, raw: Raw, meanwhile: str, status: str
) -> None:
    a_contact()
    send = _handed_over(scheduler)
    raw.execute(meanwhile.encode())
    failed = Settlement(send_id=send, status="failed", reason="No.", address_refused=True)
    assert scheduler.settle([failed]) == 1
    assert values(raw, "select email_status from contacts") == [status]


def test_any_other_permanent_refusal_pauses_the_enrollment_and_blames_nobody(
    scheduler: SlowScheduler, a_contact: AContact, service: DbService, raw: Raw
) -> None:
    contact = a_contact()
    send = _handed_over(scheduler)
    scheduler.settle([Settlement(send_id=send, status="failed", reason="Template too large.")])
    person = service.contacts.get(contact)
    assert person is not None
    assert person.email_status == "ok"
    assert live(raw, contact) == [("lead", "paused")]
    assert last_reason(raw, contact) == "send_failed"
    assert [s.id for s in service.sends.held(limit=10)] == [send]


def test_a_mixed_answer_settles_each_send_by_its_own(
    scheduler: SlowScheduler, a_contact: AContact, raw: Raw
) -> None:
    for _ in range(4):
        a_contact()
    sends = [c.send_id for c in scheduler.claim()]
    scheduler.hand_over(sends)
    statuses = ["accepted", "failed", "retry", "unconfirmed"]
    told = [
        Settlement(send_id=s, status=status, reason=status, retry_at=NOW, next_step=2)
        for s, status in zip(sends, statuses, strict=True)
    ]
    assert scheduler.settle(told) == 4
    stored = {str(r["id"]): r["status"] for r in raw.execute("select id, status from email_sends")}
    assert stored == dict(zip(sends, statuses, strict=True))
    assert values(raw, "select count(*) from drip_decisions") == [3]


def test_a_foreign_token_settles_nothing(
    scheduler: SlowScheduler, a_contact: AContact, service: DbService, raw: Raw
) -> None:
    a_contact()
    send = _handed_over(scheduler)
    assert SlowScheduler(service).settle([accepted(send)]) == 0
    assert values(raw, "select status from email_sends") == ["handed_over"]


def test_the_outcome_of_a_stopped_enrollment_is_kept_without_reviving_it(
    scheduler: SlowScheduler, a_contact: AContact, raw: Raw
) -> None:
    contact = a_contact()
    send = _handed_over(scheduler)
    raw.execute("update contacts set archived_at = now() where id = %s", (contact,))
    scheduler.settle([accepted(send, next_step=2, next_send_at=NOW)])
    row = one(raw, "select status, reason, next_send_at from campaign_enrollments")
    assert (row["status"], row["reason"], row["next_send_at"]) == ("stopped", "archived", None)
    assert values(raw, "select status from email_sends") == ["accepted"]


def test_the_sweep_releases_what_was_not_handed_over_and_holds_what_was(
    scheduler: SlowScheduler, a_contact: AContact, raw: Raw, service: DbService
) -> None:
    for _ in range(3):
        a_contact()
    gone, *kept = [c.send_id for c in scheduler.claim()]
    scheduler.hand_over([gone])
    at_the_end = NOW + timedelta(seconds=scheduler.lease_seconds)
    early = scheduler.engine.sweep(scheduler.run, now=at_the_end - timedelta(seconds=1))
    assert (early.released, early.unconfirmed) == (0, 0), "leases still run"
    swept = scheduler.engine.sweep(scheduler.run, now=at_the_end)
    assert (swept.released, swept.unconfirmed) == (2, 1)
    assert {c.send_id for c in scheduler.claim(at_the_end)} == set(kept)
    assert [s.id for s in service.sends.held(limit=10)] == [gone]
    assert sorted(values(raw, "select reason from drip_decisions")) == [
        "lease_expired",
        "lease_expired",
        "unconfirmed",
    ]
    again = scheduler.engine.sweep(scheduler.run, now=at_the_end)
    assert (again.released, again.unconfirmed) == (0, 0)


def test_the_run_keeps_its_counts_and_its_error(service: DbService) -> None:
    scheduler = SlowScheduler(service)
    scheduler.engine.finish_run(
        scheduler.run, counts={"accepted": 3}, error="No network.", next_run_at=NOW + WEEK, now=NOW
    )
    run = service.scheduler_runs.latest()[0]
    assert (run.status, dict(run.counts), run.error) == ("failed", {"accepted": 3}, "No network.")
    assert run.next_run_at == NOW + WEEK


def test_a_requested_run_is_taken_by_one_scheduler(service: DbService, bob: DbService) -> None:
    assert service.engine.take_run_request(now=NOW) is False
    bob.scheduler_runs.request(now=NOW)
    assert [service.engine.take_run_request(now=NOW) for _ in range(2)] == [True, False]
