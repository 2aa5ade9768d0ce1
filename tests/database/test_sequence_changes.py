"""A running campaign that is changed: nobody gets an e-mail again, nobody is left behind."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from crm.records.templates import TemplateDraft, TemplateVersion
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, accepted, live, one, refused, values

DAY = timedelta(days=1)
WEEK = 7 * DAY


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    published_steps("lead", 4)


@pytest.fixture
def scheduler(service: DbService) -> SlowScheduler:
    return SlowScheduler(service)


@pytest.fixture
def lead(raw: Raw) -> str:
    return str(values(raw, "select id from drip_campaigns where key = 'lead'")[0])


def _draft(lead: str, step: int, *, text: str, **fields: Any) -> TemplateDraft:
    compiled = {"subject": text, "html": f"<p>{text}</p>", "text": text, "slots": []}
    given: dict[str, Any] = {
        "campaign_id": lead,
        "step": step,
        "name": f"E-mail {step}",
        "subject": text,
        "preheader": "",
        "body": text,
        "delay_days": 7,
        "content_hash": f"{step}-{text}",
        "compiled": compiled,
    }
    return TemplateDraft(**given | fields)


def _publish(desk: DbService, lead: str, step: int, text: str = "New", **f: Any) -> TemplateVersion:
    return desk.templates.publish(_draft(lead, step, text=text, **f), now=NOW)


def _order(raw: Raw, campaign: str) -> list[tuple[int, int]]:
    """(position, step) of what is published."""
    rows = raw.execute(
        "select position, step from drip_campaign_templates"
        " where campaign_id = %s and status = 'published' order by position",
        (campaign,),
    ).fetchall()
    return [(row["position"], row["step"]) for row in rows]


def _reached(scheduler: SlowScheduler, step: int) -> datetime:
    """Send step by step until `step` is the next; the moment it is due."""
    moment = NOW
    for following in range(2, step + 1):
        scheduler.send_all(moment, next_step=following)
        moment += WEEK
    return moment


def _waits_for(raw: Raw) -> tuple[int | None, datetime | None]:
    row = one(raw, "select next_step, next_send_at from campaign_enrollments")
    return row["next_step"], row["next_send_at"]


def test_reordering_gives_every_step_one_place(bob: DbService, raw: Raw, lead: str) -> None:
    bob.templates.reorder(lead, [4, 2, 1, 3], now=NOW)
    assert _order(raw, lead) == [(1, 4), (2, 2), (3, 1), (4, 3)]


@pytest.mark.parametrize("steps", [[1, 2, 3], [1, 2, 3, 3], [1, 2, 3, 4, 5], [], [1, 2, 3, 9]])
def test_an_order_that_leaves_out_or_repeats_a_step_is_refused(
    bob: DbService, raw: Raw, lead: str, steps: list[int]
) -> None:
    with pytest.raises(Exception, match=r"every published e-mail|Name every"):
        bob.templates.reorder(lead, steps, now=NOW)
    assert _order(raw, lead) == [(n, n) for n in (1, 2, 3, 4)]


def test_whoever_waits_goes_on_with_that_e_mail_and_receives_nothing_again(
    bob: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw, lead: str
) -> None:
    a_contact()
    due = _reached(scheduler, 3)
    bob.templates.reorder(lead, [3, 1, 2, 4], now=due)
    assert [c.step for c in scheduler.send_all(due, next_step=1)] == [3], (
        "a plan that knows no better"
    )
    assert scheduler.claim(due + WEEK) == []
    assert _waits_for(raw) == (4, due + WEEK), "1 and 2 were received before"
    assert [c.step for c in scheduler.send_all(due + WEEK)] == [4]
    assert values(raw, "select status from campaign_enrollments") == ["completed"]
    assert values(raw, "select step from email_sends order by step") == [1, 2, 3, 4]


def test_whoever_waits_for_a_step_that_is_taken_out_goes_on_to_the_next(
    bob: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw, lead: str
) -> None:
    a_contact()
    _reached(scheduler, 2)
    assert bob.templates.retire(lead, 2, now=NOW + DAY) == 1
    assert _waits_for(raw) == (3, NOW + WEEK)
    assert _order(raw, lead) == [(1, 1), (2, 3), (3, 4)]


def test_the_delay_runs_from_the_last_e_mail_even_if_that_was_taken_out_since(
    bob: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw, lead: str
) -> None:
    a_contact()
    due = _reached(scheduler, 3)
    bob.templates.retire(lead, 2, now=due - DAY)
    assert bob.templates.retire(lead, 3, now=due - DAY) == 1
    assert _waits_for(raw) == (4, due), "a week after the second e-mail, not at once"


def test_taking_out_the_last_step_completes_who_waited_for_it(
    bob: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw, lead: str
) -> None:
    contact = a_contact()
    _reached(scheduler, 4)
    assert bob.templates.retire(lead, 4, now=NOW) == 1
    assert (live(raw, contact), values(raw, "select status from campaign_enrollments")) == (
        [],
        ["completed"],
    )


def test_a_step_that_comes_back_stands_at_the_end_and_nobody_receives_it_twice(
    bob: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw, lead: str
) -> None:
    a_contact()
    due = _reached(scheduler, 3)
    bob.templates.retire(lead, 2, now=due)
    assert _publish(bob, lead, 2, "Back again").version == 2
    assert _order(raw, lead) == [(1, 1), (2, 3), (3, 4), (4, 2)]
    scheduler.send_all(due, next_step=4)
    scheduler.send_all(due + WEEK, next_step=2)
    assert scheduler.claim(due + 2 * WEEK) == []
    assert values(raw, "select status from campaign_enrollments") == ["completed"]
    assert sorted(values(raw, "select step from email_sends")) == [1, 2, 3, 4]


def test_places_stay_without_a_gap_whatever_is_taken_out_and_brought_back(
    bob: DbService, raw: Raw, lead: str
) -> None:
    for step in (3, 4):
        bob.templates.retire(lead, step, now=NOW)
    for step in (4, 9, 3):
        _publish(bob, lead, step, f"Back {step}")
    assert _order(raw, lead) == [(1, 1), (2, 2), (3, 4), (4, 9), (5, 3)]


def test_another_text_keeps_the_place_and_reaches_who_has_not_had_it(
    bob: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw, lead: str
) -> None:
    a_contact()
    due = _reached(scheduler, 2)
    newer = _publish(bob, lead, 2, "Better words")
    _publish(bob, lead, 1, "Better words for the first")
    assert _order(raw, lead) == [(n, n) for n in (1, 2, 3, 4)]
    claimed = scheduler.send_all(due, next_step=3)
    assert [(c.step, c.template_id) for c in claimed] == [(2, newer.id)]
    assert sorted(values(raw, "select step from email_sends")) == [1, 2]


@pytest.mark.parametrize("delay_days", [0, 1, 30])
def test_another_delay_sends_nothing_again(
    bob: DbService,
    scheduler: SlowScheduler,
    a_contact: AContact,
    raw: Raw,
    lead: str,
    delay_days: int,
) -> None:
    a_contact()
    due = _reached(scheduler, 3)
    for step in (1, 2, 3, 4):
        _publish(bob, lead, step, f"In {delay_days} days", delay_days=delay_days)
    assert scheduler.claim(due - DAY) == []
    assert [c.step for c in scheduler.claim(due)] == [3]


def test_a_step_taken_out_while_its_request_is_under_way_leaves_nobody_behind(
    bob: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw, lead: str
) -> None:
    a_contact()
    due = _reached(scheduler, 2)
    send = scheduler.claim(due)[0].send_id
    scheduler.hand_over([send], due)
    bob.templates.retire(lead, 2, now=due)
    # The run's plan was read before, or after: it names a step of its own, or the end.
    scheduler.settle([accepted(send, next_step=None)], due)
    assert live(
        raw, str(one(raw, "select contact_id from email_sends where step = 2")["contact_id"])
    )
    assert _waits_for(raw) == (3, due + WEEK)


def test_the_sweep_takes_along_who_waits_for_a_step_taken_out_meanwhile(
    bob: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw, lead: str
) -> None:
    a_contact()
    _reached(scheduler, 2)
    bob.templates.retire(lead, 2, now=NOW)
    # What a request under way wrote down by a plan of before.
    raw.execute("update campaign_enrollments set next_step = 2")
    scheduler.engine.sweep(scheduler.run, now=NOW + DAY)
    assert _waits_for(raw) == (3, NOW + WEEK)


def test_a_step_added_while_the_last_request_is_under_way_is_not_missed(
    bob: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw, lead: str
) -> None:
    a_contact()
    due = _reached(scheduler, 4)
    send = scheduler.claim(due)[0].send_id
    scheduler.hand_over([send], due)
    _publish(bob, lead, 5)
    scheduler.settle([accepted(send, next_step=None)], due)
    assert _waits_for(raw) == (5, due + WEEK)


def test_paused_people_are_taken_along_as_well(
    bob: DbService, scheduler: SlowScheduler, a_contact: AContact, raw: Raw, lead: str
) -> None:
    contact = a_contact()
    due = _reached(scheduler, 2)
    enrollment = bob.enrollments.of_contact(contact)[0].id
    bob.enrollments.change([enrollment], "pause", now=NOW)
    bob.templates.retire(lead, 2, now=NOW)
    assert scheduler.claim(due) == []
    bob.enrollments.change([enrollment], "resume", now=due)
    assert [c.step for c in scheduler.claim(due)] == [3]


@pytest.mark.parametrize("person", ["alice", "charlie"])
def test_only_admins_change_a_sequence(
    request: pytest.FixtureRequest, raw: Raw, lead: str, person: str
) -> None:
    desk: DbService = request.getfixturevalue(person)
    for change in (
        lambda: desk.templates.reorder(lead, [4, 3, 2, 1], now=NOW),
        lambda: desk.templates.retire(lead, 1, now=NOW),
        lambda: _publish(desk, lead, 1),
    ):
        with pytest.raises(Exception, match="may not do this"):
            change()
    assert _order(raw, lead) == [(n, n) for n in (1, 2, 3, 4)]


def test_what_is_not_published_cannot_be_taken_out(bob: DbService, lead: str) -> None:
    bob.templates.retire(lead, 2, now=NOW)
    for step in (2, 9):
        with pytest.raises(Exception, match="no published e-mail"):
            bob.templates.retire(lead, step, now=NOW)


def test_the_database_refuses_a_second_e_mail_of_a_step_by_raw_sql(
    scheduler: SlowScheduler, a_contact: AContact, raw: Raw
) -> None:
    a_contact()
    scheduler.send_all(next_step=2)
    again = (
        "insert into email_sends (contact_id, enrollment_id, campaign_id, step, run, template_id,"
        " to_email, claimed_at) select contact_id, enrollment_id, campaign_id, step, run,"
        " template_id, to_email, claimed_at from email_sends"
    )
    refused(raw, "23505", again)
    refused(raw, "MP005", "update email_sends set step = 2")


@pytest.mark.parametrize("change", ["step = 9", "delay_days = 0", "body = 'x'", "version = 9"])
def test_a_published_version_never_changes_by_raw_sql(raw: Raw, change: str) -> None:
    refused(raw, "MP003", f"update drip_campaign_templates set {change} where step = 2")


def test_two_published_steps_never_share_a_place_by_raw_sql(raw: Raw) -> None:
    refused(raw, "23505", "update drip_campaign_templates set position = 1 where step = 2")
