"""The dashboard: what is to do today, and how it goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

import db_service
from crm.settings import Settings
from crm.ui import session
from db_service import LOCAL_ADMIN_ID, DbService
from tests import cast
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, RunScheduler, shown
from tests.pages.test_contacts_page import CODES

PAGE = "01_Dashboard"


@pytest.fixture
def ada(a_contact: AContact, published_steps: PublishedSteps) -> str:
    """A lead of Alice's, with two e-mails to come."""
    published_steps("lead", 2)
    return a_contact(first_name="Ada", last_name="Byron", contact_type="lead")


def react(
    raw: Raw, contact_id: str, event: str, *, ago: timedelta, is_machine: bool = False
) -> None:
    """An event of the contact's e-mail, judged as told here and not by the database's own rules."""
    row = raw.execute(
        "insert into email_events (send_id, contact_id, event, occurred_at, message_id)"
        " select (select id from email_sends where contact_id = %(contact)s limit 1), %(contact)s,"
        " %(event)s, %(at)s, gen_random_uuid()::text returning id",
        {"contact": contact_id, "event": event, "at": session.now() - ago},
    ).fetchone()
    assert row
    raw.execute("update email_events set is_machine = %s where id = %s", (is_machine, row["id"]))


def test_somebody_new_reads_the_way_to_the_first_email(open_page: OpenPage) -> None:
    text = shown(open_page(PAGE))
    for words in ("Bring in your contacts", "Look at the campaigns", "Say who writes"):
        assert words in text
    assert "Replies and clicks" not in text


def test_a_calm_day_says_so_in_every_part(open_page: OpenPage, a_contact: AContact) -> None:
    a_contact(contact_type="partner")
    text = shown(open_page(PAGE))
    for words in (
        "Nobody replied or clicked in the last 7 days.",
        "Every lead and prospect was heard from lately.",
        "Nothing is due today.",
        "No e-mail is due today.",
        "Nothing failed",
        "Nothing was sent in these days.",
    ):
        assert words in text
    assert not CODES.search(text)


def test_people_who_reacted_come_first_and_machines_not_at_all(
    open_page: OpenPage,
    ada: str,
    a_contact: AContact,
    run_scheduler: RunScheduler,
    raw: Raw,
) -> None:
    bea = a_contact(first_name="Bea", last_name="Clicks")
    cy = a_contact(first_name="Cy", last_name="Machine")
    run_scheduler()
    react(raw, ada, "reply", ago=timedelta(hours=3))
    for hours in (1, 2):
        react(raw, bea, "click", ago=timedelta(hours=hours))
    react(raw, cy, "click", ago=timedelta(days=8))
    react(raw, cy, "click", ago=timedelta(hours=1), is_machine=True)
    page = open_page(PAGE)
    labels = [b.label for b in page.button if str(b.key).startswith(("reply_to", "click_to"))]
    assert labels == ["Ada Byron · Customer Ltd", "Bea Clicks · Customer Ltd"]
    text = shown(page)
    assert '<span class="tone-green">Replied</span>' in text
    assert '<span class="tone-blue">Clicked 2 times</span>' in text
    next(b for b in page.button if b.label.startswith("Bea Clicks")).click().run()
    assert "Bea Clicks" in [title.value for title in page.title]


def test_quiet_leads_are_listed_and_the_rest_is_a_filter_away(
    open_page: OpenPage, a_contact: AContact, raw: Raw
) -> None:
    for number in range(8):
        a_contact(first_name=f"Quiet{number}", last_name="", contact_type="lead")
    raw.execute("update contacts set created_at = now() - interval '90 days'")
    a_contact(first_name="Client", last_name="", contact_type="client")
    page = open_page(PAGE)
    labels = [b.label for b in page.button if str(b.key).startswith("quiet_to_")]
    assert len(labels) == 6
    assert all(label.startswith("Quiet") for label in labels)


def test_tasks_due_are_done_with_one_click(open_page: OpenPage, ada: str, admin: DbService) -> None:
    now = session.now()
    today = now.date()
    for text, day in (
        ("Call back", today - timedelta(days=2)),
        ("Next year", today.replace(year=2099)),
    ):
        admin.activities.add_task(
            ada, text, due_on=day, assigned_to=LOCAL_ADMIN_ID, actor_id=LOCAL_ADMIN_ID, now=now
        )
    page = open_page(PAGE)
    text = shown(page)
    assert "Call back" in text
    assert "Overdue since" in text
    assert "1 more task for later." in text
    next(b for b in page.button if str(b.key).startswith("done_")).click().run()
    assert "Nothing is due today." in shown(page)


def test_what_goes_out_is_counted_and_what_went_out_is_a_figure(
    open_page: OpenPage, ada: str, run_scheduler: RunScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "**1 e-mail**" in shown(open_page(PAGE))
    run_scheduler()
    moment = session.now() + timedelta(minutes=1)
    monkeypatch.setattr(session, "now", lambda: moment)
    text = shown(open_page(PAGE))
    assert "Sent" in text
    assert "No e-mail is due today." in text


def test_what_keeps_e_mails_from_leaving_needs_a_look(
    open_page: OpenPage, ada: str, raw: Raw
) -> None:
    DbService.for_service().engine.halt_sending("The key was refused.", now=session.now())
    raw.execute(
        "update drip_campaigns set status = 'paused', paused_reason ="
        " 'Stopped by itself: 6 of the last 60 e-mails bounced (10.0 %).' where key = 'lead'"
    )
    raw.execute("update drip_campaigns set status = 'paused' where key = 'client'")
    raw.execute(
        "update campaign_enrollments set next_send_at = now() + interval '1 day'"
        " where contact_id = %s",
        (ada,),
    )
    raw.execute(
        "insert into drip_decisions"
        " (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, until)"
        " select contact_id, id, campaign_id, next_step, now(), 'account_daily_cap', '',"
        " next_send_at from campaign_enrollments"
    )
    text = shown(open_page(PAGE))
    halt = text.index(":red[All sending is stopped.] The key was refused\\.")
    assert halt < text.index(":red[Lead stopped itself]; 1 contact waits in it.")
    assert ":gray[1 put off; the queue says why, and they leave by themselves]" in text
    assert "Client is paused" not in text, "nobody waits in it"
    assert "Nothing failed" not in text
    raw.execute("update drip_campaigns set paused_reason = 'Copy' where key = 'lead'")
    assert ":orange[Lead is paused]; 1 contact waits in it." in shown(open_page(PAGE))


def test_the_runs_of_today_are_summed_up(open_page: OpenPage, ada: str, raw: Raw) -> None:
    assert "Today:" not in shown(open_page(PAGE))
    raw.execute(
        "insert into scheduler_runs (started_at, finished_at, trigger, status, counts)"
        " select at, at, 'interval', 'ok', '{\"accepted\": 600}' from unnest(array["
        " now() - interval '2 days', now() - interval '1 second', now()]) at"
    )
    assert "Today: 2 runs, 1,200 e-mails sent" in shown(open_page(PAGE))


def test_mine_and_everybodys_are_told_apart(
    open_page: OpenPage, ada: str, run_scheduler: RunScheduler, raw: Raw
) -> None:
    run_scheduler()
    react(raw, ada, "reply", ago=timedelta(hours=1))
    assert "Replied" in shown(open_page(PAGE))
    page = open_page(PAGE)
    page.segmented_control(key="whose").set_value("My contacts").run()
    assert "Nobody replied or clicked" in shown(page), "Ada is Alice's"
    raw.execute("update profiles set role = 'sales' where id = %s", (LOCAL_ADMIN_ID,))
    page = open_page(PAGE)
    assert page.segmented_control(key="whose").value == "My contacts"
    page.segmented_control(key="whose").set_value("Everybody's contacts").run()
    assert "Of your own contacts" in shown(page)
    assert "Nobody replied or clicked" in shown(page), "replies to others are theirs to read"


def test_a_database_that_is_away_is_told_calmly(
    open_page: OpenPage, ada: str, settings: Settings
) -> None:
    page = open_page(PAGE)
    connection = db_service.connect(settings)
    assert connection.direct is not None
    connection.direct.close()
    page.run()
    assert "database does not answer" in shown(page)


def test_thousands_of_reactions_are_shown_a_few_at_a_time(
    open_page: OpenPage, raw: Raw, admin: DbService
) -> None:
    raw.execute("select set_config('mpt.auto_enroll', 'off', false)")
    raw.execute(
        "insert into contacts (first_name, email, contact_type)"
        " select 'Guest ' || n, 'g' || n || '@c.example', 'partner' from generate_series(1, 3000) n"
    )
    raw.execute(
        "insert into email_events (contact_id, event, occurred_at, message_id)"
        " select id, 'click', now() - interval '1 hour', id::text from contacts"
    )
    page = open_page(PAGE)
    assert sum(str(b.key).startswith("click_to_") for b in page.button) == 6
    page.button(key="reactions_more").click().run()
    assert sum(str(b.key).startswith("click_to_") for b in page.button) == 25


def test_thousands_gone_quiet_to_do_and_due_are_counted_and_a_few_are_drawn(
    open_page: OpenPage, published_steps: PublishedSteps, admin: DbService, raw: Raw
) -> None:
    published_steps("lead", 2)
    raw.execute("select set_config('mpt.auto_enroll', 'off', false)")
    raw.execute(
        "insert into contacts (first_name, contact_type, created_at)"
        " select 'Quiet ' || n, 'lead', now() - interval '90 days' from generate_series(1, 3000) n"
    )
    raw.execute(
        "insert into campaign_enrollments (contact_id, campaign_id, next_step, next_send_at)"
        " select c.id, d.id, 1, now() from contacts c join drip_campaigns d on d.key = 'lead'"
    )
    raw.execute(
        "insert into activities (contact_id, kind, summary, assigned_to, due_at)"
        " select id, 'task', 'Call', %s, now() - interval '2 days' from contacts limit 3000",
        (LOCAL_ADMIN_ID,),
    )
    page = open_page(PAGE)
    drawn = [str(button.key).rsplit("_", 1)[0] for button in page.button]
    assert (drawn.count("quiet_to"), drawn.count("done")) == (6, 6)
    text = shown(page)
    assert "**3,000 e-mails**" in text
    assert "2,994 more tasks" in text


def test_the_list_of_reactions_is_what_the_events_say(
    raw: Raw, a_contact: AContact, alice: DbService, bob: DbService
) -> None:
    """By brute force over generated events, for both roles."""
    owners = (cast.ALICE_ID, cast.CAROL_ID, None)
    contacts = [a_contact(owner_id=owners[n % 3], contact_type="partner") for n in range(9)]
    told: dict[tuple[str, str], int] = {}
    since = cast.NOW - timedelta(days=7)
    for n in range(120):
        contact = contacts[n % 9]
        event = ("reply", "click", "open", "auto_reply")[n % 4]
        at = cast.NOW - timedelta(hours=n * 3)
        machine = n % 5 == 0
        raw.execute(
            "insert into email_events (contact_id, event, occurred_at, message_id, is_machine)"
            " values (%s, %s, %s, %s, %s)",
            (contact, event, at, str(n), machine),
        )
        if event in {"reply", "click"} and not machine and at >= since:
            told[contact, event] = told.get((contact, event), 0) + 1
    everything = bob.dashboard.reactions(mine=False, since=since, limit=100)
    assert {(r.contact_id, r.event): r.times for r in everything} == told
    hers = {key: n for key, n in told.items() if key[0] in contacts[0::3]}
    for mine in (True, False):
        found = alice.dashboard.reactions(mine=mine, since=since, limit=100)
        assert {(r.contact_id, r.event): r.times for r in found} == hers
    order = [(r.event, r.occurred_at) for r in everything]
    assert order == sorted(order, key=lambda one: (one[0] == "reply", one[1]), reverse=True)
