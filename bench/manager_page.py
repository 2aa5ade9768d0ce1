"""The campaign manager in a real browser: from the click that leads there to its figures."""

from __future__ import annotations

import psycopg
from playwright.sync_api import Page

from bench.drawing import milliseconds_until_at_rest, rest
from bench.timing import Beside, Timings, milliseconds_of

OPENINGS = 20
# What the page is about, for thirty days: no more than one reading of the e-mails.
_FIGURES = """
    select campaign_id, count(*), count(delivered_at), count(first_opened_at),
           count(first_clicked_at)
    from email_sends
    where handed_over_at >= now() - interval '30 days'
      and status in ('accepted', 'delivered', 'bounced', 'dropped')
    group by campaign_id
"""


def measure_manager_page(page: Page, address: str) -> Beside:
    found = []
    for _ in range(OPENINGS):
        page.get_by_role("link", name="Contacts", exact=True).click()
        page.locator("[data-testid=stDataFrame]").first.wait_for(timeout=60_000)
        rest(page)
        link = page.get_by_role("link", name="Campaign manager", exact=True).first
        found.append(milliseconds_until_at_rest(page, "Campaign manager", link.click))
        rest(page)
    with psycopg.connect(address, autocommit=True) as connection:
        bare = [
            milliseconds_of(lambda: connection.execute(_FIGURES).fetchall())
            for _ in range(OPENINGS)
        ]
    return Beside(Timings.of(found), Timings.of(bare))
