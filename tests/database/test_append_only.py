"""Invariant 7: activities and audit_log are append-only, even for the superuser. And roles."""

from datetime import timedelta

import pytest

from tests.cast import NOW
from tests.conftest import AContact, Raw
from tests.database.sending import one, refused, values


@pytest.mark.parametrize(
    "change",
    [
        "summary = 'rewritten'",
        "kind = 'note'",
        "occurred_at = now()",
        "contact_id = gen_random_uuid()",
        "actor_id = (select id from profiles limit 1)",
        "send_id = gen_random_uuid()",
    ],
)
def test_the_timeline_is_never_reworded(raw: Raw, a_contact: AContact, change: str) -> None:
    a_contact()
    refused(raw, "MP002", f"update activities set {change}")


def test_the_timeline_is_never_shortened(raw: Raw, a_contact: AContact) -> None:
    a_contact()
    refused(raw, "MP002", "delete from activities")
    refused(raw, "MP002", "truncate activities")
    raw.execute("delete from contacts")
    assert values(raw, "select count(*) from activities") == [0], "it goes with the contact"


def test_a_task_may_be_moved_and_completed(raw: Raw, a_contact: AContact) -> None:
    a_contact()
    raw.execute("update activities set due_at = %s, completed_at = %s", (NOW, NOW + timedelta(1)))


def test_the_audit_log_is_append_only(raw: Raw) -> None:
    raw.execute("update drip_campaigns set name = 'Leads' where key = 'lead'")
    logged = one(
        raw, "select * from audit_log where relation = 'drip_campaigns' and operation = 'UPDATE'"
    )
    assert (logged["before"]["name"], logged["after"]["name"]) == ("Lead", "Leads")
    for attack in (
        "update audit_log set after = null",
        "delete from audit_log",
        "truncate audit_log",
    ):
        refused(raw, "MP002", attack)


# Roles: nobody promotes themselves, and the last admin stays.


def test_the_last_admin_stays_an_admin(raw: Raw) -> None:
    for attack in ("role = 'sales'", "active = false"):
        refused(raw, "MP001", f"update profiles set {attack} where role = 'admin' and active")
    raw.execute("update profiles set active = true where full_name = 'Charlie Outsider'")
    raw.execute("update profiles set role = 'sales' where full_name = 'Bob Admin'")
