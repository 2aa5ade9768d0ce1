"""Discovery calls: what a submission makes of a contact, and what it leaves alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from crm.records.discovery import FormSettings, SubmissionFilter, Submitted
from crm.ui import discovery_words
from db_service import DbService, InvalidValueError, NotAllowedError, RuleBrokenError
from tests.cast import ALICE_ID, BOB_ID, CAROL_ID, CHARLIE_ID, NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import live, one, values

NOBODY = "00000000-0000-4000-8000-000000000000"
ANSWERS = {
    "first_name": "Fiona",
    "last_name": "Frost",
    "email": "fiona@frost.example",
    "company_name": "Frost Ltd",
    "goals": "Half the phone calls",
}
DUE = NOW + timedelta(days=3)
OPEN = FormSettings(is_open=True, accept_first=False)
HELD = FormSettings(is_open=True, accept_first=True)


@pytest.fixture(autouse=True)
def campaigns(published_steps: PublishedSteps) -> None:
    for key in ("networking", "lead", "prospect", "client"):
        published_steps(key, 2)


def submit(desk: DbService, contact_id: str | None = None, /, **changes: str) -> Submitted:
    answers = {key: text for key, text in {**ANSWERS, **changes}.items() if text}
    draft = desk.discovery.save_draft(None, answers, contact_id=contact_id, now=NOW)
    return desk.discovery.submit(draft, answers, contact_id=contact_id, due_at=DUE, now=NOW)


def outcome(submitted: Submitted) -> tuple[str, str]:
    return submitted.contact_outcome, submitted.campaign_outcome


def contact(raw: Raw, contact_id: str) -> dict[str, Any]:
    return one(raw, "select * from contacts where id = %s", contact_id)


def kinds(raw: Raw, contact_id: str) -> list[str]:
    return values(raw, "select kind from activities where contact_id = %s order by id", contact_id)


# A colleague's call


def test_a_call_with_a_stranger_makes_a_lead_of_ones_own_in_the_campaign(
    alice: DbService, raw: Raw
) -> None:
    done = submit(alice, next_step="Send references", next_step_on="2026-03-13")
    assert outcome(done) == ("created", "running")
    made = contact(raw, done.contact_id)
    assert (made["email"], made["contact_type"]) == ("fiona@frost.example", "lead")
    assert (str(made["owner_id"]), made["source"]) == (ALICE_ID, "discovery call")
    assert live(raw, done.contact_id) == [("lead", "active")]
    assert kinds(raw, done.contact_id) == ["contact_created", "enrolled", "discovery", "task"]
    task = one(
        raw, "select summary, due_at, actor_id::text as who from activities where kind = 'task'"
    )
    assert task == {"summary": "Send references", "due_at": DUE, "who": ALICE_ID}
    [held] = values(raw, "select summary from activities where kind = 'discovery'")
    assert held == "Held a discovery call. Goals: Half the phone calls"
    [added] = values(raw, "select summary from activities where kind = 'contact_created'")
    assert added == "Added through a discovery call"


def test_a_submission_keeps_the_answers_and_belongs_to_its_writer(
    alice: DbService, bob: DbService
) -> None:
    done = submit(alice)
    [kept] = bob.discovery.page(SubmissionFilter()).submissions
    assert (kept.id, kept.name, kept.status) == (done.submission_id, "Fiona Frost", "in_progress")
    assert (kept.assigned_name, kept.submitted_name, kept.source) == (*["Alice Sales"] * 2, "staff")
    assert bob.discovery.answers(done.submission_id) == (ANSWERS, ())
    assert bob.discovery.counts() == {"in_progress": 1}


def test_a_known_address_is_promoted_and_keeps_what_is_known(
    alice: DbService, raw: Raw, a_contact: AContact
) -> None:
    known = a_contact(email=ANSWERS["email"], contact_type="networking", phone="")
    done = submit(alice, phone="+15550100", first_name="Fi")
    assert (done.contact_id, *outcome(done)) == (known, "promoted", "running")
    assert live(raw, known) == [("lead", "active")]
    after = contact(raw, known)
    assert (after["first_name"], after["phone"]) == ("Grace", "+15550100")


@pytest.mark.parametrize("kind", ["prospect", "client", "partner"])
def test_nobody_goes_back(alice: DbService, raw: Raw, a_contact: AContact, kind: str) -> None:
    known = a_contact(contact_type=kind)
    before = live(raw, known)
    assert outcome(submit(alice, known)) == ("further_along", "")
    assert contact(raw, known)["contact_type"] == kind
    assert live(raw, known) == before
    assert kinds(raw, known)[-1] == "discovery", "the call itself stands in the timeline"


def test_a_lead_stays_in_the_campaign_where_it_is(alice: DbService, a_contact: AContact) -> None:
    assert outcome(submit(alice, a_contact())) == ("there_already", "running")


def test_who_left_the_campaign_is_not_put_back_by_a_call(
    alice: DbService, raw: Raw, a_contact: AContact
) -> None:
    known = a_contact()
    alice.enrollments.stop_all(known, now=NOW)
    assert outcome(submit(alice, known)) == ("there_already", "stopped")
    assert live(raw, known) == []


def test_an_archived_contact_waits_for_a_decision_and_then_comes_back(
    alice: DbService, raw: Raw, a_contact: AContact
) -> None:
    known = a_contact(contact_type="networking", archived_at=NOW)
    done = submit(alice, known)
    assert outcome(done) == ("archived", "archived")
    assert contact(raw, known)["contact_type"] == "networking"
    accepted = alice.discovery.accept(done.submission_id, now=NOW)
    assert (accepted.contact_outcome, accepted.campaign_outcome) == ("promoted", "running")
    after = contact(raw, known)
    assert (after["archived_at"], after["contact_type"]) == (None, "lead")
    assert live(raw, known) == [("lead", "active")]


def test_a_suppressed_address_is_kept_and_gets_no_campaign(
    alice: DbService, raw: Raw, service: DbService
) -> None:
    service.suppressions.add([ANSWERS["email"]], ["complaint"], source="list", now=NOW)
    done = submit(alice)
    assert outcome(done) == ("created", "complained")
    assert live(raw, done.contact_id) == []


def test_a_person_without_an_address_is_kept_and_gets_no_campaign(
    alice: DbService, raw: Raw
) -> None:
    done = submit(alice, email="")
    assert outcome(done) == ("created", "no_address")
    assert contact(raw, done.contact_id)["email"] is None


def test_an_address_learnt_in_a_call_starts_the_campaign_unless_it_is_somebody_elses(
    alice: DbService, raw: Raw, a_contact: AContact
) -> None:
    mine, other = a_contact(email=None), a_contact(email="other@customer.example")
    assert outcome(submit(alice, mine, email="other@customer.example"))[1] == "no_address"
    assert outcome(submit(alice, mine)) == ("there_already", "running")
    assert contact(raw, mine)["email"] == ANSWERS["email"]
    assert contact(raw, other)["email"] == "other@customer.example"


def test_of_a_colleagues_contact_the_call_is_kept_and_the_rest_is_the_owners(
    alice: DbService, carol: DbService, raw: Raw, a_contact: AContact
) -> None:
    carols = a_contact(owner_id=CAROL_ID, contact_type="networking", phone="")
    done = submit(
        alice, carols, phone="+15550100", next_step="Tell Carol", next_step_on="2026-03-13"
    )
    assert outcome(done) == ("not_yours", "")
    after = contact(raw, carols)
    assert (after["contact_type"], after["phone"]) == ("networking", "")
    assert live(raw, carols) == [("networking", "active")]
    assert kinds(raw, carols)[-2:] == ["discovery", "task"]
    with pytest.raises(NotAllowedError):
        alice.discovery.accept(done.submission_id, now=NOW)
    assert carol.discovery.accept(done.submission_id, now=NOW).contact_outcome == "promoted"
    assert live(raw, carols) == [("lead", "active")]


def test_a_call_counts_once_however_often_it_is_sent(alice: DbService, raw: Raw) -> None:
    draft = alice.discovery.save_draft(None, ANSWERS, contact_id=None, now=NOW)
    sent: dict[str, Any] = {"contact_id": None, "due_at": None, "now": NOW}
    alice.discovery.submit(draft, ANSWERS, **sent)
    with pytest.raises(RuleBrokenError, match="submitted already"):
        alice.discovery.submit(draft, ANSWERS, **sent)
    assert values(raw, "select count(*) from discovery_submissions") == [1]


def test_what_cannot_be_stored_leaves_the_draft_as_it_was(alice: DbService) -> None:
    draft = alice.discovery.save_draft(None, ANSWERS, contact_id=None, now=NOW)
    sent: dict[str, Any] = {"due_at": None, "now": NOW}
    with pytest.raises(RuleBrokenError, match="no longer there"):
        alice.discovery.submit(draft, ANSWERS, contact_id=NOBODY, **sent)
    with pytest.raises(InvalidValueError):
        alice.discovery.submit(draft, {"goals": "x"}, contact_id=None, **sent)
    assert alice.discovery.draft(draft) is not None


def test_who_was_merged_is_found_under_either_address(
    alice: DbService, raw: Raw, a_contact: AContact
) -> None:
    kept, dropped = a_contact(), a_contact(email=ANSWERS["email"])
    assert alice.contact_changes.merge(kept, dropped, {}, now=NOW) == "merged"
    for named in (None, dropped):
        done = submit(alice, named)
        assert (done.contact_id, *outcome(done)) == (kept, "there_already", "running")


# Drafts


def test_a_draft_is_its_writers_alone(alice: DbService, bob: DbService, charlie: DbService) -> None:
    draft = alice.discovery.save_draft(None, ANSWERS, contact_id=None, now=NOW)
    for other in (bob, charlie):
        assert other.discovery.drafts() == []
        assert other.discovery.draft(draft) is None
        assert not other.discovery.discard_draft(draft)
    with pytest.raises(RuleBrokenError):
        bob.discovery.submit(draft, ANSWERS, contact_id=None, due_at=None, now=NOW)
    [mine] = alice.discovery.drafts()
    assert (mine.id, mine.answers) == (draft, ANSWERS)


def test_a_draft_is_saved_over_and_over_and_discarded_once(alice: DbService) -> None:
    first = alice.discovery.save_draft(None, {"goals": "x"}, contact_id=None, now=NOW)
    later = NOW + timedelta(minutes=1)
    assert alice.discovery.save_draft(first, ANSWERS, contact_id=None, now=later) == first
    [draft] = alice.discovery.drafts()
    assert (draft.answers, draft.created_at, draft.updated_at) == (ANSWERS, NOW, later)
    assert alice.discovery.discard_draft(first)
    assert not alice.discovery.discard_draft(first)
    # A tab that is still open keeps what is typed there.
    again = alice.discovery.save_draft(first, ANSWERS, contact_id=None, now=later)
    assert again != first
    assert [d.id for d in alice.discovery.drafts()] == [again]


def test_a_draft_is_bounded(alice: DbService) -> None:
    with pytest.raises(InvalidValueError):
        alice.discovery.save_draft(None, {"goals": "x" * 60_000}, contact_id=None, now=NOW)


# Looking after


def test_only_who_saw_the_last_word_has_the_next(alice: DbService, carol: DbService) -> None:
    told = submit(alice).submission_id
    taken: dict[str, Any] = {"status": "in_progress", "seen": ALICE_ID, "now": NOW}
    assert carol.discovery.triage(told, assigned_to=CAROL_ID, **taken)
    assert not alice.discovery.triage(told, assigned_to=BOB_ID, **taken)
    kept = alice.discovery.get(told)
    assert kept is not None
    assert kept.assigned_to == CAROL_ID


def test_nobody_is_given_work_who_has_left(alice: DbService) -> None:
    told = submit(alice).submission_id
    with pytest.raises(RuleBrokenError, match="any more"):
        alice.discovery.triage(told, status="new", assigned_to=CHARLIE_ID, seen=ALICE_ID, now=NOW)


def test_a_state_nobody_knows_is_refused(alice: DbService) -> None:
    told = submit(alice).submission_id
    with pytest.raises(InvalidValueError):
        alice.discovery.triage(told, status="lost", assigned_to=None, seen=ALICE_ID, now=NOW)


def test_the_list_pages_and_filters(alice: DbService, carol: DbService) -> None:
    ids = [submit(alice, email=f"n{n}@frost.example").submission_id for n in range(5)]
    carol.discovery.triage(ids[0], status="done", assigned_to=None, seen=ALICE_ID, now=NOW)
    newest = ids[::-1]
    first = alice.discovery.page(SubmissionFilter(), size=3)
    rest = alice.discovery.page(SubmissionFilter(), before=first.next_before, size=3)
    assert [s.id for s in (*first.submissions, *rest.submissions)] == newest
    assert rest.next_before is None

    def found(wanted: SubmissionFilter) -> list[str]:
        return [s.id for s in alice.discovery.page(wanted).submissions]

    assert found(SubmissionFilter(statuses=("done", "dismissed"))) == [ids[0]]
    assert found(SubmissionFilter(unassigned=True)) == [ids[0]]
    assert found(SubmissionFilter(assigned_to=ALICE_ID, source="staff")) == newest[:-1]
    assert found(SubmissionFilter(source="public")) == []
    assert alice.discovery.counts() == {"done": 1, "in_progress": 4}


def test_who_is_erased_takes_the_answers_along(alice: DbService, raw: Raw) -> None:
    done = submit(alice)
    alice.discovery.save_draft(None, ANSWERS, contact_id=done.contact_id, now=NOW)
    raw.execute("delete from contacts where id = %s", (done.contact_id,))
    assert alice.discovery.get(done.submission_id) is None
    assert alice.discovery.drafts() == []


# The public form


def post(service: DbService, now: datetime = NOW, **changes: str) -> str:
    return service.discovery.post({**ANSWERS, **changes}, now=now)


def latest(desk: DbService) -> Any:
    return desk.discovery.page(SubmissionFilter()).submissions[0]


def test_a_closed_form_keeps_nothing(service: DbService, raw: Raw) -> None:
    assert service.discovery.form_settings() == FormSettings(False, False)
    assert post(service) == "closed"
    assert values(raw, "select count(*) from discovery_submissions") == [0]
    assert values(raw, "select count(*) from contacts") == [0]


def test_only_an_admin_opens_it(alice: DbService, bob: DbService, charlie: DbService) -> None:
    for person in (alice, charlie):
        with pytest.raises(NotAllowedError):
            person.discovery.change_form(OPEN, now=NOW)
    bob.discovery.change_form(HELD, now=NOW)
    assert alice.discovery.form_settings() == HELD
    assert charlie.discovery.form_settings() == FormSettings(False, False)


def test_a_visitor_becomes_a_lead_that_nobody_has_and_the_campaign_starts(
    service: DbService, bob: DbService, raw: Raw
) -> None:
    bob.discovery.change_form(OPEN, now=NOW)
    assert post(service) == "taken"
    new = latest(bob)
    assert (new.status, new.source, new.assigned_to) == ("new", "public", None)
    assert (new.contact_outcome, new.campaign_outcome) == ("created", "running")
    made = contact(raw, new.contact_id)
    assert (made["owner_id"], made["created_by"], made["source"]) == (None, None, "discovery form")
    assert live(raw, new.contact_id) == [("lead", "active")]


def test_a_known_visitor_is_promoted_and_nothing_known_is_written_over(
    service: DbService, bob: DbService, raw: Raw, a_contact: AContact
) -> None:
    bob.discovery.change_form(OPEN, now=NOW)
    known = a_contact(email=ANSWERS["email"], contact_type="networking", phone="")
    assert post(service, phone="+15550100") == "taken"
    new = latest(bob)
    assert (new.contact_id, new.contact_outcome, new.assigned_to) == (known, "promoted", ALICE_ID)
    after = contact(raw, known)
    assert (after["first_name"], after["phone"]) == ("Grace", "")


def test_the_same_address_within_a_day_is_one_submission(
    service: DbService, bob: DbService, raw: Raw
) -> None:
    bob.discovery.change_form(OPEN, now=NOW)
    post(service)
    assert post(service) == "ignored", "the same again"
    sent = [post(service, NOW + timedelta(hours=n), goals=f"Goal {n}") for n in range(1, 7)]
    assert sent == ["updated"] * 4 + ["ignored"] * 2
    new = latest(bob)
    answers, earlier = bob.discovery.answers(new.id)
    assert answers["goals"] == "Goal 4"
    assert [e["goals"] for e in earlier] == ["Half the phone calls", "Goal 1", "Goal 2", "Goal 3"]
    assert new.repeats == 4
    assert kinds(raw, new.contact_id).count("discovery") == 1
    assert post(service, NOW + timedelta(hours=25)) == "taken"
    assert values(raw, "select count(*) from discovery_submissions") == [2]


def test_what_was_done_is_new_again_and_what_was_dismissed_stays_so(
    service: DbService, bob: DbService
) -> None:
    bob.discovery.change_form(OPEN, now=NOW)
    post(service)
    told = latest(bob).id
    for status, then in (("done", "new"), ("dismissed", "dismissed")):
        bob.discovery.triage(told, status=status, assigned_to=None, seen=None, now=NOW)
        assert post(service, goals=f"After {status}") == "updated"
        assert latest(bob).status == then


def test_with_accepting_first_nothing_is_sent_or_changed_before_a_colleague_says_so(
    service: DbService, bob: DbService, alice: DbService, raw: Raw
) -> None:
    bob.discovery.change_form(HELD, now=NOW)
    post(service)
    new = latest(bob)
    assert (new.contact_outcome, new.campaign_outcome) == ("created", "waits")
    assert live(raw, new.contact_id) == []
    accepted = alice.discovery.accept(new.id, now=NOW)
    assert accepted.campaign_outcome == "running"
    assert live(raw, new.contact_id) == [("lead", "active")]
    after = latest(bob)
    assert (after.status, after.assigned_to, after.owner_id) == ("in_progress", ALICE_ID, ALICE_ID)


def test_with_accepting_first_a_known_contact_keeps_its_type_until_then(
    service: DbService, bob: DbService, raw: Raw, a_contact: AContact
) -> None:
    bob.discovery.change_form(HELD, now=NOW)
    known = a_contact(email=ANSWERS["email"], contact_type="networking")
    post(service)
    new = latest(bob)
    assert (new.contact_outcome, new.campaign_outcome) == ("waits", "waits")
    assert live(raw, known) == [("networking", "active")]
    assert bob.discovery.accept(new.id, now=NOW).contact_outcome == "promoted"
    assert live(raw, known) == [("lead", "active")]


def test_a_contact_added_right_after_is_enrolled_as_ever(
    service: DbService, bob: DbService, raw: Raw, a_contact: AContact
) -> None:
    bob.discovery.change_form(HELD, now=NOW)
    with raw.transaction():
        raw.execute("select post_discovery(%s, %s)", ('{"email": "a@b.example"}', NOW))
        assert live(raw, a_contact()) == [("lead", "active")]


def test_whoever_takes_a_visitors_request_looks_after_the_contact(
    service: DbService, bob: DbService, alice: DbService, raw: Raw, a_contact: AContact
) -> None:
    bob.discovery.change_form(OPEN, now=NOW)
    post(service)
    new = latest(bob)
    alice.discovery.triage(new.id, status="in_progress", assigned_to=ALICE_ID, seen=None, now=NOW)
    assert str(contact(raw, new.contact_id)["owner_id"]) == ALICE_ID
    carols = a_contact(email="known@frost.example", owner_id=CAROL_ID)
    post(service, email="known@frost.example")
    alice.discovery.triage(
        latest(bob).id, status="in_progress", assigned_to=ALICE_ID, seen=CAROL_ID, now=NOW
    )
    assert str(contact(raw, carols)["owner_id"]) == CAROL_ID, "who has an owner keeps it"


def test_where_a_submission_comes_from_is_not_for_people_to_write(
    alice: DbService, raw: Raw
) -> None:
    told = submit(alice).submission_id
    gateway = alice.discovery._gateway
    for values_ in ({"source": "public"}, {"contact_outcome": ""}, {"contact_id": None}):
        with pytest.raises(NotAllowedError):
            gateway.update("discovery_submissions", values_, where={"id": told})
    with pytest.raises(NotAllowedError):
        gateway.insert("discovery_submissions", [{"email": "x@y.example", "source": "public"}])


@pytest.mark.parametrize(
    ("column", "known"),
    [("status", discovery_words.STATUS), ("source", discovery_words.SOURCE)],
)
def test_the_words_know_every_state(raw: Raw, column: str, known: Mapping[str, object]) -> None:
    assert _codes(raw, column) == set(known)


def test_every_outcome_has_words(raw: Raw) -> None:
    for code in _codes(raw, "contact_outcome") - {""}:
        assert discovery_words.contact_outcome(code, name="Fiona", type_label="Client", owner="A")
    source = one(raw, "select prosrc from pg_proc where proname = 'lead_standing'")["prosrc"]
    standings = set(re.findall(r"(?:then|else) '(\w+)'", source))
    assert len(standings) == 11
    for code in standings | {"waits", "unsubscribed", "bounced", "complained", "invalid"}:
        assert discovery_words.campaign_outcome(code), code


def _codes(raw: Raw, column: str) -> set[str]:
    check = one(
        raw,
        "select pg_get_constraintdef(oid) as text from pg_constraint where conname = %s",
        f"discovery_submissions_{column}_check",
    )
    return set(re.findall(r"'(\w*)'::text", check["text"]))
