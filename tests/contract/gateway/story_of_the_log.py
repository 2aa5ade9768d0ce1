"""The story's last chapter: lifting what stops mail, and the audit log that tells of it all."""

from datetime import timedelta

from crm.records.audit import AuditActor, AuditSearch
from tests import cast
from tests.cast import NOW
from tests.contract.gateway.telling import Teller

DAY = timedelta(days=1)


def lift_and_audit(service: Teller, alice: Teller, bob: Teller, contacts: list[str]) -> None:
    alice.suppressions.find("N1@", limit=3)
    alice.suppressions.get("n1@x.example")
    alice.suppressions.get("nobody@x.example")
    for desk in (alice, bob):
        desk.suppressions.lift("n1@x.example", reason='Said, "yes"', now=NOW)
        desk.suppressions.lift("nobody@x.example", reason="x", now=NOW)
        desk.suppressions.end_quiet(contacts[2], now=NOW)
        desk.suppressions.end_quiet(contacts[0], now=NOW)
    bob.suppressions.lift("n4@x.example", reason=" ", now=NOW)
    alice.audit.record_export("contacts", 3, 'Leads, "x" {y}', now=NOW)
    alice.audit.record_export("nothing", 3, "x", now=NOW)
    search = AuditSearch(
        relations=("suppressions", "contacts"),
        operations=("LIFT", "EXPORT"),
        since=NOW - DAY,
        until=NOW + DAY,
    )
    for desk in (alice, bob, service):
        desk.audit.page(search)
        desk.audit.page(before=9, size=3)
        desk.audit.all()
        desk.audit.actors()
        desk.audit.lifted_addresses()
        # The head is a hash over every entry before it: one difference anywhere would show here.
        desk.audit.verify()
        desk.audit.verify(expected="nothing")
    bob.audit.page(AuditSearch(actor=AuditActor("person", cast.ALICE_ID, "")))
