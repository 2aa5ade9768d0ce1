"""What a change of type does to the campaign that runs: by the policy of the pair of types."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from crm.records.states import SwitchPolicy
from db_service import DbService, InvalidValueError, NotAllowedError, RuleBrokenError
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, last_reason, live, one, refused, values

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
FINISH, KEEP = SwitchPolicy.FINISH_FIRST, SwitchPolicy.KEEP_BOTH
Decide = Callable[..., None]


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    for campaign, steps in (("lead", 3), ("prospect", 2), ("client", 1)):
        published_steps(campaign, steps)


@pytest.fixture
def decide(bob: DbService) -> Decide:
    """Sets policies: decide(lead_prospect="finish_first")."""

    def change(**policies: str) -> None:
        pairs = {
            (pair.partition("_")[0], pair.partition("_")[2]): SwitchPolicy(policy)
            for pair, policy in policies.items()
        }
        bob.type_switches.change(pairs, now=NOW)

    return change


def _become(raw: Raw, contact: str, contact_type: str) -> None:
    raw.execute("update contacts set contact_type = %s where id = %s", (contact_type, contact))


def _enrollment(raw: Raw, campaign: str) -> str:
    return str(
        one(
            raw,
            "select e.id::text from campaign_enrollments e join drip_campaigns d"
            " on d.id = e.campaign_id where d.key = %s and e.status in ('active', 'paused')",
            campaign,
        )["id"]
    )


def _waiting(raw: Raw, contact: str) -> list[str]:
    return values(
        raw,
        "select d.key from campaign_enrollments e join drip_campaigns d on d.id = e.campaign_id"
        " where e.contact_id = %s and e.reason = 'waits_for_other' order by d.key",
        contact,
    )


def _stop(service: DbService, raw: Raw, campaign: str) -> None:
    assert service.enrollments.change([_enrollment(raw, campaign)], "stop", now=NOW) == 1


# Finish first


def test_the_new_campaign_waits_until_the_old_one_is_completed(
    raw: Raw, service: DbService, a_contact: AContact, decide: Decide
) -> None:
    decide(prospect_client="finish_first")
    contact = a_contact(contact_type="prospect")
    _become(raw, contact, "client")
    assert live(raw, contact) == [("client", "paused"), ("prospect", "active")]
    assert _waiting(raw, contact) == ["client"]
    scheduler = SlowScheduler(service)
    scheduler.send_all(next_step=2)
    assert _waiting(raw, contact) == ["client"]
    scheduler.send_all(NOW + WEEK)
    assert live(raw, contact) == [("client", "active")]
    row = one(
        raw,
        "select next_step, next_send_at, reason, waits_for is null as free"
        " from campaign_enrollments where status = 'active'",
    )
    assert (row["next_step"], row["next_send_at"], row["reason"]) == (1, NOW + WEEK, "")
    told = {a.summary for a in service.activities.timeline(contact)}
    assert {
        "Enrolled in Client, which begins when Prospect ends",
        "Prospect completed",
        "Client begins",
    } <= told


def test_it_begins_too_when_somebody_stops_the_old_one(
    raw: Raw, service: DbService, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_prospect="finish_first")
    contact = a_contact()
    _become(raw, contact, "prospect")
    _stop(service, raw, "lead")
    assert live(raw, contact) == [("prospect", "active")]


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        ("update contacts set email_status = 'unsubscribed'", "unsubscribed"),
        ("update contacts set email_status = 'bounced'", "bounced"),
        ("update contacts set archived_at = now()", "archived"),
        ("update contacts set email = null", "no_address"),
        (
            "update campaign_enrollments set status = 'stopped', reason = 'replied',"
            " ended_at = now(), next_send_at = null where status = 'active'",
            "replied",
        ),
        (
            "update campaign_enrollments set status = 'stopped', reason = 'opted_out',"
            " ended_at = now(), next_send_at = null where status = 'active'",
            "other_stopped",
        ),
    ],
)
def test_what_the_person_ended_is_not_followed_by_anything(
    raw: Raw, a_contact: AContact, decide: Decide, happens: str, reason: str
) -> None:
    decide(lead_prospect="finish_first")
    contact = a_contact()
    _become(raw, contact, "prospect")
    raw.execute(happens.encode())
    assert live(raw, contact) == []
    assert last_reason(raw, contact) == reason


def test_stopping_everything_starts_nothing(
    raw: Raw, service: DbService, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_prospect="finish_first")
    contact = a_contact()
    _become(raw, contact, "prospect")
    assert service.enrollments.stop_all(contact, now=NOW) == 2
    assert live(raw, contact) == []


def test_a_paused_campaign_is_waited_for_as_well(
    raw: Raw, service: DbService, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_prospect="finish_first")
    contact = a_contact()
    service.enrollments.change([_enrollment(raw, "lead")], "pause", now=NOW)
    _become(raw, contact, "prospect")
    assert live(raw, contact) == [("lead", "paused"), ("prospect", "paused")]
    assert _waiting(raw, contact) == ["prospect"]


def test_another_change_while_waiting_goes_by_the_campaign_that_runs(
    raw: Raw, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_prospect="finish_first", lead_client="finish_first")
    contact = a_contact()
    _become(raw, contact, "prospect")
    _become(raw, contact, "client")
    assert live(raw, contact) == [("client", "paused"), ("lead", "active")]
    assert _waiting(raw, contact) == ["client"]
    _become(raw, contact, "prospect")
    decide(lead_client="stop_and_start")
    _become(raw, contact, "client")
    assert live(raw, contact) == [("client", "active")]


def test_back_to_the_type_whose_campaign_runs_drops_the_one_that_waits(
    raw: Raw, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_prospect="finish_first")
    contact = a_contact()
    _become(raw, contact, "prospect")
    _become(raw, contact, "lead")
    assert live(raw, contact) == [("lead", "active")]


def test_resuming_one_that_waits_changes_nothing_and_starting_it_stops_the_other(
    raw: Raw, alice: DbService, carol: DbService, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_prospect="finish_first")
    contact = a_contact()
    _become(raw, contact, "prospect")
    waiting = _enrollment(raw, "prospect")
    assert alice.enrollments.change([waiting], "resume", now=NOW) == 0
    assert carol.type_switches.start_waiting([waiting], now=NOW) == 0
    assert alice.type_switches.start_waiting([waiting], now=NOW) == 1
    assert live(raw, contact) == [("prospect", "active")]
    assert alice.type_switches.start_waiting([waiting], now=NOW) == 0
    [stopped] = [e for e in alice.enrollments.of_contact(contact) if e.campaign_key == "lead"]
    assert stopped.reason == "stopped_by_user"


def test_a_restart_of_the_old_one_is_waited_for_and_a_restart_of_the_new_one_goes_on_waiting(
    raw: Raw, service: DbService, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_prospect="finish_first")
    contact = a_contact()
    _become(raw, contact, "prospect")
    service.enrollments.restart(_enrollment(raw, "lead"), now=NOW)
    service.enrollments.restart(_enrollment(raw, "prospect"), now=NOW)
    assert live(raw, contact) == [("lead", "active"), ("prospect", "paused")]
    _stop(service, raw, "lead")
    assert live(raw, contact) == [("prospect", "active")]


def test_a_follower_that_has_nothing_left_to_send_is_completed(
    raw: Raw, service: DbService, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_client="finish_first")
    contact = a_contact(contact_type="client")
    SlowScheduler(service).send_all()
    _become(raw, contact, "lead")
    _become(raw, contact, "client")
    assert live(raw, contact) == [("lead", "active")], "every e-mail of Client was received"
    assert _waiting(raw, contact) == []


def test_it_waits_on_for_whatever_took_the_place_meanwhile(
    raw: Raw, service: DbService, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_prospect="finish_first")
    contact = a_contact()
    service.enrollments.change([_enrollment(raw, "lead")], "pause", now=NOW)
    _become(raw, contact, "prospect")
    client = values(raw, "select id::text from drip_campaigns where key = 'client'")[0]
    service.enrollments.enroll([contact], campaign_id=client, source="manual", now=NOW)
    _stop(service, raw, "lead")
    assert live(raw, contact) == [("client", "active"), ("prospect", "paused")]
    _stop(service, raw, "client")
    assert live(raw, contact) == [("prospect", "active")]


# Keep both


def test_the_old_campaign_goes_on_beside_the_new_one(
    raw: Raw, service: DbService, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_prospect="keep_both")
    contact = a_contact()
    _become(raw, contact, "prospect")
    assert live(raw, contact) == [("lead", "active"), ("prospect", "active")]
    both = service.enrollments.of_contact(contact)
    service.enrollments.change([e.id for e in both], "pause", now=NOW)
    assert service.enrollments.change([e.id for e in both], "resume", now=NOW) == 2
    service.enrollments.restart(_enrollment(raw, "lead"), now=NOW)
    assert live(raw, contact) == [("lead", "active"), ("prospect", "active")]
    scheduler = SlowScheduler(service)
    assert {scheduler.send_all(next_step=2)[0].step, scheduler.send_all(next_step=2)[0].step} == {1}


def test_on_return_the_one_beside_is_the_types_own_again(
    raw: Raw, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_prospect="keep_both", prospect_lead="keep_both")
    contact = a_contact()
    _become(raw, contact, "prospect")
    _become(raw, contact, "lead")
    beside = values(
        raw,
        "select d.key from campaign_enrollments e join drip_campaigns d on d.id = e.campaign_id"
        " where e.kept_beside and e.status = 'active'",
    )
    assert beside == ["prospect"]
    decide(prospect_lead="stop_and_start")
    _become(raw, contact, "prospect")
    _become(raw, contact, "lead")
    assert live(raw, contact) == [("lead", "active")]


def test_what_runs_on_its_own_and_what_was_kept_are_judged_each_by_its_pair(
    raw: Raw, service: DbService, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_prospect="keep_both", lead_client="finish_first", prospect_client="finish_first")
    contact = a_contact()
    _become(raw, contact, "prospect")
    _become(raw, contact, "client")
    assert _waiting(raw, contact) == ["client"]
    _stop(service, raw, "prospect")
    assert live(raw, contact) == [("client", "paused"), ("lead", "active")]
    _stop(service, raw, "lead")
    assert live(raw, contact) == [("client", "active")]
    lead_stops = a_contact()
    decide(lead_client="stop_and_start")
    _become(raw, lead_stops, "prospect")
    _become(raw, lead_stops, "client")
    assert live(raw, lead_stops) == [("client", "paused"), ("prospect", "active")]


def test_nobody_lets_an_enrollment_run_beside_another_by_hand(
    raw: Raw, alice: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    with pytest.raises(NotAllowedError):
        alice._gateway.update(
            "campaign_enrollments", {"kept_beside": True}, where={"contact_id": contact}
        )
    refused(
        raw,
        "23514",
        "update campaign_enrollments set status = 'paused', reason = 'waits_for_other'",
    )


# Every policy


def test_a_type_without_a_campaign_stops_whatever_the_policy_says(
    raw: Raw, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_partner="finish_first", lead_other="keep_both")
    for contact_type in ("partner", "other"):
        contact = a_contact()
        _become(raw, contact, contact_type)
        assert live(raw, contact) == []


def test_of_types_that_share_a_campaign_the_contacts_own_counts(
    raw: Raw, a_contact: AContact, decide: Decide
) -> None:
    raw.execute(
        "update contact_types set campaign_id ="
        " (select id from drip_campaigns where key = 'lead') where key = 'partner'"
    )
    decide(partner_prospect="keep_both")
    lead, partner = a_contact(), a_contact(contact_type="partner")
    raw.execute("update contacts set contact_type = 'prospect'")
    assert live(raw, lead) == [("prospect", "active")]
    assert live(raw, partner) == [("lead", "active"), ("prospect", "active")]


def test_many_contacts_switch_at_once_each_by_its_own_pair(
    raw: Raw, service: DbService, a_contact: AContact, decide: Decide
) -> None:
    decide(lead_client="finish_first", prospect_client="keep_both")
    leads = [a_contact() for _ in range(30)]
    prospects = [a_contact(contact_type="prospect") for _ in range(30)]
    others = [a_contact(contact_type="other") for _ in range(5)]
    raw.execute("update contacts set contact_type = 'client'")
    assert {str(live(raw, c)) for c in leads} == {"[('client', 'paused'), ('lead', 'active')]"}
    assert {str(live(raw, c)) for c in prospects} == {
        "[('client', 'active'), ('prospect', 'active')]"
    }
    assert {str(live(raw, c)) for c in others} == {"[('client', 'active')]"}


# The table itself


def test_only_admins_change_policies_all_of_them_or_none(alice: DbService, bob: DbService) -> None:
    with pytest.raises(NotAllowedError):
        alice.type_switches.change({("lead", "client"): KEEP}, now=NOW)
    with pytest.raises(InvalidValueError):
        bob.type_switches.change({("lead", "client"): KEEP, ("lead", "gone"): KEEP}, now=NOW)
    assert alice.type_switches.policies() == {}
    pairs = {("lead", "client"): KEEP, ("client", "lead"): FINISH}
    assert bob.type_switches.change(pairs, now=NOW) == 2
    assert bob.type_switches.change(pairs, now=NOW) == 0
    assert alice.type_switches.policies() == pairs
    usual = {("lead", "client"): SwitchPolicy.STOP_AND_START}
    assert bob.type_switches.change(usual, now=NOW) == 1
    assert alice.type_switches.policies() == {("client", "lead"): FINISH}


def test_each_change_of_a_policy_is_in_the_audit_log(raw: Raw, bob: DbService) -> None:
    bob.type_switches.change({("lead", "client"): KEEP}, now=NOW)
    row = one(raw, "select row_key, actor_name from audit_log where relation = 'type_switches'")
    assert (row["row_key"], row["actor_name"]) == ("lead client", "Bob Admin")


# Types


def test_a_type_is_added_changed_and_deleted_by_admins_alone(
    raw: Raw, alice: DbService, bob: DbService
) -> None:
    with pytest.raises(NotAllowedError):
        alice.contact_types.add("Key account", campaign_id=None, path_rank=None)
    key = bob.contact_types.add("Key account", campaign_id=None, path_rank=5)
    assert (key, bob.contact_types.add("Key  Account!", campaign_id=None, path_rank=None)) == (
        "key_account",
        "key_account_b",
    )
    campaign = next(c for c in bob.contact_types.campaigns() if c.name == "Client")
    assert bob.contact_types.change(key, label="Key", campaign_id=campaign.id, path_rank=None)
    assert not alice.contact_types.change(key, label="Mine", campaign_id=None, path_rank=None)
    [kind] = [kind for kind in alice.contact_types.all() if kind.key == key]
    assert (kind.label, kind.campaign_id, kind.path_rank) == ("Key", campaign.id, None)
    assert not alice.contact_types.delete(key)
    assert bob.contact_types.delete(key)
    assert not bob.contact_types.delete(key)


def test_a_type_in_use_or_of_the_forms_stays(raw: Raw, bob: DbService, a_contact: AContact) -> None:
    contact = a_contact(contact_type="partner")
    assert bob.contact_types.count_contacts("partner") == 1
    with pytest.raises(InvalidValueError):
        bob.contact_types.delete("partner")
    _become(raw, contact, "other")
    assert bob.contact_types.count_contacts("partner") == 0
    assert bob.contact_types.was_ever_used("partner")
    with pytest.raises(RuleBrokenError, match="Forms and imports"):
        bob.contact_types.delete("client")
    assert not bob.contact_types.was_ever_used("client")
