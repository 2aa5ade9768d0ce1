"""What people choose on the preference page, and that nothing ever undoes it by itself."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from db_service import DbService, RuleBrokenError
from tests.cast import ALICE_ID, NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, last_reason, live, one, values
from tests.database.test_consent_at_the_edges import FILE_ROW

DAY = timedelta(days=1)
THIRTY_DAYS_ON = datetime.fromisoformat("2026-04-10T00:00:00+00:00")


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    for campaign in ("lead", "client"):
        published_steps(campaign, 3)


@pytest.fixture
def scheduler(service: DbService) -> SlowScheduler:
    return SlowScheduler(service)


@pytest.fixture
def contact(a_contact: AContact) -> str:
    return a_contact(email="grace@customer.example")


def _summaries(service: DbService, contact: str) -> list[str]:
    return [activity.summary for activity in service.activities.timeline(contact)]


def test_no_more_of_this_campaign_stops_it_and_no_other(
    service: DbService, bob: DbService, contact: str, raw: Raw
) -> None:
    raw.execute("update drip_campaigns set is_type_campaign = false where key = 'client'")
    client = next(c for c in bob.campaigns.overview() if c.key == "client")
    bob.enrollments.enroll([contact], campaign_id=client.id, source="manual", now=NOW)
    assert live(raw, contact) == [("client", "active"), ("lead", "active")]
    for _ in range(2):
        assert service.contacts.prefer(contact, "lead", "this_campaign", now=NOW)
    assert live(raw, contact) == [("client", "active")]
    told = [s for s in _summaries(service, contact) if s == "Asked for no more e-mails of Lead"]
    assert len(told) == 1
    assert values(raw, "select email_status from contacts") == ["ok"]
    assert values(raw, "select count(*) from suppressions") == [0]


def _by_type(bob: DbService, contact: str) -> None:
    bob.contacts.change_type([contact], "client", now=NOW)
    bob.contacts.change_type([contact], "lead", now=NOW)


def _by_hand(bob: DbService, contact: str) -> None:
    lead = next(c for c in bob.campaigns.overview() if c.key == "lead")
    outcomes = bob.enrollments.enroll([contact], campaign_id=lead.id, source="manual", now=NOW)
    assert [o.outcome for o in outcomes] == ["opted_out"]


def _by_import(bob: DbService, contact: str) -> None:
    stored = bob.contact_imports.store(
        [FILE_ROW], source="a file", on_duplicate="update", enroll=True, now=NOW
    )
    assert stored[0].contact_id == contact


def _by_restart(bob: DbService, contact: str) -> None:
    with pytest.raises(RuleBrokenError, match="no more e-mails of this campaign"):
        bob.enrollments.restart(bob.enrollments.of_contact(contact)[-1].id, now=NOW)


def _by_resuming(bob: DbService, contact: str) -> None:
    enrollments = [e.id for e in bob.enrollments.of_contact(contact)]
    assert bob.enrollments.change(enrollments, "resume", now=NOW) == 0


def _by_archive(bob: DbService, contact: str) -> None:
    bob.contacts.archive([contact], now=NOW)
    bob.contacts.unarchive([contact], now=NOW)
    bob.enrollments.enroll([contact], campaign_id=None, source="bulk", now=NOW)


DOORS: dict[str, Callable[[DbService, str], None]] = {
    "another type and back": _by_type,
    "enrolled by hand": _by_hand,
    "the import": _by_import,
    "a restart": _by_restart,
    "a resume": _by_resuming,
    "archive and back": _by_archive,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("standing", ["active", "paused", "stopped", "completed"])
def test_whoever_opted_out_of_a_campaign_never_comes_back_into_it(
    service: DbService, bob: DbService, contact: str, raw: Raw, standing: str, door: str
) -> None:
    raw.execute(
        "update campaign_enrollments set status = %s, ended_at = %s",
        (standing, NOW if standing in {"stopped", "completed"} else None),
    )
    assert service.contacts.prefer(contact, "lead", "this_campaign", now=NOW)
    DOORS[door](bob, contact)
    assert [key for key, _ in live(raw, contact) if key == "lead"] == []


def test_the_opt_out_of_an_earlier_run_holds_for_every_later_one(
    service: DbService, bob: DbService, contact: str, raw: Raw
) -> None:
    bob.enrollments.restart(bob.enrollments.of_contact(contact)[0].id, now=NOW)
    assert service.contacts.prefer(contact, "lead", "this_campaign", now=NOW)
    _by_type(bob, contact)
    assert [key for key, _ in live(raw, contact) if key == "lead"] == []


def test_it_is_false_for_a_campaign_the_contact_never_was_in(
    service: DbService, contact: str, raw: Raw
) -> None:
    for campaign in ("client", "no_such", None):
        assert not service.contacts.prefer(contact, campaign, "this_campaign", now=NOW)
    assert live(raw, contact) == [("lead", "active")]


@pytest.mark.parametrize("choice", ["this_campaign", "pause", "everything"])
def test_it_is_false_for_a_contact_that_is_gone(service: DbService, choice: str) -> None:
    assert not service.contacts.prefer(ALICE_ID, "lead", choice, now=NOW)


def test_an_unknown_choice_is_refused(service: DbService, contact: str) -> None:
    with pytest.raises(Exception, match="Unknown choice"):
        service.contacts.prefer(contact, "lead", "something", now=NOW)


def test_everything_stops_all_of_it_for_good(
    service: DbService, scheduler: SlowScheduler, contact: str, raw: Raw
) -> None:
    for _ in range(2):
        assert service.contacts.prefer(contact, "lead", "everything", now=NOW)
    assert (live(raw, contact), last_reason(raw, contact)) == ([], "unsubscribed")
    assert values(raw, "select email from suppressions") == ["grace@customer.example"]
    assert scheduler.claim(NOW + 400 * DAY) == []


def test_a_pause_puts_the_next_e_mail_off_for_thirty_days_and_then_it_goes_on(
    service: DbService, scheduler: SlowScheduler, contact: str, raw: Raw
) -> None:
    assert service.contacts.prefer(contact, "lead", "pause", now=NOW)
    assert scheduler.claim() == []
    assert one(raw, "select next_send_at, status from campaign_enrollments") == {
        "next_send_at": THIRTY_DAYS_ON,
        "status": "active",
    }
    decision = one(raw, "select reason, until from drip_decisions")
    assert decision == {"reason": "quiet", "until": THIRTY_DAYS_ON}
    assert scheduler.claim(THIRTY_DAYS_ON - timedelta(seconds=1)) == []
    assert len(scheduler.claim(THIRTY_DAYS_ON)) == 1


def test_a_pause_is_the_same_length_whatever_zone_the_database_thinks_in(
    service: DbService, contact: str, raw: Raw
) -> None:
    raw.execute("set time zone 'Pacific/Auckland'")
    raw.execute("select choose_preference(%s::uuid, null, 'pause', %s)", (contact, NOW))
    assert values(raw, "select quiet_until from contacts") == [THIRTY_DAYS_ON]


def test_pressed_twice_it_is_the_same_pause(service: DbService, contact: str, raw: Raw) -> None:
    for minutes in range(3):
        service.contacts.prefer(contact, None, "pause", now=NOW + timedelta(minutes=minutes))
    assert values(raw, "select quiet_until from contacts") == [THIRTY_DAYS_ON]
    paused = [s for s in _summaries(service, contact) if s.startswith("Asked for a pause")]
    assert len(paused) == 1


def test_a_pause_never_shortens_a_longer_one(service: DbService, contact: str, raw: Raw) -> None:
    longer = NOW + 90 * DAY
    raw.execute("update contacts set quiet_until = %s", (longer,))
    assert service.contacts.prefer(contact, None, "pause", now=NOW)
    assert values(raw, "select quiet_until from contacts") == [longer]


def test_a_pause_does_not_hold_back_the_others(
    service: DbService, scheduler: SlowScheduler, contact: str, a_contact: AContact
) -> None:
    service.contacts.prefer(contact, None, "pause", now=NOW)
    other = a_contact()
    assert [c.contact_id for c in scheduler.claim(limit=1)] == [other]


def test_a_pause_is_kept_through_a_change_of_type(
    service: DbService, bob: DbService, scheduler: SlowScheduler, contact: str
) -> None:
    service.contacts.prefer(contact, None, "pause", now=NOW)
    bob.contacts.change_type([contact], "client", now=NOW)
    assert scheduler.claim(NOW + DAY) == []
    assert len(scheduler.claim(THIRTY_DAYS_ON)) == 1
