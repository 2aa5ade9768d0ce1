"""The campaign manager in trouble and in a crowd: no database, and thousands of everything."""

from __future__ import annotations

import pytest

from db_service import DbService
from tests.conftest import PublishedSteps, Raw
from tests.pages.conftest import OpenPage, TakeAway, shown
from tests.pages.manager_stage import PAGE, rows_of, three

__all__ = ["three"]


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ({"view": "Overview"}, "All campaigns together"),
        ({"view": "Compare"}, "Replied"),
        ({"view": "Queue"}, "lead 2"),
        ({"view": "Outbox"}, "ada@example.com"),
        ({"view": "Enrollments"}, "Nobody in this campaign fits"),
        ({"view": "Runs"}, "3 sent"),
        ({"campaign": "lead", "part": "Sequence"}, "Day 7"),
        ({"campaign": "lead", "part": "Enrollments"}, "Lead e-mail 2"),
    ],
)
def test_a_database_that_is_away_is_told_calmly_in_every_view(
    open_page: OpenPage,
    three: list[str],
    take_database_away: TakeAway,
    wanted: dict[str, str],
    there: str,
) -> None:
    page = open_page(PAGE, **wanted)
    assert there in shown(page)
    take_database_away()
    text = shown(page.run())
    assert "The database does not answer" in text
    assert there not in text, "nothing of before stands there as if it were read now"


@pytest.fixture
def crowd(admin: DbService, published_steps: PublishedSteps, raw: Raw) -> None:
    """3,000 leads, all with an e-mail due since a minute; the first of half of them arrived, that
    of the others failed."""
    published_steps("lead", 2)
    raw.execute("select set_config('mpt.auto_enroll', 'off', false)")
    raw.execute(
        "insert into contacts (first_name, email, contact_type)"
        " select 'N' || n, 'n' || n || '@example.com', 'lead' from generate_series(1, 3000) n"
    )
    raw.execute(
        "insert into campaign_enrollments (contact_id, campaign_id, next_step, next_send_at)"
        " select c.id, d.id, 2, now() - interval '1 minute'"
        " from contacts c join drip_campaigns d on d.key = 'lead'"
    )
    raw.execute(
        "insert into email_sends (contact_id, enrollment_id, campaign_id, step, run, template_id,"
        " to_email, claimed_at, status, handed_over_at, held_at)"
        " select e.contact_id, e.id, e.campaign_id, 1, 1, t.id, 'n@example.com', now(),"
        " case e.failed when 1 then 'failed' else 'delivered' end, now(),"
        " case e.failed when 1 then now() end"
        " from (select *, row_number() over () % 2 as failed from campaign_enrollments) e"
        " join drip_campaign_templates t on t.campaign_id = e.campaign_id and t.step = 1"
    )


def test_of_thousands_every_view_draws_a_few(open_page: OpenPage, crowd: None) -> None:
    page = open_page(PAGE)
    assert "**Waiting for you:** 1,500 e-mails failed." in shown(page)
    assert [len(table.value) for table in page.dataframe] == [4], "a row a campaign"
    page.session_state["view"] = "Outbox"
    assert "The latest 100 are shown." in shown(page.run())
    assert [len(table.value) for table in page.dataframe] == [100]
    page.session_state["view"] = "Queue"
    assert "The next 100 are shown." in shown(page.run())
    assert [len(table.value) for table in page.dataframe] == [100]
    page.segmented_control(key="queue_part").set_value("failed").run()
    assert "The latest 25 are shown" in shown(page)
    assert [button.label for button in page.button].count("Try again") == 25


def test_of_thousands_in_one_campaign_a_page_is_drawn(open_page: OpenPage, crowd: None) -> None:
    page = open_page(PAGE, campaign="lead", part="Enrollments")
    assert "1–50 of 3,000" in shown(page)
    assert len(rows_of(page, "Contact")) == 50
