"""The dashboard in both roles: who reacted, who is quiet, what is to do, and how it goes."""

from __future__ import annotations

import time as clock
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from crm.records.contacts import ContactDraft
from db_service import DbService, IncomingEvent, IncomingReply
from tests.browser import steps
from tests.browser.team_site import TeamSite

pytestmark = pytest.mark.browser

SUBJECTS = {"colleague": "alice", "chief": "bob"}
ADA = ContactDraft(first_name="Ada", company_name="Dashboard Journey Ltd", contact_type="partner")


@pytest.fixture(scope="module")
def happened(team_site: TeamSite) -> None:
    """Each of the two was answered, got a click, has a quiet lead and a task that is late; and an
    e-mail of somebody's was sent."""
    now = datetime.now(UTC)
    for person, subject in SUBJECTS.items():
        with team_site.acting_as(subject) as db:
            _contacts_of(db, person, team_site.id_of(subject), now)
    with team_site.acting_as_service() as service:
        for person in SUBJECTS:
            _reactions_to(service, person, now)
    with team_site.acting_as("bob") as db:
        _send(db, now)


def _contacts_of(db: DbService, person: str, mine: str, now: datetime) -> None:
    ada = replace(ADA, owner_id=mine)
    for name in ("Rita", "Clara"):
        email = f"{name.lower()}@{person}.example"
        draft = replace(ada, first_name=name, last_name=person.title(), email=email)
        contact_id = db.contacts.add(draft, created_by=mine, now=now)
    db.activities.add_task(
        contact_id,
        f"Call Clara of {person}",
        due_on=now.date() - timedelta(days=2),
        assigned_to=mine,
        actor_id=mine,
        now=now,
    )
    quiet = replace(ada, first_name="Quentin", last_name=person.title(), contact_type="lead")
    db.contacts.add(quiet, created_by=mine, now=now - timedelta(days=90))


def _reactions_to(service: DbService, person: str, now: datetime) -> None:
    reply = IncomingReply(
        message_id=f"<rita@{person}.example>",
        sender=f"rita@{person}.example",
        kind="person",
        subject="Re: a question",
        text="Call me on Monday.",
        occurred_at=now,
    )
    assert service.events.record_reply(reply, now=now) == "stored"
    click = IncomingEvent(
        event="click",
        occurred_at=now,
        email=f"clara@{person}.example",
        url="https://mpt.example/book",
        payload={},
    )
    assert service.events.record([click], now=now).stored == 1


def _send(db: DbService, now: datetime) -> None:
    """One e-mail at least, by a run of the app's own scheduler."""
    sent = replace(ADA, email="sent@dashboard.example", contact_type="lead")
    db.contacts.add(sent, created_by=None, now=now)
    db.scheduler_runs.request(now=now)
    deadline = clock.monotonic() + 60
    while not any(one.to_email == sent.email for one in db.sends.sent(limit=100)):
        assert clock.monotonic() < deadline, "the scheduler did not run"
        clock.sleep(0.2)


def _due_soon(db: DbService, person: str) -> None:
    """Its first e-mail is due a minute from now, so that no run takes it before it is looked at."""
    draft = replace(ADA, email=f"due@{person}.example", contact_type="lead")
    db.contacts.add(draft, created_by=None, now=datetime.now(UTC) + timedelta(minutes=1))


@pytest.mark.parametrize("person", list(SUBJECTS))
def test_todays_work_stands_in_its_sections_and_is_done_from_there(
    request: pytest.FixtureRequest, team_site: TeamSite, happened: None, person: str
) -> None:
    with team_site.acting_as(SUBJECTS[person]) as db:
        _due_soon(db, person)
    page: Page = request.getfixturevalue(person)
    is_admin, other = person == "chief", "Chief" if person == "colleague" else "Colleague"
    reactions, quiet, tasks = (
        page.locator(f".st-key-today_{part}") for part in ("reactions", "quiet", "tasks")
    )
    mine, everybodys = (
        page.get_by_role("radio", name=name) for name in ("My contacts", "Everybody's contacts")
    )
    expect(everybodys if is_admin else mine).to_be_checked()
    rita = reactions.get_by_role("button", name=f"Rita {person.title()} · {ADA.company_name}")
    expect(rita).to_be_visible()
    replied = reactions.locator("[class*=st-key-reaction_reply_]").filter(
        has_text=f"Rita {person.title()}"
    )
    expect(replied).to_contain_text("Replied")
    clicked = reactions.locator("[class*=st-key-reaction_click_]").filter(
        has_text=f"Clara {person.title()}"
    )
    expect(clicked).to_contain_text("Clicked")
    expect(quiet.get_by_role("button", name=f"Quentin {person.title()}")).to_be_visible()
    expect(page.locator(".st-key-today_due")).to_contain_text("Lead")

    (mine if is_admin else everybodys).click()
    # Leads are everybody's to see; replies to a colleague's are theirs to read.
    expect(quiet.get_by_role("button", name=f"Quentin {other}")).to_have_count(int(not is_admin))
    expect(rita).to_be_visible()
    expect(reactions.get_by_text(f"Rita {other}")).to_have_count(0)
    expect(reactions.get_by_text("Of your own contacts")).to_have_count(int(not is_admin))

    task = tasks.locator("[class*=st-key-today_task_]").filter(has_text=f"Call Clara of {person}")
    expect(task).to_contain_text("Overdue since")
    task.get_by_role("button", name="Done", exact=True).click()
    expect(page.get_by_text("Task done.")).to_be_visible()
    expect(task).to_have_count(0)

    figure = page.locator(".figure").filter(has=page.get_by_text("Opened", exact=True))
    definition = figure.locator(".means")
    expect(definition).to_be_hidden()
    figure.locator(".term").hover()
    expect(definition).to_be_visible()
    expect(definition).to_contain_text("E-mails that a person opened.")
    funnel = page.get_by_test_id("stDataFrame")
    steps.expect_cell(funnel, "Lead")
    steps.expect_cell(funnel, "Partner")
    expect(page.get_by_role("button", name="Run now")).to_have_count(int(is_admin))
    if is_admin:
        steps.run_now(page)

    rita.click()
    expect(page.get_by_role("heading", name=f"Rita {person.title()}")).to_be_visible()
    expect(page.locator(".timeline")).to_contain_text("Call me on Monday.")
