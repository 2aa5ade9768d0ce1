"""A contact's campaigns: one that waits for another, and what was sent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crm.records.states import SwitchPolicy
from db_service import LOCAL_ADMIN_ID, DbService
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, RunScheduler, shown


@pytest.fixture
def contact(a_contact: AContact, published_steps: PublishedSteps) -> str:
    published_steps("lead", 3)
    return a_contact(first_name="Ada", last_name="King")


def test_a_campaign_that_waits_for_another_is_started_at_once(
    open_page: OpenPage,
    contact: str,
    published_steps: PublishedSteps,
    admin: DbService,
) -> None:
    published_steps("prospect", 2)
    now = datetime.now(UTC)
    admin.type_switches.change({("lead", "prospect"): SwitchPolicy.FINISH_FIRST}, now=now)
    admin.contacts.change_type([contact], "prospect", now=now)
    page = open_page(contact=contact)
    text = shown(page).replace("\\", "")
    assert "Waits for Lead" in text
    assert "“Prospect e-mail 1” comes once Lead has ended for this contact." in text
    assert "Lead stops, and Prospect begins now." in text
    assert "Resume" not in {button.label for button in page.button}
    [sure] = [button for button in page.button if button.label == "Start Prospect"]
    sure.click().run()
    text = shown(page)
    assert "Lead stopped; Prospect begins." in text
    assert "Waits for" not in text
    assert "E-mail 1 of 2 is next" in text


def test_a_colleague_reads_what_waits_and_cannot_start_it(
    open_page: OpenPage, contact: str, published_steps: PublishedSteps, raw: Raw
) -> None:
    published_steps("prospect", 2)
    raw.execute(
        "insert into type_switches (from_type, to_type, policy)"
        " values ('lead', 'prospect', 'finish_first')"
    )
    raw.execute("update contacts set contact_type = 'prospect' where id = %s", (contact,))
    raw.execute("update profiles set role = 'sales' where id = %s", (LOCAL_ADMIN_ID,))
    page = open_page(contact=contact)
    assert "Waits for Lead" in shown(page)
    assert "Start Prospect" not in {button.label for button in page.button}


def test_e_mails_sent_are_listed_by_their_subject(
    open_page: OpenPage, contact: str, run_scheduler: RunScheduler
) -> None:
    run_scheduler()
    page = open_page(contact=contact)
    assert "Lead · Lead e-mail 1</div>" in shown(page)
    [sent] = [button for button in page.button if button.label == "lead 1"]
    sent.click().run()
    text = shown(page)
    assert "**lead 1**" in text
    assert "Local outbox (nothing left this machine)" in text
