"""claim_due with several schedulers at once: everybody once, and the daily cap counts them all."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from crm.database.postgres import PostgresDatabase
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, values

HOUR = timedelta(hours=1)


def test_two_schedulers_at_once_claim_every_contact_exactly_once(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps, raw: Raw
) -> None:
    published_steps("lead", 1)
    raw.execute(
        "insert into contacts (first_name, email, contact_type)"
        " select 'Crowd', 'crowd' || n || '@customer.example', 'lead'"
        " from generate_series(1, 600) n"
    )

    def claim_everything(_: int) -> list[str]:
        scheduler = SlowScheduler(service)
        batches = iter(lambda: scheduler.claim(limit=20), [])
        return [c.contact_id for batch in batches for c in batch]

    with ThreadPoolExecutor(4) as pool:
        taken = [contact for result in pool.map(claim_everything, range(4)) for contact in result]
    leftover = [c.contact_id for c in SlowScheduler(service).claim()]
    assert len(taken) + len(leftover) == 600
    assert len({*taken, *leftover}) == 600


def test_rows_another_scheduler_holds_are_skipped_not_waited_for(
    service: DbService,
    database: PostgresDatabase,
    a_contact: AContact,
    published_steps: PublishedSteps,
    raw: Raw,
) -> None:
    published_steps("lead", 1)
    held, free = a_contact(), a_contact()
    with raw.transaction():
        raw.execute("select from contacts where id = %s for no key update", (held,))
        assert [c.contact_id for c in SlowScheduler(service).claim()] == [free]
    assert [c.contact_id for c in SlowScheduler(service).claim()] == [held]


@pytest.fixture
def in_two_campaigns(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> str:
    """A contact due at once in its type's campaign and in one joined by hand."""
    published_steps("lead", 1)
    published_steps("networking", 1)
    raw.execute("update drip_campaigns set is_type_campaign = false where key = 'networking'")
    contact = a_contact()
    campaign = values(raw, "select id::text from drip_campaigns where key = 'networking'")[0]
    service.enrollments.enroll([contact], campaign_id=campaign, source="manual", now=NOW)
    return contact


def test_the_second_claim_of_a_contact_sees_the_first(
    service: DbService, in_two_campaigns: str
) -> None:
    """The daily cap counts what another scheduler claimed a moment ago in another campaign."""
    contact = in_two_campaigns
    first, second = SlowScheduler(service).claim(), SlowScheduler(service).claim()
    assert [c.contact_id for c in first] == [c.contact_id for c in second] == [contact]
    assert first[0].recent_sends is None
    assert tuple(second[0].recent_sends or ()) == (NOW,)


def test_a_contact_being_claimed_elsewhere_is_left_for_later_and_then_seen(
    service: DbService, raw: Raw, in_two_campaigns: str
) -> None:
    """While another scheduler's claim is not committed, nobody can count it against the cap."""
    with raw.transaction():
        taken = raw.execute(
            "select send_id from claim_due(%s, 1, 300, 0, gen_random_uuid())", (NOW,)
        ).fetchall()
        assert len(taken) == 1
        assert SlowScheduler(service).claim() == []
    claimed = SlowScheduler(service).claim()
    assert [c.contact_id for c in claimed] == [in_two_campaigns]
    assert tuple(claimed[0].recent_sends or ()) == (NOW,)


@pytest.mark.parametrize(
    ("status", "counted"),
    [("accepted", True), ("unconfirmed", True), ("retry", False), ("failed", False)],
)
def test_the_cap_counts_what_may_have_reached_the_person(
    service: DbService, raw: Raw, in_two_campaigns: str, status: str, counted: bool
) -> None:
    SlowScheduler(service).claim()
    raw.execute("update email_sends set status = %s, claimed_at = %s", (status, NOW - HOUR))
    recent = SlowScheduler(service).claim()[0].recent_sends
    assert tuple(recent or ()) == ((NOW - HOUR,) if counted else ())
