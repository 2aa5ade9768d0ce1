"""Leaving out one e-mail of a sequence: it never leaves in this run, whoever asks and whenever."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta

import psycopg
import pytest

from crm.records.engine import Settlement
from crm.records.enrollments import Enrollment
from db_service import DbService, EmailStatus, NotAllowedError
from tests.cast import CAROL_ID, NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.reporting import told
from tests.database.sending import SlowScheduler, one, values

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    published_steps("lead", 3)
    published_steps("client", 1)


def _newest(desk: DbService, contact: str) -> Enrollment:
    return desk.enrollments.of_contact(contact)[0]


def _skip(desk: DbService, contact: str, step: int, *, days: int = 0) -> str:
    enrollment = _newest(desk, contact).id
    return desk.enrollments.skip_step(enrollment, step, now=NOW + days * DAY)


def _steps_sent(raw: Raw) -> list[int]:
    return values(raw, "select step from email_sends where status = 'accepted' order by step")


def test_the_following_e_mail_comes_its_delay_from_now_and_the_skipped_one_never(
    service: DbService, alice: DbService, raw: Raw, a_contact: AContact
) -> None:
    contact = a_contact()
    assert _skip(alice, contact, 1, days=2) == "skipped"
    after = _newest(alice, contact)
    assert (after.status, after.next_step) == ("active", 2)
    assert after.next_send_at == NOW + 2 * DAY + WEEK
    scheduler = SlowScheduler(service)
    assert scheduler.claim(NOW + 8 * DAY) == []
    scheduler.send_all(NOW + 9 * DAY, next_step=3)
    SlowScheduler(service).send_all(NOW + 16 * DAY)
    assert _steps_sent(raw) == [2, 3]
    assert _newest(alice, contact).status == "completed"
    assert _newest(alice, contact).sent_count == 2


def test_skipping_the_last_one_completes_the_campaign(
    alice: DbService, raw: Raw, a_contact: AContact
) -> None:
    contact = a_contact()
    assert [_skip(alice, contact, step) for step in (1, 2, 3)] == ["skipped"] * 3
    over = _newest(alice, contact)
    assert (over.status, over.ended_at, over.next_send_at) == ("completed", NOW, None)
    kinds = values(raw, "select kind from activities where contact_id = %s order by id", contact)
    assert kinds[-4:] == ["step_skipped", "step_skipped", "step_skipped", "enrollment_completed"]


def test_it_is_written_down_with_who_did_it(alice: DbService, a_contact: AContact) -> None:
    contact = a_contact()
    _skip(alice, contact, 1)
    [entry] = alice.activities.history([contact], kinds=["step_skipped"], limit=9)
    assert entry.summary == "Skipped: Lead e-mail 1 (Lead)"
    assert entry.actor_name == "Alice Sales"
    first = alice.explanations.of_contact(contact, now=NOW, zone=UTC)[0]
    assert first.sentence == "Skipped by Alice Sales on Tue 10 Mar 2026, 15:00."


def test_it_stays_skipped_when_the_run_goes_on_and_comes_again_with_a_restart(
    service: DbService, alice: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    _skip(alice, contact, 1)
    alice.enrollments.stop_all(contact, now=NOW)
    alice.enrollments.enroll([contact], campaign_id=None, source="manual", now=NOW + 30 * DAY)
    assert _newest(alice, contact).next_step == 2
    restarted = alice.enrollments.restart(_newest(alice, contact).id, now=NOW + 30 * DAY)
    [claimed] = SlowScheduler(service).claim(NOW + 30 * DAY)
    assert (claimed.enrollment_id, claimed.step) == (restarted, 1)


def test_a_paused_enrollment_stays_paused_behind_it(
    alice: DbService, service: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    enrollment = _newest(alice, contact).id
    alice.enrollments.change([enrollment], "pause", now=NOW)
    assert _skip(alice, contact, 1) == "skipped"
    after = _newest(alice, contact)
    assert (after.status, after.reason, after.next_step) == ("paused", "paused_by_user", 2)
    assert not alice.enrollments.undo_skip(enrollment, 1, now=NOW), "it would begin to run"
    alice.enrollments.change([enrollment], "resume", now=NOW)
    assert SlowScheduler(service).claim(NOW + 6 * DAY) == []
    assert [c.step for c in SlowScheduler(service).claim(NOW + WEEK)] == [2]


def test_a_second_click_does_not_skip_the_next_one_too(
    alice: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    assert [_skip(alice, contact, 1), _skip(alice, contact, 1)] == ["skipped", "not_next"]
    assert _newest(alice, contact).next_step == 2


def test_an_ended_enrollment_has_nothing_to_skip(alice: DbService, a_contact: AContact) -> None:
    contact = a_contact()
    alice.enrollments.stop_all(contact, now=NOW)
    assert _skip(alice, contact, 1) == "over"


def test_only_who_may_change_the_contact_skips(
    alice: DbService, bob: DbService, charlie: DbService, raw: Raw, a_contact: AContact
) -> None:
    enrollment = _newest(bob, a_contact(owner_id=CAROL_ID)).id
    for stranger in (alice, charlie):
        with pytest.raises(NotAllowedError):
            stranger.enrollments.skip_step(enrollment, 1, now=NOW)
        with pytest.raises(NotAllowedError):
            stranger.enrollments.undo_skip(enrollment, 1, now=NOW)
    assert values(raw, "select count(*) from email_sends") == [0]
    assert bob.enrollments.skip_step(enrollment, 1, now=NOW) == "skipped"


def _wait_for_a_lock(raw: Raw) -> None:
    """Until some statement waits for another transaction."""
    deadline = time.monotonic() + 5
    while values(raw, "select count(*) from pg_locks where not granted") == [0]:
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.01)


# While an e-mail is under way


def test_what_is_claimed_or_handed_over_is_not_skipped(
    service: DbService, alice: DbService, raw: Raw, a_contact: AContact
) -> None:
    contact = a_contact()
    scheduler = SlowScheduler(service)
    [claimed] = scheduler.claim()
    assert _skip(alice, contact, 1) == "under_way"
    scheduler.hand_over([claimed.send_id])
    assert _skip(alice, contact, 1) == "under_way"
    scheduler.settle([Settlement(send_id=claimed.send_id, status="unconfirmed", reason="timeout")])
    assert _skip(alice, contact, 1) == "unconfirmed"
    assert values(raw, "select status from email_sends") == ["unconfirmed"]
    assert values(raw, "select count(*) from activities where kind = 'step_skipped'") == [0]


def test_one_that_failed_is_left_to_resuming(
    service: DbService, alice: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    scheduler = SlowScheduler(service)
    [claimed] = scheduler.claim()
    scheduler.hand_over([claimed.send_id])
    scheduler.settle([Settlement(send_id=claimed.send_id, status="failed", reason="400")])
    assert _skip(alice, contact, 1) == "failed"
    alice.enrollments.change([_newest(alice, contact).id], "resume", now=NOW)
    assert _newest(alice, contact).next_step == 2


def test_one_to_be_tried_again_is_skipped_and_tried_no_more(
    service: DbService, alice: DbService, bob: DbService, raw: Raw, a_contact: AContact
) -> None:
    contact = a_contact()
    scheduler = SlowScheduler(service)
    [claimed] = scheduler.claim()
    scheduler.hand_over([claimed.send_id])
    again = Settlement(send_id=claimed.send_id, status="retry", reason="429", retry_at=NOW + DAY)
    scheduler.settle([again])
    assert _skip(alice, contact, 1) == "skipped"
    assert _newest(alice, contact).next_send_at == NOW + WEEK
    assert [c.step for c in SlowScheduler(service).claim(NOW + 9 * DAY)] == [2]
    assert bob.sends.retry_failed([claimed.send_id], now=NOW) == 0
    assert bob.sends.held(limit=9) == [], "it waits for nobody"


def test_a_late_proof_that_it_went_out_all_the_same_is_believed(
    service: DbService, alice: DbService, raw: Raw, a_contact: AContact
) -> None:
    contact = a_contact()
    scheduler = SlowScheduler(service)
    [claimed] = scheduler.claim()
    scheduler.hand_over([claimed.send_id])
    scheduler.settle(
        [Settlement(send_id=claimed.send_id, status="retry", reason="429", retry_at=NOW + DAY)]
    )
    _skip(alice, contact, 1)
    told(service, one(raw, "select * from email_sends"), "delivered", at=NOW + timedelta(hours=1))
    assert values(raw, "select status from email_sends") == ["delivered"]
    assert _newest(alice, contact).next_step == 2
    assert not alice.enrollments.undo_skip(_newest(alice, contact).id, 1, now=NOW + DAY)


def test_a_skip_that_comes_during_a_claim_waits_for_it_and_is_refused(
    service: DbService, alice: DbService, raw: Raw, address: str, a_contact: AContact
) -> None:
    contact = a_contact()
    enrollment = _newest(alice, contact).id
    run = SlowScheduler(service)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(address) as claiming:
        claimed = claiming.execute(
            "select step from claim_due(%s, 10, 300, %s, %s)", (NOW, run.run, run.token)
        ).fetchall()
        assert claimed == [(1,)]
        skip = pool.submit(alice.enrollments.skip_step, enrollment, 1, now=NOW)
        _wait_for_a_lock(raw)
        claiming.commit()
        assert skip.result(timeout=5) == "under_way"


def test_a_claim_that_comes_during_a_skip_passes_it_by(
    service: DbService, alice: DbService, raw: Raw, address: str, a_contact: AContact
) -> None:
    contact = a_contact()
    enrollment = _newest(alice, contact).id
    with psycopg.connect(address) as skipping:
        skipping.execute("select skip_step(%s, 1::smallint, %s)", (enrollment, NOW))
        assert SlowScheduler(service).claim() == []
        skipping.commit()
    assert SlowScheduler(service).claim() == []
    assert [c.step for c in SlowScheduler(service).claim(NOW + WEEK)] == [2]


def test_an_e_mail_whose_proof_is_being_written_is_under_way(
    service: DbService, alice: DbService, raw: Raw, address: str, a_contact: AContact
) -> None:
    """The proof locks the e-mail first and the enrollment then: waiting here might be for ever."""
    contact = a_contact()
    scheduler = SlowScheduler(service)
    [claimed] = scheduler.claim()
    scheduler.hand_over([claimed.send_id])
    scheduler.settle([Settlement(send_id=claimed.send_id, status="retry", reason="429")])
    with psycopg.connect(address) as proving:
        proving.execute("select from email_sends for no key update")
        assert _skip(alice, contact, 1) == "under_way"
    assert _skip(alice, contact, 1) == "skipped"


def test_many_skips_and_claims_at_once_send_or_skip_each_exactly_once(
    service: DbService, bob: DbService, raw: Raw
) -> None:
    raw.execute(
        "insert into contacts (first_name, email, contact_type)"
        " select 'Crowd', 'crowd' || n || '@customer.example', 'lead' from generate_series(1, 60) n"
    )
    enrollments = values(raw, "select id::text from campaign_enrollments order by id")
    start = threading.Barrier(2)

    def skip_all() -> list[str]:
        start.wait()
        return [bob.enrollments.skip_step(e, 1, now=NOW) for e in enrollments]

    def claim_all() -> list[str]:
        start.wait()
        scheduler = SlowScheduler(service)
        batches = iter(lambda: scheduler.claim(limit=5), [])
        return [c.enrollment_id for batch in batches for c in batch]

    with ThreadPoolExecutor(2) as pool:
        skips, claims = pool.submit(skip_all), pool.submit(claim_all)
        outcomes = dict(zip(enrollments, skips.result(), strict=True))
        claimed = {*claims.result(), *(c.enrollment_id for c in SlowScheduler(service).claim())}
    skipped = {e for e, outcome in outcomes.items() if outcome == "skipped"}
    assert set(outcomes.values()) <= {"skipped", "under_way"}
    assert skipped | claimed == set(enrollments)
    assert skipped & claimed == set()


# Putting it back


def test_a_skip_can_be_put_back_to_when_it_was_due(
    service: DbService, alice: DbService, raw: Raw, a_contact: AContact
) -> None:
    contact = a_contact()
    SlowScheduler(service).send_all(NOW, next_step=2)
    before = _newest(alice, contact)
    _skip(alice, contact, 2, days=1)
    assert alice.enrollments.undo_skip(before.id, 2, now=NOW + 2 * DAY)
    assert _newest(alice, contact) == before
    assert not alice.enrollments.undo_skip(before.id, 2, now=NOW + 2 * DAY), "once is enough"
    second = alice.explanations.of_contact(contact, now=NOW + 2 * DAY, zone=UTC)[1]
    assert second.sentence.startswith("Due Tue 17 Mar 2026, 15:00")
    [claimed] = SlowScheduler(service).claim(NOW + WEEK)
    assert claimed.step == 2
    assert values(raw, "select attempts from email_sends where step = 2") == [1]


def test_a_campaign_that_ended_with_the_skip_goes_on_after_putting_it_back(
    alice: DbService, raw: Raw, a_contact: AContact
) -> None:
    contact = a_contact(contact_type="client")
    before = _newest(alice, contact)
    _skip(alice, contact, 1)
    assert _newest(alice, contact).status == "completed"
    assert alice.enrollments.undo_skip(before.id, 1, now=NOW)
    assert _newest(alice, contact) == before


@pytest.mark.parametrize("since", ["sent", "stopped", "unsubscribed", "another_campaign"])
def test_it_is_too_late_once_anything_happened_since(
    service: DbService, alice: DbService, a_contact: AContact, since: str
) -> None:
    contact = a_contact(contact_type="client" if since == "another_campaign" else "lead")
    enrollment = _newest(alice, contact).id
    _skip(alice, contact, 1)
    if since == "sent":
        SlowScheduler(service).send_all(NOW + WEEK, next_step=3)
    elif since == "stopped":
        alice.enrollments.stop_all(contact, now=NOW)
    elif since == "unsubscribed":
        service.contacts.set_email_status(contact, EmailStatus.UNSUBSCRIBED, reason="link", now=NOW)
    else:
        alice.contacts.change_type([contact], "lead", now=NOW)
    state = _newest(alice, contact)
    assert not alice.enrollments.undo_skip(enrollment, 1, now=NOW + WEEK)
    assert _newest(alice, contact) == state
