"""Many contacts changed in one statement, and archiving taken back exactly as it was."""

from datetime import timedelta

import pytest

from crm.database.errors import InvalidValueError
from crm.records.events import IncomingReply
from db_service import DbService
from tests import cast
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, accepted, last_reason, live, one, values

DAY = timedelta(days=1)
LATER = NOW + DAY


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    published_steps("lead", 3)
    published_steps("prospect", 2)


def _change(desk: DbService, contacts: list[str], **changes: object) -> dict[str, str]:
    outcomes = desk.contact_changes.change(contacts, changes, now=NOW)
    return {o.contact_id: o.outcome for o in outcomes}


def _archive_and_undo(desk: DbService, contact: str) -> str:
    desk.contact_changes.change([contact], {"archived": True}, now=LATER)
    [outcome] = desk.contact_changes.undo_archive([contact], archived_at=LATER, now=LATER + DAY)
    return outcome.outcome


def test_everybody_gets_an_outcome_once(a_contact: AContact, alice: DbService) -> None:
    mine, same = a_contact(), a_contact(contact_type="prospect")
    carols = a_contact(owner_id=cast.CAROL_ID)
    given = [mine, same, carols, mine, cast.BOB_ID]
    assert _change(alice, given, contact_type="prospect") == {
        mine: "changed",
        same: "unchanged",
        carols: "not_yours",
        cast.BOB_ID: "gone",
    }


def test_a_type_change_of_many_switches_their_campaigns(
    raw: Raw, a_contact: AContact, alice: DbService
) -> None:
    contacts = [a_contact() for _ in range(3)]
    _change(alice, contacts, contact_type="prospect")
    assert all(live(raw, contact) == [("prospect", "active")] for contact in contacts)
    actors = values(raw, "select distinct actor_id::text from type_changes")
    assert actors == [cast.ALICE_ID]


def test_tags_keep_their_order_and_come_once(
    raw: Raw, a_contact: AContact, alice: DbService
) -> None:
    contact = a_contact(tags=["b", "a"])
    assert _change(alice, [contact], add_tags=["a", "c", "c"], remove_tags=["b"]) == {
        contact: "changed"
    }
    assert values(raw, "select tags from contacts") == [["a", "c"]]
    assert _change(alice, [contact], add_tags=["a"]) == {contact: "unchanged"}


def test_an_owner_may_be_taken_away(raw: Raw, a_contact: AContact, bob: DbService) -> None:
    contact = a_contact()
    assert _change(bob, [contact], owner_id=None) == {contact: "changed"}
    assert values(raw, "select owner_id from contacts") == [None]


def test_nothing_else_is_changed_this_way(a_contact: AContact, bob: DbService) -> None:
    with pytest.raises(InvalidValueError):
        _change(bob, [a_contact()], email_status="ok")
    with pytest.raises(InvalidValueError):
        _change(bob, [a_contact()], contact_type="no such type")


@pytest.mark.parametrize("doing", ["archive", "pause", "stop"])
def test_done_twice_is_done_once(
    raw: Raw, a_contact: AContact, alice: DbService, doing: str
) -> None:
    contact = a_contact()
    answers = []
    for _ in range(2):
        before = len(values(raw, "select id from activities"))
        if doing == "archive":
            answers.append(_change(alice, [contact], archived=True)[contact])
        else:
            [o] = alice.contact_changes.change_campaigns([contact], doing, now=NOW)  # type: ignore[arg-type]
            answers.append(o.outcome)
    assert answers[0] == "changed"
    assert answers[1] in {"unchanged", "nothing_runs"}
    assert len(values(raw, "select id from activities")) == before


def test_what_cannot_be_resumed_stays_paused(
    raw: Raw, a_contact: AContact, alice: DbService, bob: DbService
) -> None:
    contact, carols = a_contact(), a_contact(owner_id=cast.CAROL_ID)
    alice.contact_changes.change_campaigns([contact], "pause", now=NOW)
    raw.execute("update contacts set quiet_until = null, archived_at = null")
    raw.execute("alter table contacts disable trigger user")
    raw.execute("update contacts set email_status = 'bounced' where id = %s", (contact,))
    outcomes = alice.contact_changes.change_campaigns([contact, carols], "resume", now=NOW)
    assert [o.outcome for o in outcomes] == ["stays_paused", "not_yours"]


def test_an_undo_puts_back_every_campaign_as_it_was(
    raw: Raw, a_contact: AContact, alice: DbService
) -> None:
    raw.execute("update drip_campaigns set is_type_campaign = false where key = 'prospect'")
    contact = a_contact()
    [prospect] = values(raw, "select id::text from drip_campaigns where key = 'prospect'")
    alice.enrollments.enroll([contact], campaign_id=prospect, source="manual", now=NOW)
    [lead] = [e for e in alice.enrollments.of_contact(contact) if e.campaign_key == "lead"]
    alice.enrollments.change([lead.id], "pause", now=NOW)
    raw.execute("update campaign_enrollments set next_send_at = %s", (NOW + 40 * DAY,))
    before = raw.execute(
        "select id, status, reason, next_step, next_send_at, run, ended_at"
        " from campaign_enrollments order by id"
    ).fetchall()
    assert _archive_and_undo(alice, contact) == "restored"
    after = raw.execute(
        "select id, status, reason, next_step, next_send_at, run, ended_at"
        " from campaign_enrollments order by id"
    ).fetchall()
    assert after == before
    assert live(raw, contact) == [("lead", "paused"), ("prospect", "active")]


def test_an_undo_brings_back_only_what_that_archiving_took(
    raw: Raw, a_contact: AContact, alice: DbService
) -> None:
    contact, carols = a_contact(), a_contact(owner_id=cast.CAROL_ID)
    raw.execute("update contacts set archived_at = %s", (NOW,))
    outcomes = alice.contact_changes.undo_archive([contact, carols], archived_at=LATER, now=LATER)
    assert [o.outcome for o in outcomes] == ["unchanged", "not_yours"]


def test_an_undo_starts_nothing_for_who_replied_meanwhile(
    raw: Raw, a_contact: AContact, alice: DbService, service: DbService
) -> None:
    contact = a_contact(email="ada@customer.example")
    alice.contact_changes.change([contact], {"archived": True}, now=NOW)
    reply = IncomingReply(
        message_id="<1@x>",
        sender="ada@customer.example",
        kind="person",
        subject="Re: Lead 1",
        text="Call me.",
        occurred_at=NOW,
    )
    service.events.record_reply(reply, now=LATER)
    alice.contact_changes.undo_archive([contact], archived_at=NOW, now=LATER)
    assert live(raw, contact) == []


def test_an_undo_starts_nothing_for_who_said_stop_meanwhile(
    raw: Raw, a_contact: AContact, alice: DbService, service: DbService
) -> None:
    contact = a_contact()
    alice.contact_changes.change([contact], {"archived": True}, now=NOW)
    service.contacts.unsubscribe(contact, now=NOW)
    alice.contact_changes.undo_archive([contact], archived_at=NOW, now=LATER)
    assert live(raw, contact) == []


def test_an_undo_starts_nothing_of_a_type_that_was_left_meanwhile(
    raw: Raw, a_contact: AContact, alice: DbService
) -> None:
    contact = a_contact()
    alice.contact_changes.change([contact], {"archived": True}, now=NOW)
    alice.contact_changes.change([contact], {"contact_type": "other"}, now=NOW)
    alice.contact_changes.undo_archive([contact], archived_at=NOW, now=LATER)
    assert (live(raw, contact), last_reason(raw, contact)) == ([], "archived")


def test_an_undo_while_an_e_mail_was_leaving_goes_on_behind_it(
    raw: Raw, a_contact: AContact, alice: DbService, service: DbService
) -> None:
    contact = a_contact()
    scheduler = SlowScheduler(service)
    [send] = [claimed.send_id for claimed in scheduler.claim()]
    scheduler.hand_over([send])
    alice.contact_changes.change([contact], {"archived": True}, now=NOW)
    scheduler.settle([accepted(send, next_step=2, next_send_at=NOW + 7 * DAY)])
    alice.contact_changes.undo_archive([contact], archived_at=NOW, now=LATER)
    row = one(raw, "select status, next_step, next_send_at from campaign_enrollments")
    assert row == {"status": "active", "next_step": 2, "next_send_at": NOW + 7 * DAY}


def test_similar_contacts_are_found_by_each_sign(a_contact: AContact, alice: DbService) -> None:
    phone = a_contact(first_name="P", last_name="", phone="+1 (212) 555-0142")
    name = a_contact(first_name="Ada", last_name="BYRON", company_name="")
    address = a_contact(first_name="Ada M.", last_name="Byron", email="ada.b@home.example")
    a_contact(first_name="Ada", last_name="Byron", company_name="Elsewhere")
    a_contact(first_name="Someone", last_name="Else", email="ada.b@work.example")
    archived = a_contact(first_name="Ada", last_name="Byron", archived_at=NOW)
    found = alice.contact_changes.similar(
        first_name="Ada",
        last_name="Byron",
        company_name="Engines",
        phone="212-555-0142",
        email="Ada.B@other.example",
    )
    assert [(s.contact_id, s.sign) for s in found] == [
        (phone, "phone"),
        (name, "name"),
        (address, "address"),
    ]
    assert archived not in {s.contact_id for s in found}


def test_nothing_to_go_by_finds_nobody(a_contact: AContact, alice: DbService) -> None:
    a_contact(first_name="", last_name="", phone="12")
    empty = {"first_name": "", "last_name": "", "company_name": "", "email": None}
    assert alice.contact_changes.similar(**empty, phone="12") == []  # type: ignore[arg-type]


def test_duplicates_come_in_groups_and_each_group_once(
    a_contact: AContact, alice: DbService
) -> None:
    same = {"first_name": "Ada", "last_name": "Byron", "company_name": "Engines"}
    both = [a_contact(**same, phone="+12125550142") for _ in range(2)]
    named = [a_contact(**same | {"last_name": "Lovelace"}, phone=p) for p in ("", "+12125550199")]
    a_contact(**same | {"company_name": "Elsewhere"})
    groups = alice.contact_changes.duplicate_groups(limit=9)
    assert [(list(g.contact_ids), g.sign) for g in groups] == [(named, "name"), (both, "phone")]


def test_an_outsider_finds_no_duplicates(a_contact: AContact, charlie: DbService) -> None:
    for _ in range(2):
        a_contact(phone="+12125550142")
    assert charlie.contact_changes.duplicate_groups(limit=9) == []
    assert charlie.contact_changes.family(a_contact()) == []
