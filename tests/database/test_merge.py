"""Two records of one person become one: what the kept one has, and where campaigns go on."""

from datetime import timedelta

import pytest

from crm.database.errors import InvalidValueError, RuleBrokenError
from db_service import DbService
from tests import cast
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.merging import WEEK, received, send_everything_due
from tests.database.sending import SlowScheduler, last_reason, live, one, refused, values

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    published_steps("lead", 4)
    published_steps("prospect", 2)


def _row(raw: Raw, contact: str) -> dict[str, object]:
    return one(raw, "select * from contacts where id = %s", contact)


def _kinds(service: DbService, contact: str) -> dict[str, str]:
    return {a.kind: a.summary for a in service.activities.timeline(contact)}


def test_the_kept_contact_takes_what_was_chosen_and_the_other_is_archived_for_good(
    raw: Raw, a_contact: AContact, alice: DbService
) -> None:
    keep = a_contact(first_name="Ada", last_name="Byron", phone="", tags=["vip"])
    drop = a_contact(first_name="A.", last_name="Lovelace", phone="+12125550142", tags=["old"])
    values_ = {"last_name": "Lovelace", "phone": "+12125550142", "tags": ["vip", "old"]}
    assert alice.contact_changes.merge(keep, drop, values_, now=NOW) == "merged"
    kept, dropped = _row(raw, keep), _row(raw, drop)
    assert (kept["first_name"], kept["last_name"], kept["phone"]) == (
        "Ada",
        "Lovelace",
        "+12125550142",
    )
    assert kept["tags"] == ["vip", "old"]
    assert (str(dropped["merged_into"]), dropped["archived_at"]) == (keep, NOW)
    assert _kinds(alice, keep)["merged"] == "Merged with A. Lovelace"
    assert _kinds(alice, drop)["merged"] == "Merged into Ada Lovelace"
    into = alice.contact_changes.merged_into(drop)
    assert into is not None
    assert (into.contact_id, into.name, into.merged_at) == (keep, "Ada Lovelace", NOW)
    assert alice.contact_changes.merged_into(keep) is None


def test_a_merge_is_written_to_the_audit_log_without_a_name(
    raw: Raw, a_contact: AContact, alice: DbService
) -> None:
    keep, drop = a_contact(), a_contact(first_name="Unmistakable")
    alice.contact_changes.merge(keep, drop, {}, now=NOW)
    entry = one(raw, "select *, after::text as told from audit_log where operation = 'MERGE'")
    assert (str(entry["actor_id"]), entry["relation"], entry["row_key"]) == (
        cast.ALICE_ID,
        "contacts",
        keep,
    )
    assert drop in entry["told"]
    assert "Unmistakable" not in entry["told"]
    assert "@" not in entry["told"]


@pytest.mark.parametrize("name", ["Grace", ""])
@pytest.mark.parametrize("kept_address", ["old@customer.example", None])
def test_the_chosen_address_moves_and_both_stay_known(
    raw: Raw, a_contact: AContact, alice: DbService, name: str, kept_address: str | None
) -> None:
    keep = a_contact(email=kept_address)
    drop = a_contact(email="new@customer.example", first_name=name, last_name="")
    chosen = {"email": "new@customer.example"}
    assert alice.contact_changes.merge(keep, drop, chosen, now=NOW) == "merged"
    assert _row(raw, keep)["email"] == "new@customer.example"
    assert _row(raw, drop)["email"] == kept_address


def test_an_address_of_neither_is_refused_and_nothing_is_merged(
    raw: Raw, a_contact: AContact, alice: DbService
) -> None:
    keep, drop = a_contact(), a_contact()
    with pytest.raises(InvalidValueError):
        alice.contact_changes.merge(keep, drop, {"email": "third@x.example"}, now=NOW)
    assert values(raw, "select id from contacts where merged_into is not null") == []


def test_a_colleagues_contact_is_not_merged_from_either_side(
    raw: Raw, a_contact: AContact, alice: DbService
) -> None:
    mine, carols = a_contact(), a_contact(owner_id=cast.CAROL_ID)
    assert alice.contact_changes.merge(mine, carols, {}, now=NOW) == "not_yours"
    assert alice.contact_changes.merge(carols, mine, {}, now=NOW) == "not_yours"
    assert values(raw, "select id from contacts where archived_at is not null") == []


def test_what_cannot_be_merged_says_why(a_contact: AContact, bob: DbService) -> None:
    one_, other, third = a_contact(), a_contact(), a_contact()
    merge = bob.contact_changes.merge
    assert merge(one_, one_, {}, now=NOW) == "same"
    assert merge(one_, cast.BOB_ID, {}, now=NOW) == "gone"
    assert merge(one_, other, {}, now=NOW) == "merged"
    assert merge(one_, other, {}, now=NOW) == "already_merged"
    assert merge(other, third, {}, now=NOW) == "already_merged"
    bob.contacts.archive([third], now=NOW)
    assert merge(third, one_, {}, now=NOW) == "kept_is_archived"
    assert merge(one_, third, {}, now=NOW) == "merged", "an archived one may be given up"


def test_a_chain_of_merges_leads_to_the_last_kept_one(a_contact: AContact, bob: DbService) -> None:
    first, second, third = a_contact(), a_contact(), a_contact()
    bob.contact_changes.merge(second, first, {}, now=NOW)
    bob.contact_changes.merge(third, second, {}, now=NOW)
    for contact in (first, second, third):
        family = bob.contact_changes.family(contact)
        assert family[0] == third
        assert set(family) == {first, second, third}
    assert bob.contact_changes.merge(first, third, {}, now=NOW) == "already_merged", "no circle"


def test_nobody_but_the_function_merges_or_takes_a_merged_one_back(
    raw: Raw, a_contact: AContact, alice: DbService, database: object
) -> None:
    keep, drop, other = a_contact(), a_contact(), a_contact()
    alice.contact_changes.merge(keep, drop, {}, now=NOW)
    with pytest.raises(RuleBrokenError):
        alice.contacts.unarchive([drop], now=NOW)
    for values_ in ({"merged_into": keep, "archived_at": NOW}, {"merged_into": None}):
        with pytest.raises(RuleBrokenError):
            alice.contacts._gateway.update(
                "contacts", values_, where={"id": other if len(values_) == 2 else drop}
            )
    refused(raw, "MP006", "update contacts set archived_at = null where id = %s", drop)


def test_erasing_the_kept_one_erases_the_whole_person_and_never_a_part(
    raw: Raw, a_contact: AContact, bob: DbService
) -> None:
    keep, drop = a_contact(), a_contact()
    bob.contact_changes.merge(keep, drop, {}, now=NOW)
    refused(raw, "MP006", "delete from contacts where id = %s", drop)
    raw.execute("delete from contacts where id = %s", (keep,))
    assert values(raw, "select id from contacts") == []


def test_projects_submissions_and_attendances_follow(
    raw: Raw, a_contact: AContact, bob: DbService
) -> None:
    keep, drop = a_contact(), a_contact()
    raw.execute("insert into projects (contact_id, name) values (%s, 'Move')", (drop,))
    raw.execute(
        "insert into discovery_submissions (contact_id, email) values (%s, 'x@x.example')", (drop,)
    )
    raw.execute(
        "insert into networking_events (name, held_on) values ('Both', %s), ('One', %s)",
        (NOW.date(), NOW.date()),
    )
    raw.execute(
        "insert into networking_event_attendees (event_id, contact_id, notes)"
        " select id, %s, 'was there' from networking_events",
        (drop,),
    )
    raw.execute(
        "insert into networking_event_attendees (event_id, contact_id)"
        " select id, %s from networking_events where name = 'Both'",
        (keep,),
    )
    bob.contact_changes.merge(keep, drop, {}, now=NOW)
    for table in ("projects", "discovery_submissions"):
        assert values(raw, f"select contact_id::text from {table}") == [keep]
    met = raw.execute("select contact_id::text as who, notes from networking_event_attendees")
    assert [tuple(row.values()) for row in met] == [(keep, "was there")] * 2


def test_no_e_mail_comes_twice_and_the_kept_one_goes_on_behind_both(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    drop = a_contact()
    send_everything_due(service, raw, NOW)
    send_everything_due(service, raw, NOW + WEEK)
    keep = a_contact()
    send_everything_due(service, raw, NOW + WEEK)
    assert (received(raw, drop), received(raw, keep)) == (
        [("lead", 1), ("lead", 2)],
        [("lead", 1)],
    )
    alice.contact_changes.merge(keep, drop, {}, now=NOW + WEEK)
    row = one(raw, "select next_step, next_send_at from campaign_enrollments where status='active'")
    assert (row["next_step"], row["next_send_at"]) == (3, NOW + 2 * WEEK)
    told = one(raw, "select step, reason from drip_decisions where contact_id = %s", keep)
    assert (told["step"], told["reason"]) == (2, "already_received")
    assert last_reason(raw, drop) == "merged"
    for week in range(2, 6):
        send_everything_due(service, raw, NOW + week * WEEK)
    assert received(raw, keep) == [("lead", 1), ("lead", 3), ("lead", 4)]


def test_what_only_the_dropped_one_was_in_goes_on_with_the_kept_one_from_there(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    drop = a_contact()
    send_everything_due(service, raw, NOW)
    keep = a_contact()
    [enrollment] = service.enrollments.of_contact(keep)
    raw.execute("delete from campaign_enrollments where id = %s", (enrollment.id,))
    alice.contact_changes.merge(keep, drop, {}, now=NOW + DAY)
    assert live(raw, keep) == [("lead", "active")]
    row = one(raw, "select next_step, next_send_at from campaign_enrollments where status='active'")
    assert (row["next_step"], row["next_send_at"]) == (2, NOW + WEEK), "on the day it was due"


@pytest.mark.parametrize(("ended", "goes_on"), [("stopped_by_user", False), ("archived", True)])
def test_what_somebody_stopped_for_the_kept_one_stays_stopped(
    raw: Raw,
    a_contact: AContact,
    service: DbService,
    alice: DbService,
    ended: str,
    goes_on: bool,
) -> None:
    keep, drop = a_contact(), a_contact()
    raw.execute(
        "update campaign_enrollments set status = 'stopped', reason = %s, ended_at = %s,"
        " next_send_at = null where contact_id = %s",
        (ended, NOW, keep),
    )
    alice.contact_changes.merge(keep, drop, {}, now=NOW)
    assert live(raw, keep) == ([("lead", "active")] if goes_on else [])


def test_the_campaign_of_a_type_the_person_no_longer_has_does_not_go_on(
    raw: Raw, a_contact: AContact, alice: DbService
) -> None:
    keep, drop = a_contact(contact_type="prospect"), a_contact(contact_type="lead")
    alice.contact_changes.merge(keep, drop, {}, now=NOW)
    assert live(raw, keep) == [("prospect", "active")]


def test_a_chosen_type_switches_campaign_and_leaves_out_what_either_received(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    drop = a_contact(contact_type="prospect")
    send_everything_due(service, raw, NOW)
    keep = a_contact(contact_type="lead")
    alice.contact_changes.merge(keep, drop, {"contact_type": "prospect"}, now=NOW)
    assert live(raw, keep) == [("prospect", "active")]
    step = "select next_step from campaign_enrollments where status = 'active'"
    assert one(raw, step) == {"next_step": 2}


def test_a_paused_campaign_comes_along_paused_and_one_joined_by_hand_as_well(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    raw.execute("update drip_campaigns set is_type_campaign = false where key = 'prospect'")
    keep, drop = a_contact(contact_type="other"), a_contact(contact_type="other")
    [prospect] = values(raw, "select id::text from drip_campaigns where key = 'prospect'")
    alice.enrollments.enroll([drop], campaign_id=prospect, source="manual", now=NOW)
    alice.contact_changes.change_campaigns([drop], "pause", now=NOW)
    alice.contact_changes.merge(keep, drop, {}, now=NOW)
    assert live(raw, keep) == [("prospect", "paused")]


def test_a_merge_waits_while_an_e_mail_is_leaving(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    keep, drop = a_contact(), a_contact(contact_type="other")
    scheduler = SlowScheduler(service)
    [send] = scheduler.claim()
    for one_, other in ((keep, drop), (drop, keep)):
        assert alice.contact_changes.merge(one_, other, {}, now=NOW) == "under_way"
    scheduler.hand_over([send.send_id])
    assert alice.contact_changes.merge(keep, drop, {}, now=NOW) == "under_way"
    assert values(raw, "select id from contacts where archived_at is not null") == []


def test_an_e_mail_that_proves_unsent_is_the_kept_ones_to_receive(
    raw: Raw, a_contact: AContact, service: DbService, bob: DbService
) -> None:
    drop = a_contact()
    scheduler = SlowScheduler(service)
    scheduler.hand_over([scheduler.claim()[0].send_id])
    scheduler.engine.sweep(scheduler.run, now=NOW + DAY)
    keep = a_contact()
    bob.contact_changes.merge(keep, drop, {}, now=NOW + DAY)
    step = "select next_step from campaign_enrollments where status = 'active'"
    assert one(raw, step) == {"next_step": 2}, "it may have arrived"
    held = [send.id for send in bob.sends.unconfirmed()]
    bob.sends.send_again(held, now=NOW + DAY)
    assert one(raw, step) == {"next_step": 1}
    send_everything_due(service, raw, NOW + DAY)
    assert received(raw, keep) == [("lead", 1)]


def test_a_restart_begins_a_run_that_neither_was_in(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    drop, keep = a_contact(), a_contact()
    [enrollment] = service.enrollments.of_contact(drop)
    alice.enrollments.restart(enrollment.id, now=NOW)
    send_everything_due(service, raw, NOW)
    alice.contact_changes.merge(keep, drop, {}, now=NOW)
    [enrollment] = service.enrollments.of_contact(keep)
    restarted = alice.enrollments.restart(enrollment.id, now=NOW + DAY)
    assert one(raw, "select run from campaign_enrollments where id = %s", restarted) == {"run": 3}


def test_the_claim_itself_looks_at_what_a_merged_contact_received(
    raw: Raw, a_contact: AContact, service: DbService, alice: DbService
) -> None:
    drop = a_contact()
    send_everything_due(service, raw, NOW)
    keep = a_contact()
    alice.contact_changes.merge(keep, drop, {}, now=NOW)
    raw.execute(
        "update campaign_enrollments set next_step = 1, next_send_at = %s where contact_id = %s",
        (NOW, keep),
    )
    assert SlowScheduler(service).claim(NOW + DAY) == []
    row = one(raw, "select next_step from campaign_enrollments where contact_id = %s", keep)
    assert row == {"next_step": 2}


def test_an_import_of_the_dropped_address_finds_the_kept_contact(
    raw: Raw, a_contact: AContact, alice: DbService
) -> None:
    keep, drop = a_contact(company_name=""), a_contact(email="old@customer.example")
    alice.contact_changes.merge(keep, drop, {}, now=NOW)
    texts = "last_name phone job_title industry city state country profile_url website notes"
    row = dict.fromkeys(texts.split(), "") | {
        "row_number": 1,
        "first_name": "Grace",
        "email": "old@customer.example",
        "company_name": "Navy",
        "contact_type": "lead",
        "opted_out": False,
    }
    [answer] = alice.contact_imports.store(
        [row], source="file", on_duplicate="update", enroll=True, now=NOW
    )
    assert (answer.outcome, answer.contact_id) == ("updated", keep)
    assert _row(raw, keep)["company_name"] == "Navy"
