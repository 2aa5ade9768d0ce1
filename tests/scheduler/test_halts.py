"""A refused key or account stops all sending until an admin has looked."""

from collections import Counter

import pytest

from db_service import DbService
from tests.conftest import PublishedSteps, Raw
from tests.database.sending import values
from tests.scheduler.conftest import ACrowd, Scheduler, SettingsFor
from tests.standins import sendgrid_records as answers
from tests.standins.sendgrid import SendGridStandIn

HALTING = {"a refused key": answers.unauthorized(), "a forbidden sender": answers.forbidden()}


@pytest.mark.parametrize("answer", HALTING)
def test_a_refused_account_halts_everything_until_an_admin_resumes(
    scheduler: Scheduler,
    service: DbService,
    bob: DbService,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
    answer: str,
) -> None:
    for campaign in ("lead", "client"):
        published_steps(campaign, 1)
        a_crowd(20, contact_type=campaign)
    sendgrid_standin.answer_next(HALTING[answer])

    halted = scheduler.tick()

    rules = service.app_settings.sending_rules()
    assert rules.halted_because
    assert halted["error"] == rules.halted_because
    assert service.scheduler_runs.latest(limit=1)[0].status == "failed"
    before = len(sendgrid_standin.requests)
    while_halted = scheduler.tick(hours=1)
    assert rules.halted_because in str(while_halted["error"])
    assert len(sendgrid_standin.requests) == before, "nothing leaves while sending is halted"

    bob.app_settings.resume_sending(now=scheduler.clock())
    assert scheduler.tick()["error"] == ""
    received = Counter(mail.to for mail in sendgrid_standin.accepted)
    assert (len(received), set(received.values())) == (40, {1})
    assert values(raw, "select distinct status from email_sends") == ["accepted"]


def test_what_a_halt_stopped_is_due_again_the_moment_it_is_lifted(
    scheduler: Scheduler,
    bob: DbService,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    a_crowd(5)
    sendgrid_standin.answer_next(answers.unauthorized())
    scheduler.tick()
    bob.app_settings.resume_sending(now=scheduler.clock())
    assert scheduler.tick()["accepted"] == 5


def test_after_a_halt_the_timeline_of_nobody_says_they_withdrew(
    scheduler: Scheduler,
    service: DbService,
    settings_for: SettingsFor,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    a_crowd(60)
    sendgrid_standin.answer_next(answers.unauthorized())
    small = Scheduler(service, scheduler.sender, settings_for(drip_batch_size=5), scheduler.clock)
    sendgrid_standin.answer_next(answers.unauthorized(), times=10)
    small.tick()
    assert sendgrid_standin.accepted == []
    assert "consent_withdrawn" not in values(raw, "select distinct reason from drip_decisions")
