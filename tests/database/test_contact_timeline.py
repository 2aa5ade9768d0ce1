"""The contact page's timeline in one answer, and tasks with somebody who does them."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from crm.records.activities import Task, due_moment
from db_service import DbService, NotAllowedError
from tests.cast import ALICE_ID, BOB_ID, CAROL_ID, NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.reporting import told
from tests.database.sending import SlowScheduler, one, refused

MINUTE = timedelta(minutes=1)
TODAY = NOW.date()


@pytest.fixture
def written_to(service: DbService, a_contact: AContact, published_steps: PublishedSteps) -> str:
    """Alice's contact, with the first e-mail of Lead accepted at NOW."""
    published_steps("lead", 2)
    contact = a_contact()
    SlowScheduler(service).send_all(NOW, next_step=2)
    return contact


def test_an_e_mail_is_one_entry_with_people_and_machines_apart(
    service: DbService, alice: DbService, raw: Raw, written_to: str
) -> None:
    send = one(raw, "select * from email_sends")
    told(service, send, "delivered", at=NOW + MINUTE)
    told(service, send, "open", at=NOW + 2 * MINUTE, says_machine=True)
    for minutes in (60, 61):
        told(service, send, "open", at=NOW + minutes * MINUTE, user_agent="Thunderbird")
    url = "https://mpt.example/book?who=1"
    told(service, send, "click", at=NOW + 62 * MINUTE, url=url, user_agent="Firefox")
    entries = alice.activities.history([written_to], limit=50)
    [email] = [entry for entry in entries if entry.send_id]
    assert (email.kind, email.template_name, email.campaign_name) == (
        "email_sent",
        "Lead e-mail 1",
        "Lead",
    )
    assert (email.subject, email.template_subject) == ("lead 1", "lead 1")
    assert (email.opens, email.machine_opens, email.clicks, email.machine_clicks) == (2, 1, 1, 0)
    assert (email.send_status, email.delivered_at) == ("delivered", NOW + MINUTE)
    assert (email.last_opened_at, email.last_clicked_at) == (NOW + 61 * MINUTE, NOW + 62 * MINUTE)
    assert email.clicked_urls == (url,)


def test_an_e_mail_that_bounced_bears_the_reason(
    service: DbService, alice: DbService, raw: Raw, written_to: str
) -> None:
    send = one(raw, "select * from email_sends")
    told(service, send, "bounce", at=NOW + MINUTE, reason="550 no such user")
    [email] = [e for e in alice.activities.history([written_to], limit=50) if e.send_id]
    assert (email.trouble, email.trouble_reason) == ("bounce", "550 no such user")


def test_a_colleague_reads_that_an_e_mail_went_and_nothing_of_what_came_of_it(
    service: DbService, carol: DbService, charlie: DbService, raw: Raw, written_to: str
) -> None:
    told(service, one(raw, "select * from email_sends"), "open", at=NOW + MINUTE)
    raw.execute(
        "insert into drip_decisions (contact_id, decided_at, reason, explanation)"
        " values (%s, %s, 'holiday', 'Good Friday')",
        (written_to, NOW),
    )
    entries = carol.activities.history([written_to], limit=50)
    assert "E-mail sent: Lead e-mail 1" in [entry.summary for entry in entries]
    assert {entry.opens for entry in entries} == {0}
    assert {entry.send_status for entry in entries} == {None}
    assert {(entry.subject, entry.template_subject) for entry in entries} == {(None, None)}
    assert "decision" not in [entry.kind for entry in entries]
    assert charlie.activities.history([written_to], limit=50) == []


def test_decisions_stand_among_what_happened_by_their_moment(
    alice: DbService, raw: Raw, written_to: str
) -> None:
    raw.execute(
        "insert into drip_decisions"
        " (contact_id, campaign_id, step, decided_at, reason, explanation, until)"
        " select %s, id, 2, %s, 'holiday', 'Good Friday', %s from drip_campaigns"
        " where key = 'lead'",
        (written_to, NOW + MINUTE, NOW + timedelta(days=1)),
    )
    [latest, *_] = alice.activities.history([written_to], limit=50)
    assert (latest.kind, latest.decision_reason, latest.template_name) == (
        "decision",
        "holiday",
        "Lead e-mail 2",
    )
    assert latest.until == NOW + timedelta(days=1)
    [only] = alice.activities.history([written_to], kinds=["decision"], limit=50)
    assert only == latest
    kinds = alice.activities.history([written_to], kinds=["email_sent", "enrolled"], limit=50)
    assert {entry.kind for entry in kinds} == {"email_sent", "enrolled"}


def test_a_long_timeline_is_read_in_parts_without_a_gap_or_a_repetition(
    alice: DbService, raw: Raw, a_contact: AContact, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = a_contact(contact_type="partner")
    # Three of each moment, so that parts end in the middle of one.
    raw.execute(
        "insert into activities (contact_id, kind, summary, occurred_at)"
        " select %s, 'note', 'Note ' || n, %s + n / 3 * interval '1 hour'"
        " from generate_series(1, 100) n",
        (contact, NOW),
    )
    raw.execute(
        "insert into drip_decisions (contact_id, decided_at, reason, explanation)"
        " select %s, %s + n * interval '1 hour', 'holiday', 'x' from generate_series(1, 20) n",
        (contact, NOW),
    )
    whole = alice.activities.history([contact], limit=500)
    assert len(whole) == 121
    gateway = alice.activities._gateway
    monkeypatch.setattr(type(gateway), "most_rows", lambda _: 7)
    assert alice.activities.history([contact], limit=500) == whole
    assert alice.activities.history([contact], limit=33) == whole[:33]
    moments = [entry.occurred_at for entry in whole]
    assert moments == sorted(moments, reverse=True)


def test_the_timelines_of_a_family_are_one(alice: DbService, a_contact: AContact) -> None:
    kept, dropped, other = a_contact(), a_contact(), a_contact()
    for number, contact in enumerate((kept, dropped, other)):
        alice.activities.add_note(
            contact, f"Note {number}", actor_id=ALICE_ID, now=NOW + number * MINUTE
        )
    notes = alice.activities.history([kept, dropped], kinds=["note"], limit=9)
    assert [note.summary for note in notes] == ["Note 1", "Note 0"]


# What people write themselves


@pytest.mark.parametrize("kind", ["reply", "email_sent", "type_changed", "unsubscribed", "merged"])
def test_nobody_makes_up_what_only_the_database_tells(
    alice: DbService, bob: DbService, a_contact: AContact, kind: Any
) -> None:
    contact = a_contact()
    for desk, person in ((alice, ALICE_ID), (bob, BOB_ID)):
        with pytest.raises(NotAllowedError):
            desk.activities.log(contact, kind, "x", actor_id=person, happened_at=NOW)


def test_a_call_is_logged_for_when_it_was(alice: DbService, a_contact: AContact) -> None:
    contact = a_contact(contact_type="partner")
    yesterday = NOW - timedelta(days=1)
    alice.activities.log(contact, "call", "Reached", actor_id=ALICE_ID, happened_at=yesterday)
    entry = alice.activities.history([contact], limit=9)[-1]
    assert (entry.kind, entry.occurred_at, entry.actor_name) == ("call", yesterday, "Alice Sales")


# Tasks


def _add(desk: DbService, contact: str, text: str, due: date | None, **more: str) -> Task:
    people = {"assigned_to": ALICE_ID, "actor_id": ALICE_ID} | more
    desk.activities.add_task(contact, text, due_on=due, now=NOW, **people)
    [task] = [t for t in desk.activities.tasks_of([contact], limit=99) if t.summary == text]
    return task


def test_open_tasks_come_by_their_day_and_those_without_one_last(
    alice: DbService, a_contact: AContact
) -> None:
    contact = a_contact(first_name="Ada", last_name="King")
    _add(alice, contact, "Some day", None)
    _add(alice, contact, "Later", TODAY + timedelta(days=9))
    overdue = _add(alice, contact, "Late", TODAY - timedelta(days=1))
    _add(alice, contact, "For Carol", TODAY, assigned_to=CAROL_ID)
    tasks = alice.activities.open_tasks(ALICE_ID, limit=9)
    assert [task.summary for task in tasks] == ["Late", "Later", "Some day"]
    assert (tasks[0].contact_name, tasks[0].assigned_name) == ("Ada King", "Alice Sales")
    assert overdue.is_overdue(TODAY)
    assert not overdue.is_overdue(TODAY - timedelta(days=1)), "the day itself is still time"
    assert not tasks[2].is_overdue(TODAY)
    assert alice.activities.open_tasks(ALICE_ID, limit=9, due_until=TODAY) == [overdue]
    assert alice.activities.count_open_tasks(ALICE_ID) == 3
    assert alice.activities.count_open_tasks(ALICE_ID, due_until=TODAY) == 1
    assert len(alice.activities.tasks_of([contact], limit=9)) == 4


def test_the_day_of_a_task_is_the_same_for_every_reader(
    alice: DbService, a_contact: AContact
) -> None:
    task = _add(alice, a_contact(), "Call", date(2026, 3, 20))
    assert task.due_on == date(2026, 3, 20)
    assert due_moment(date(2026, 3, 20)) == task.due_at
    assert isinstance(task.due_at, datetime)


def test_a_task_is_completed_once_and_can_be_reopened(
    alice: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    task = _add(alice, contact, "Call", TODAY - timedelta(days=3))
    assert alice.activities.complete_task(task.id, now=NOW)
    assert not alice.activities.complete_task(task.id, now=NOW)
    assert alice.activities.tasks_of([contact], limit=9) == []
    [entry] = alice.activities.history([contact], kinds=["task"], limit=9)
    assert entry.completed_at == NOW
    assert not alice.activities.move_task(task.id, due_on=TODAY, assigned_to=CAROL_ID)
    assert alice.activities.reopen_task(task.id)
    assert not alice.activities.reopen_task(task.id)
    assert alice.activities.tasks_of([contact], limit=9) == [task]


def test_who_has_a_task_may_do_it_and_hand_it_on(
    alice: DbService, carol: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    mine = _add(alice, contact, "Mine", None)
    task = _add(alice, contact, "Yours", None, assigned_to=CAROL_ID)
    assert not carol.activities.complete_task(mine.id, now=NOW)
    assert not carol.activities.move_task(mine.id, due_on=TODAY, assigned_to=CAROL_ID)
    assert carol.activities.complete_task(task.id, now=NOW)
    assert alice.activities.reopen_task(task.id), "its author may, too"
    assert carol.activities.move_task(task.id, due_on=TODAY, assigned_to=BOB_ID)
    assert not carol.activities.complete_task(task.id, now=NOW), "it is Bob's by now"
    [moved] = carol.activities.open_tasks(BOB_ID, limit=9)
    assert (moved.summary, moved.due_on, moved.actor_name) == ("Yours", TODAY, "Alice Sales")


def test_a_task_is_moved_and_never_reworded(
    raw: Raw, alice: DbService, a_contact: AContact
) -> None:
    task = _add(alice, a_contact(), "Call", None)
    refused(raw, "MP002", "update activities set summary = 'x' where id = %s", task.id)
    refused(raw, "MP002", "update activities set kind = 'note' where id = %s", task.id)
    refused(
        raw,
        "23514",
        "insert into activities (contact_id, kind, summary, assigned_to)"
        " values (%s, 'note', 'x', %s)",
        task.contact_id,
        ALICE_ID,
    )


def test_a_colleague_s_name_goes_with_the_colleague_and_the_task_stays(
    raw: Raw, alice: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    task = _add(alice, contact, "Call", None, assigned_to=CAROL_ID)
    raw.execute("delete from profiles where id = %s", (CAROL_ID,))
    [left] = alice.activities.tasks_of([contact], limit=9)
    assert (left.id, left.assigned_to, left.assigned_name) == (task.id, None, None)
