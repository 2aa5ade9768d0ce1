"""The story's chapter on one contact's page: its timeline, tasks, and an e-mail that is skipped."""

from datetime import timedelta

from tests import cast
from tests.cast import NOW
from tests.contract.gateway.telling import Teller

DAY = timedelta(days=1)
TODAY = NOW.date()


def look_after(alice: Teller, bob: Teller, contacts: list[str]) -> None:
    """`contacts[0]` is Alice's, the others are nobody's."""
    _tasks(alice, bob, contacts[0])
    _skips(alice, bob, contacts)
    for desk in (alice, bob):
        desk.activities.history(contacts[:3], limit=200)
        desk.activities.history(contacts[:1], kinds=["note", "task", "decision"], limit=3)
        desk.activities.history(contacts[:1], kinds=["merged"], limit=3)


def _tasks(alice: Teller, bob: Teller, contact: str) -> None:
    mine = {"assigned_to": cast.ALICE_ID, "actor_id": cast.ALICE_ID}
    his = mine | {"assigned_to": cast.BOB_ID}
    activities = alice.activities
    activities.log(contact, "call", 'Said "no", {x}', actor_id=cast.ALICE_ID, happened_at=NOW - DAY)
    activities.log(contact, "reply", "Made up", actor_id=cast.ALICE_ID, happened_at=NOW)
    activities.add_task(contact, "Some day", due_on=None, now=NOW, **mine)
    activities.add_task(contact, "Due, (today)", due_on=TODAY, now=NOW, **mine)
    activities.add_task(contact, "Bob's", due_on=TODAY + DAY, now=NOW, **his)
    activities.open_tasks(cast.ALICE_ID, limit=9)
    activities.open_tasks(cast.ALICE_ID, limit=9, due_until=TODAY)
    activities.count_open_tasks(cast.ALICE_ID)
    activities.count_open_tasks(cast.BOB_ID, due_until=TODAY)
    [first, second, *_] = activities.tasks_of([contact], limit=9)
    activities.complete_task(first.id, now=NOW)
    activities.complete_task(first.id, now=NOW)
    activities.done_tasks([contact], limit=9)
    activities.reopen_task(first.id)
    activities.move_task(first.id, due_on=None, assigned_to=cast.CAROL_ID)
    bob.activities.move_task(second.id, due_on=TODAY, assigned_to=cast.BOB_ID)
    bob.activities.tasks_of([contact], limit=9)


def _skips(alice: Teller, bob: Teller, contacts: list[str]) -> None:
    for contact in contacts:
        for enrollment in bob.enrollments.of_contact(contact):
            if enrollment.status == "active":
                step = enrollment.next_step or 1
                alice.enrollments.skip_step(enrollment.id, step, now=NOW)
                bob.enrollments.skip_step(enrollment.id, step, now=NOW)
                bob.enrollments.skip_step(enrollment.id, step, now=NOW)
                bob.enrollments.undo_skip(enrollment.id, step, now=NOW)
                bob.enrollments.undo_skip(enrollment.id, step, now=NOW)
    alice.enrollments.skip_step(cast.ALICE_ID, 1, now=NOW)
