"""Unconfirmed e-mails in the campaign manager: marked as sent, or sent again."""

from datetime import timedelta

import pytest

from crm.records.engine import Settlement
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.reporting import the_send, told
from tests.database.sending import SlowScheduler, one, refused, values

LATER = NOW + timedelta(hours=3)


@pytest.fixture
def scheduler(service: DbService, published_steps: PublishedSteps) -> SlowScheduler:
    published_steps("lead", 2)
    return SlowScheduler(service)


@pytest.fixture
def unclear(scheduler: SlowScheduler, a_contact: AContact, raw: Raw) -> str:
    a_contact()
    send = scheduler.claim()[0].send_id
    scheduler.hand_over([send])
    scheduler.settle([Settlement(send_id=send, status="unconfirmed", reason="a timeout")])
    return send


def test_marked_as_sent_the_enrollment_goes_on_once(
    bob: DbService, scheduler: SlowScheduler, unclear: str, raw: Raw
) -> None:
    assert bob.sends.mark_as_sent([unclear], now=LATER) == 1
    assert bob.sends.mark_as_sent([unclear], now=LATER) == 0
    assert bob.sends.send_again([unclear], now=LATER) == 0
    assert the_send(raw)["status"] == "accepted"
    enrollment = one(raw, "select next_step, next_send_at from campaign_enrollments")
    assert enrollment == {"next_step": 2, "next_send_at": NOW + timedelta(days=7)}
    assert scheduler.claim(LATER) == []
    decided = one(raw, "select reason from drip_decisions where reason <> 'unconfirmed'")
    assert decided["reason"] == "decided_by_hand"


def test_sent_again_by_hand_it_is_due_once(
    bob: DbService, scheduler: SlowScheduler, unclear: str, raw: Raw
) -> None:
    assert bob.sends.send_again([unclear], now=LATER) == 1
    assert bob.sends.send_again([unclear], now=LATER) == 0
    assert bob.sends.mark_as_sent([unclear], now=LATER) == 0
    assert bob.sends.held(limit=5) == []
    assert [claimed.send_id for claimed in scheduler.claim(LATER)] == [unclear]
    assert scheduler.claim(LATER) == []


def test_sent_again_by_hand_a_late_event_still_stops_the_second_copy(
    bob: DbService, service: DbService, scheduler: SlowScheduler, unclear: str, raw: Raw
) -> None:
    send = the_send(raw)
    bob.sends.send_again([unclear], now=LATER)
    told(service, send, "delivered", heard_at=LATER)
    assert scheduler.claim(LATER) == []
    assert the_send(raw)["status"] == "delivered"


def test_what_was_stopped_meanwhile_is_not_sent_again(
    bob: DbService, scheduler: SlowScheduler, unclear: str, raw: Raw
) -> None:
    bob.enrollments.stop_all(str(the_send(raw)["contact_id"]), now=LATER)
    assert bob.sends.send_again([unclear], now=LATER) == 0
    assert scheduler.claim(LATER) == []


def test_what_was_paused_meanwhile_waits_to_be_resumed(
    bob: DbService, scheduler: SlowScheduler, unclear: str, raw: Raw
) -> None:
    enrollment = str(the_send(raw)["enrollment_id"])
    bob.enrollments.change([enrollment], "pause", now=LATER)
    assert bob.sends.send_again([unclear], now=LATER) == 1
    assert scheduler.claim(LATER) == []
    bob.enrollments.change([enrollment], "resume", now=LATER)
    assert [claimed.send_id for claimed in scheduler.claim(LATER)] == [unclear]


_OTHER_STATES = ("claimed", "handed_over", "accepted", "delivered", "bounced", "failed", "retry")


@pytest.mark.parametrize("status", _OTHER_STATES)
def test_only_what_is_unconfirmed_is_decided_by_hand(
    bob: DbService, unclear: str, raw: Raw, status: str
) -> None:
    raw.execute("update email_sends set status = %s", (status,))
    assert bob.sends.mark_as_sent([unclear], now=LATER) == 0
    assert bob.sends.send_again([unclear], now=LATER) == 0
    assert the_send(raw)["status"] == status


@pytest.mark.parametrize("person", ["alice", "charlie", "service"])
def test_only_an_admin_decides(
    request: pytest.FixtureRequest, unclear: str, raw: Raw, person: str
) -> None:
    desk: DbService = request.getfixturevalue(person)
    for decide in (desk.sends.mark_as_sent, desk.sends.send_again):
        with pytest.raises(Exception, match=r"admin|permission|not allowed|may not"):
            decide([unclear], now=LATER)
    assert the_send(raw)["status"] == "unconfirmed"


def test_an_accepted_e_mail_cannot_be_put_back_by_raw_sql(
    bob: DbService, unclear: str, raw: Raw
) -> None:
    bob.sends.mark_as_sent([unclear], now=LATER)
    refused(raw, "MP005", "update email_sends set status = 'retry'")
    assert values(raw, "select status from email_sends") == ["accepted"]
