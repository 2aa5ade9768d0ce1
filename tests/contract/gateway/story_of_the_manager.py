"""The story's chapter of the campaign manager: lists of enrollments, the queue, many at once."""

from crm.records.campaign_enrollments import EnrollmentFilter
from tests.cast import NOW
from tests.contract.gateway.telling import Teller


def look_at_the_queue(alice: Teller, bob: Teller) -> None:
    """While e-mails are due, put off, unconfirmed and failed."""
    for desk in (alice, bob):
        desk.queue.counts(now=NOW, most=9)
        desk.queue.upcoming(limit=5)
        desk.queue.put_off(now=NOW, limit=5)


def manage(alice: Teller, bob: Teller, campaigns: dict[str, str]) -> None:
    lead = campaigns["lead"]
    searched = EnrollmentFilter(statuses=("active", "paused"), text='o\'neil, "THE" (1st)')
    for desk in (alice, bob):
        desk.campaigns.sequence(lead)
        for wanted in (
            EnrollmentFilter(),
            searched,
            EnrollmentFilter(reasons=("a,b",), steps=(1,)),
        ):
            found = desk.campaign_enrollments.page(lead, wanted, size=3)
            desk.campaign_enrollments.count(lead, wanted, most=5)
        desk.campaign_enrollments.page(lead, EnrollmentFilter(), size=2)
        desk.campaign_enrollments.all(lead, EnrollmentFilter(), most=7)
        ids = desk.campaign_enrollments.ids(lead, EnrollmentFilter())
        desk.campaign_enrollments.restart(ids, now=NOW)
        assert found == []
