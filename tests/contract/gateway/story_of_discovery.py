"""The story's chapter about discovery calls: drafted, submitted, sent in, and looked after."""

from datetime import timedelta

from crm.records.discovery import FormSettings, SubmissionFilter
from tests import cast
from tests.cast import NOW
from tests.contract.gateway.telling import Teller

_CALL = {"first_name": 'Fré "F"', "email": "f@frost.example", "goals": "a, {b}\n\\c % 'd'"}


def call_and_ask(service: Teller, alice: Teller, bob: Teller) -> None:
    alice.discovery.save_draft(None, {"goals": "x"}, contact_id=None, now=NOW)
    [other] = alice.discovery.drafts()
    draft = alice.discovery.save_draft(None, _CALL, contact_id=None, now=NOW)
    alice.discovery.save_draft(draft, _CALL, contact_id=None, now=NOW + timedelta(seconds=1))
    alice.discovery.draft(draft)
    bob.discovery.draft(draft)
    bob.discovery.discard_draft(other.id)
    alice.discovery.discard_draft(other.id)
    sent = {"contact_id": None, "due_at": NOW + timedelta(days=1), "now": NOW}
    done = alice.discovery.submit(draft, _CALL | {"next_step": "Call, again"}, **sent)
    alice.discovery.submit(draft, _CALL, **sent)
    service.discovery.form_settings()
    service.discovery.post(_CALL, now=NOW)
    alice.discovery.change_form(FormSettings(True, True), now=NOW)
    bob.discovery.change_form(FormSettings(True, True), now=NOW)
    alice.discovery.form_settings()
    for goals in ("one", "one", "two"):
        service.discovery.post({"email": "v@frost.example", "goals": goals}, now=NOW)
    alice.discovery.post(_CALL, now=NOW)
    [posted, *_] = alice.discovery.page(SubmissionFilter(statuses=("new",)), size=1).submissions
    alice.discovery.page(SubmissionFilter(assigned_to=cast.ALICE_ID), before=posted.id)
    alice.discovery.page(SubmissionFilter(source="public", unassigned=True))
    alice.discovery.counts()
    alice.discovery.get(done.submission_id)
    alice.discovery.get(cast.ALICE_ID)
    alice.discovery.answers(posted.id)
    alice.discovery.accept(posted.id, now=NOW)
    bob.discovery.accept(cast.ALICE_ID, now=NOW)
    for status, assigned in (("done", cast.BOB_ID), ("dismissed", cast.CHARLIE_ID)):
        bob.discovery.triage(
            posted.id, status=status, assigned_to=assigned, seen=cast.ALICE_ID, now=NOW
        )
    bob.discovery.triage(posted.id, status="done", assigned_to=None, seen=None, now=NOW)
