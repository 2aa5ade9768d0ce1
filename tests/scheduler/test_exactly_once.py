"""Everyone who is due gets the e-mail once: with one scheduler, with two, and again right after."""

import json
import math
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from crm.settings import PROJECT_ROOT
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import values
from tests.scheduler.conftest import ACrowd, Report, Scheduler, SettingsFor
from tests.scheduler.processes import environment_for
from tests.standins.sendgrid import SendGridStandIn


def _addresses(standin: SendGridStandIn) -> Counter[str]:
    return Counter(mail.to for mail in standin.accepted)


@pytest.mark.parametrize(("due", "requests"), [(1, 1), (1000, 1), (1001, 2)])
def test_a_tick_sends_everyone_one_e_mail_in_as_few_requests_as_possible(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
    due: int,
    requests: int,
) -> None:
    published_steps("lead", 2)
    a_crowd(due)
    report = scheduler.tick()
    assert (report["accepted"], report["requests"], report["error"]) == (due, requests, "")
    assert len(sendgrid_standin.requests) == requests == math.ceil(due / 1000)
    assert set(_addresses(sendgrid_standin).values()) == {1}
    assert len(sendgrid_standin.accepted) == due


def test_a_second_tick_right_after_sends_nothing(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 2)
    a_crowd(30)
    scheduler.tick()
    assert scheduler.tick().get("claimed", 0) == 0
    assert scheduler.tick(hours=1).get("claimed", 0) == 0
    assert len(sendgrid_standin.accepted) == 30


def test_each_template_travels_in_its_own_requests(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    for campaign in ("networking", "lead", "client"):
        published_steps(campaign, 1)
        a_crowd(7, contact_type=campaign)
    report = scheduler.tick()
    assert (report["accepted"], len(sendgrid_standin.requests)) == (21, 3)
    for mail in sendgrid_standin.accepted:
        assert mail.subject == f"{mail.to.split('-')[0]} 1"


def test_batches_smaller_than_a_request_are_sent_in_batches(
    scheduler: Scheduler,
    service: DbService,
    settings_for: SettingsFor,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    a_crowd(25)
    small = Scheduler(service, scheduler.sender, settings_for(drip_batch_size=10), scheduler.clock)
    assert small.tick()["requests"] == 3
    assert sorted(seen.recipients for seen in sendgrid_standin.requests) == [5, 10, 10]


def test_the_whole_sequence_arrives_in_order_and_the_enrollment_completes(
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 4)
    contact = a_contact()
    for _ in range(40):
        scheduler.tick(days=1)
    assert [mail.subject for mail in sendgrid_standin.accepted] == [
        f"lead {n}" for n in (1, 2, 3, 4)
    ]
    assert values(
        raw, "select status from campaign_enrollments where contact_id = %s", contact
    ) == ["completed"]


def test_two_ticks_at_once_send_everyone_one_e_mail(
    scheduler: Scheduler,
    service: DbService,
    settings_for: SettingsFor,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 2)
    a_crowd(400)
    small = Scheduler(service, scheduler.sender, settings_for(drip_batch_size=20), scheduler.clock)

    def tick(_: int) -> Report:
        return small.tick()

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(tick, range(2)))
    leftover = small.tick()
    assert sum(r.get("accepted", 0) for r in [*reports, leftover]) == 400
    assert [r["error"] for r in reports] == ["", ""]
    assert len(_addresses(sendgrid_standin)) == 400
    assert set(_addresses(sendgrid_standin).values()) == {1}


def test_two_processes_at_once_send_five_thousand_one_e_mail_each(
    address: str,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    raw: Raw,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 2)
    a_crowd(5000)
    command = [sys.executable, "drip_scheduler.py", "--once", "--now", NOW.isoformat()]
    both = [
        subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env=environment_for(address, sendgrid_standin),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], [words for _, words in answers]
    reports = [json.loads(out) for out, _ in answers]
    assert sum(report.get("accepted", 0) for report in reports) == 5000
    assert len(_addresses(sendgrid_standin)) == len(sendgrid_standin.accepted) == 5000
    assert set(sendgrid_standin.send_counts.values()) == {1}
    assert values(raw, "select distinct status from email_sends") == ["accepted"]
    assert values(
        raw,
        "select count(*) from campaign_enrollments where next_send_at > %s",
        NOW + timedelta(days=5),
    ) == [5000]
