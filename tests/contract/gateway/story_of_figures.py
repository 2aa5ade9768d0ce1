"""The story's chapter about figures: what everything so far adds up to, for whoever may know."""

from datetime import timedelta

from crm.records.figures import Period
from tests import cast
from tests.cast import NOW
from tests.contract.gateway.telling import Teller

YEAR = timedelta(days=365)


def count_it_all(service: Teller, alice: Teller, bob: Teller, campaign: str) -> None:
    service.analytics.catch_up(parts=100)
    period = Period(NOW - YEAR, NOW + YEAR)
    for desk in (service, alice, bob):
        desk.analytics.catch_up()
        desk.analytics.campaigns(period)
        desk.analytics.campaigns(period.before)
        desk.analytics.steps(campaign, period)
        desk.analytics.by_day(campaign, period, "America/New_York")
        desk.analytics.cohorts(campaign, months=3, now=NOW, zone="Asia/Kathmandu")
        desk.analytics.funnel_by_type()
    # All campaigns, over more days than one answer of a project has rows.
    long_time = Period(NOW - 4 * YEAR, NOW + 4 * YEAR)
    alice.analytics.by_day(None, long_time, "UTC")
    bob.analytics.steps(cast.ALICE_ID, period)
