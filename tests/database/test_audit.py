"""The audit log: what is written down, what never is, and that no change goes unnoticed."""

import json
from dataclasses import replace
from typing import Any

import pytest

from crm.database.errors import InvalidValueError, NotAllowedError
from crm.database.postgres import PostgresDatabase
from crm.records.audit import AuditActor, AuditEntry, AuditSearch
from db_service import DbService
from tests import cast
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import values
from tests.database.tampering import make_entries, tamper

WEBHOOK = {"url": "https://hooks.example/in", "secret": "a-signing-secret"}


@pytest.fixture(autouse=True)
def empty_log(raw: Raw) -> None:
    """Without the entries about the cast's own arrival."""
    tamper(raw, "truncate audit_log")


def _latest(desk: DbService, **search: Any) -> AuditEntry:
    return desk.audit.page(AuditSearch(**search), size=1)[0]


# Who, what, before and after


def test_a_change_names_the_person_the_row_and_both_sides(bob: DbService, raw: Raw) -> None:
    lead = values(raw, "select id::text from drip_campaigns where key = 'lead'")[0]
    bob.campaigns.pause(lead, reason="Holidays", now=NOW)
    entry = _latest(bob)
    assert (entry.actor_kind, entry.actor_id, entry.actor_name) == (
        "person",
        cast.BOB_ID,
        "Bob Admin",
    )
    assert (entry.relation, entry.row_key, entry.operation) == ("drip_campaigns", lead, "UPDATE")
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["status"], entry.after["status"]) == ("active", "paused")


def test_a_name_stays_as_it_was_then(bob: DbService, raw: Raw) -> None:
    raw.execute("update profiles set full_name = 'Robert Admin' where id = %s", (cast.BOB_ID,))
    bob.scheduler_runs.request(now=NOW)
    limits = bob.app_settings.sending_limits()
    bob.app_settings.change_limits(replace(limits, send_attempts=3), now=NOW)
    raw.execute("update profiles set full_name = 'Bob Admin' where id = %s", (cast.BOB_ID,))
    entry = _latest(bob, relations=("app_settings",))
    assert (entry.actor_name, entry.row_key) == ("Robert Admin", "send_attempts")


def test_the_service_and_an_operator_are_told_apart(service: DbService, raw: Raw) -> None:
    service.engine.halt_sending("The key was refused.", now=NOW)
    assert (_latest(service).actor_kind, _latest(service).actor_name) == ("service", "")
    raw.execute("update app_settings set value = 'null' where key = 'sending_halt'")
    login = values(raw, "select session_user::text")[0]
    assert (_latest(service).actor_kind, _latest(service).actor_name) == ("operator", login)


def test_a_role_change_an_invitation_and_a_setting_are_written_down(bob: DbService) -> None:
    bob.people.set_role(cast.ALICE_ID, "admin", now=NOW)
    bob.people.invite(email="dave@mpt.example", full_name="Dave", role="sales", now=NOW)
    bob.people.withdraw("dave@mpt.example")
    limits = bob.app_settings.sending_limits()
    bob.app_settings.change_limits(replace(limits, account_daily_cap=500), now=NOW)
    told = [(e.relation, e.operation) for e in bob.audit.page()]
    assert told == [
        ("app_settings", "UPDATE"),
        ("invitations", "DELETE"),
        ("invitations", "INSERT"),
        ("profiles", "UPDATE"),
    ]
    setting = _latest(bob)
    assert setting.before is not None
    assert setting.after is not None
    assert (setting.before["value"], setting.after["value"]) == (None, 500)


def test_what_changes_nothing_is_not_an_entry(raw: Raw, bob: DbService) -> None:
    raw.execute("update drip_campaigns set name = name, updated_at = now()")
    assert bob.audit.page() == []


def test_a_new_order_of_e_mails_tells_from_where_to_where(
    bob: DbService, raw: Raw, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 3)
    lead = values(raw, "select id::text from drip_campaigns where key = 'lead'")[0]
    before = bob.audit.verify().entries
    bob.templates.reorder(lead, [1, 3, 2], now=NOW)
    entries = bob.audit.page()[: bob.audit.verify().entries - before]
    moves = {(e.before["position"], e.after["position"]) for e in entries if e.before and e.after}
    assert moves == {(2, 3), (3, 2)}, "the one that stayed is not told, nor the way there"


def test_an_export_names_what_how_many_and_which(alice: DbService, bob: DbService) -> None:
    number = alice.audit.record_export("contacts", 120, " Leads in Ohio ", now=NOW)
    entry = _latest(bob, operations=("EXPORT",))
    assert (entry.number, entry.actor_name, entry.relation) == (number, "Alice Sales", "contacts")
    assert entry.after == {"row_count": 120, "description": "Leads in Ohio"}


@pytest.mark.parametrize(
    ("relation", "count", "description"),
    [("nothing", 1, "x"), ("contacts", -1, "x"), ("contacts", 1, " ")],
)
def test_an_export_of_nothing_known_is_refused(
    alice: DbService, relation: str, count: int, description: str
) -> None:
    with pytest.raises(InvalidValueError):
        alice.audit.record_export(relation, count, description, now=NOW)


def test_only_colleagues_note_exports(charlie: DbService, service: DbService) -> None:
    for desk in (charlie, service):
        with pytest.raises(NotAllowedError):
            desk.audit.record_export("contacts", 1, "x", now=NOW)


def test_erasing_many_contacts_is_an_entry_each_and_nothing_personal(
    raw: Raw, bob: DbService, database: PostgresDatabase, a_contact: AContact
) -> None:
    ids = {a_contact(first_name="Grace", company_name="Navy") for _ in range(30)}
    database.gateway(cast.BOB).delete("contacts", where={"contact_type": "lead"})
    erased = bob.audit.page(AuditSearch(operations=("ERASE",)))
    assert {entry.row_key for entry in erased} == ids
    for entry in erased:
        assert (entry.actor_name, entry.after) == ("Bob Admin", None)
        assert entry.before is not None
        assert set(entry.before) == {"contact_type", "created_at"}
    assert bob.audit.verify().is_whole


# What never stands in it


def test_a_secret_is_never_told_only_that_it_changed(
    raw: Raw, bob: DbService, database: PostgresDatabase
) -> None:
    raw.execute(
        "insert into app_settings (key, value, is_secret) values ('api_key', '\"first-key\"', true)"
    )
    gateway = database.gateway(cast.BOB)
    gateway.update("app_settings", {"value": '"second-key"'}, where={"key": "api_key"})
    setting = _latest(bob)
    assert setting.after is not None
    assert setting.after["value"] == "changed"
    gateway.insert("webhook_endpoints", [WEBHOOK])
    gateway.update("webhook_endpoints", {"secret": "another-secret"}, where={"url": WEBHOOK["url"]})
    endpoint = _latest(bob)
    assert endpoint.after is not None
    assert endpoint.after["secret"] == "changed"
    # A setting that stops being secret does not give away what it was.
    raw.execute("update app_settings set is_secret = false where key = 'api_key'")
    raw.execute("delete from app_settings where key = 'api_key'")
    raw.execute("delete from webhook_endpoints")
    everything = json.dumps(raw.execute("select * from audit_log").fetchall(), default=str)
    assert "-secret" not in everything
    assert "first-key" not in everything


# Reading it


def test_it_is_found_by_who_what_and_when_and_paged(
    raw: Raw, alice: DbService, bob: DbService
) -> None:
    make_entries(raw, 4)
    alice.audit.record_export("contacts", 1, "one", now=NOW)
    lead = values(raw, "select id::text from drip_campaigns where key = 'lead'")[0]
    bob.campaigns.pause(lead, reason="x", now=NOW)
    audit = bob.audit
    assert [e.number for e in audit.page(size=2)] == [6, 5]
    assert [e.number for e in audit.page(size=3, before=5)] == [4, 3, 2]
    assert [e.number for e in audit.all()] == [6, 5, 4, 3, 2, 1]
    who = {(a.actor_kind, a.actor_name): a for a in audit.actors()}
    assert set(who) == {("person", "Alice Sales"), ("person", "Bob Admin"), ("operator", "")}

    def numbers(**search: Any) -> list[int]:
        return [entry.number for entry in audit.page(AuditSearch(**search))]

    assert numbers(actor=who["person", "Bob Admin"]) == [6]
    assert numbers(actor=AuditActor("operator", None, "")) == [4, 3, 2, 1]
    assert numbers(relations=("contacts",)) == [5]
    assert numbers(relations=("drip_campaigns",), operations=("UPDATE",)) == [6, 4, 3, 2, 1]
    middle = audit.page()[2].recorded_at
    assert numbers(since=middle) == [6, 5, 4]
    assert numbers(until=middle) == [3, 2, 1]
