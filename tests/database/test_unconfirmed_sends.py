"""What becomes of an e-mail nobody can be sure of: proven, due again, held, or decided by hand."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from crm.records.engine import Settlement, Swept
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.reporting import GRACE, MINUTE, an_hour_of_reports, the_send, told
from tests.database.sending import SlowScheduler, accepted, live, one, values

WEEK = timedelta(days=7)
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def scheduler(service: DbService, published_steps: PublishedSteps) -> SlowScheduler:
    published_steps("lead", 3)
    return SlowScheduler(service)


@pytest.fixture
def unclear(scheduler: SlowScheduler, a_contact: AContact, raw: Raw) -> dict[str, Any]:
    """The only e-mail: handed over, and the provider's answer never came."""
    a_contact()
    return _unclear(scheduler, raw)


def _unclear(scheduler: SlowScheduler, raw: Raw) -> dict[str, Any]:
    sends = [claimed.send_id for claimed in scheduler.claim()]
    assert scheduler.hand_over(sends) == set(sends)
    told_so = [Settlement(send_id=i, status="unconfirmed", reason="a timeout") for i in sends]
    assert scheduler.settle(told_so) == len(sends)
    return raw.execute("select * from email_sends order by id").fetchall()[0]


def _sweep(scheduler: SlowScheduler, now: Any = LATER) -> Swept:
    return scheduler.engine.sweep(scheduler.run, now=now)


def _decisions(raw: Raw) -> list[str]:
    return values(raw, "select reason from drip_decisions order by id")


def _times_logged(raw: Raw) -> int:
    return int(values(raw, "select count(*) from activities where kind = 'email_sent'")[0])


def test_it_is_sent_again_once_when_its_silence_is_proof(
    scheduler: SlowScheduler, unclear: dict[str, Any], raw: Raw
) -> None:
    an_hour_of_reports(raw)
    assert _sweep(scheduler) == Swept(released=0, unconfirmed=0, confirmed=0, resent=1, held=0)
    assert _decisions(raw) == ["unconfirmed", "proven_not_sent"]
    again = scheduler.claim(LATER)
    assert [claimed.send_id for claimed in again] == [str(unclear["id"])]
    assert the_send(raw)["attempts"] == 2
    assert _sweep(scheduler) == Swept(0, 0, 0, 0, 0)


def test_it_is_held_before_the_grace_is_over_whatever_is_heard(
    scheduler: SlowScheduler, unclear: dict[str, Any], raw: Raw
) -> None:
    an_hour_of_reports(raw, (1, 30, 59))
    raw.execute(
        "update send_requests set first_event_at = first_event_at + interval '9 hours'"
        " where handed_over_at > %s",
        (NOW + 40 * MINUTE,),
    )
    assert _sweep(scheduler, NOW + GRACE - MINUTE).held == 1
    assert _sweep(scheduler, NOW + GRACE).resent == 1


def test_without_any_event_it_is_held_for_ever(
    scheduler: SlowScheduler, unclear: dict[str, Any], raw: Raw
) -> None:
    for days in (1, 30, 365):
        swept = _sweep(scheduler, NOW + timedelta(days=days))
        assert (swept.resent, swept.held) == (0, 1)
        assert scheduler.claim(NOW + timedelta(days=days)) == []


@pytest.mark.parametrize(("attempts", "resent"), [(19, 1), (20, 0), (21, 0)])
def test_after_so_many_attempts_it_waits_for_a_person(
    scheduler: SlowScheduler, unclear: dict[str, Any], raw: Raw, attempts: int, resent: int
) -> None:
    raw.execute("update email_sends set attempts = %s", (attempts,))
    an_hour_of_reports(raw)
    swept = _sweep(scheduler)
    assert (swept.resent, swept.held) == (resent, 1 - resent)


def test_an_event_of_its_own_proves_it_at_once(
    service: DbService, scheduler: SlowScheduler, unclear: dict[str, Any], raw: Raw
) -> None:
    told(service, unclear, "delivered", heard_at=LATER)
    send = the_send(raw)
    assert (send["status"], send["held_at"], send["settled_at"]) == ("delivered", None, LATER)
    enrollment = one(raw, "select next_step, next_send_at, last_sent_at from campaign_enrollments")
    assert enrollment == {"next_step": 2, "next_send_at": NOW + WEEK, "last_sent_at": NOW}
    assert _decisions(raw) == ["unconfirmed", "proven_sent"]
    assert (_times_logged(raw), _sweep(scheduler).held) == (1, 0)


def test_an_event_of_another_e_mail_of_the_same_request_proves_it(
    service: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw
) -> None:
    for _ in range(3):
        a_contact()
    first = _unclear(scheduler, raw)
    told(service, first, "processed")
    assert sorted(values(raw, "select status from email_sends")) == [
        "accepted",
        "unconfirmed",
        "unconfirmed",
    ]
    swept = _sweep(scheduler, NOW + MINUTE)
    assert (swept.confirmed, swept.held) == (2, 0)
    assert set(values(raw, "select next_step from campaign_enrollments")) == {2}


def test_an_event_that_names_the_request_alone_proves_all_of_it(
    service: DbService, scheduler: SlowScheduler, unclear: dict[str, Any], raw: Raw
) -> None:
    told(service, unclear, "processed", send_id="")
    assert _sweep(scheduler).confirmed == 1


def test_an_event_of_a_part_that_was_split_off_proves_nothing_about_the_rest(
    service: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw
) -> None:
    for _ in range(2):
        a_contact()
    first = _unclear(scheduler, raw)
    told(service, first, "delivered", request_id=str(uuid4()))
    an_hour_of_reports(raw)
    swept = _sweep(scheduler)
    assert (swept.confirmed, swept.resent) == (0, 1)


def test_a_crashed_schedulers_e_mail_is_proven_by_the_sweep_that_finds_it(
    service: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw
) -> None:
    a_contact()
    scheduler.hand_over([claimed.send_id for claimed in scheduler.claim()])
    send = the_send(raw)
    told(service, send, "processed", send_id="")
    assert the_send(raw)["status"] == "handed_over", "its own scheduler may still be at it"
    swept = _sweep(scheduler)
    assert (swept.unconfirmed, swept.confirmed, swept.held) == (1, 1, 0)
    assert the_send(raw)["status"] == "accepted"


@pytest.mark.parametrize("state", ["retry", "claimed", "failed"])
def test_a_late_event_proves_what_was_given_up(
    service: DbService, scheduler: SlowScheduler, unclear: dict[str, Any], raw: Raw, state: str
) -> None:
    if state == "failed":
        told_so = Settlement(send_id=str(unclear["id"]), status="failed", reason="refused")
        assert scheduler.settle([told_so]) == 1
    else:
        an_hour_of_reports(raw)
        assert _sweep(scheduler).resent == 1
    claimed = scheduler.claim(LATER) if state == "claimed" else []
    assert the_send(raw)["status"] == state
    told(service, unclear, "delivered", heard_at=LATER)
    assert scheduler.hand_over([c.send_id for c in claimed], LATER) == set()
    assert (the_send(raw)["status"], _times_logged(raw)) == ("delivered", 1)
    assert values(raw, "select next_step from campaign_enrollments") == [2]
    assert the_send(raw)["merge_values"] == ["value"], "what was sent can still be shown"
    assert scheduler.claim(LATER) == []


def test_the_answer_after_the_event_changes_nothing_more(
    service: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw
) -> None:
    a_contact()
    send = scheduler.claim()[0].send_id
    scheduler.hand_over([send])
    told(service, the_send(raw), "delivered")
    after = [one(raw, "select * from campaign_enrollments"), the_send(raw), _times_logged(raw)]
    answer = accepted(send, next_step=2, next_send_at=NOW + 2 * WEEK)
    assert scheduler.settle([answer], NOW + MINUTE) == 0
    assert [
        one(raw, "select * from campaign_enrollments"),
        the_send(raw),
        _times_logged(raw),
    ] == after
    assert _decisions(raw) == [], "it never was in doubt"
    assert values(raw, "select accepted from breaker_counts") == [1]


def test_the_event_after_the_answer_moves_nobody_a_second_time(
    service: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw
) -> None:
    a_contact()
    scheduler.send_all(next_step=2)
    before = one(raw, "select * from campaign_enrollments")
    told(service, the_send(raw), "delivered", at=NOW + MINUTE)
    assert one(raw, "select * from campaign_enrollments") == before
    assert (_times_logged(raw), _decisions(raw)) == (1, [])


def test_its_owner_may_come_back_after_the_lease_but_not_after_the_proof(
    service: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw
) -> None:
    a_contact()
    send = scheduler.claim()[0].send_id
    scheduler.hand_over([send])
    assert _sweep(scheduler, NOW + timedelta(minutes=10)).held == 1
    an_hour_of_reports(raw)
    assert _sweep(scheduler).resent == 1
    assert scheduler.settle([accepted(send, next_step=2, next_send_at=LATER)]) == 0
    assert the_send(raw)["status"] == "retry"


CONSENT = {
    "unsubscribed": "update contacts set email_status = 'unsubscribed'",
    "archived": "update contacts set archived_at = now()",
    "suppressed": "insert into suppressions (email, reason) select email, 'manual' from contacts",
    "stopped": "update campaign_enrollments set status = 'stopped', ended_at = now()",
}


@pytest.mark.parametrize("moment", ["before the sweep", "after the sweep"])
@pytest.mark.parametrize("how", CONSENT)
def test_consent_is_asked_again_before_it_is_sent_again(
    scheduler: SlowScheduler, unclear: dict[str, Any], raw: Raw, how: str, moment: str
) -> None:
    an_hour_of_reports(raw)
    if moment == "after the sweep":
        assert _sweep(scheduler).resent == 1
    raw.execute(CONSENT[how].encode())
    _sweep(scheduler)
    if moment == "before the sweep" and how == "stopped":
        assert values(raw, "select next_send_at from campaign_enrollments") == [None]
    assert scheduler.claim(LATER) == []
    assert live(raw, str(unclear["contact_id"])) == []
