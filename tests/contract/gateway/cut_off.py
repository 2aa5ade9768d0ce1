"""A scheduler whose way to its Supabase project leads through a proxy that loses things."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
import stamina

from crm.database.gateway import SERVICE
from crm.database.supabase import SupabaseDatabase
from crm.mail.sendgrid_sender import SendGridSender
from db_service import DatabaseUnreachableError, DbService
from tests import cast
from tests.conftest import PublishedSteps, Raw
from tests.contract.gateway.answer_cutter import AnswerCutter
from tests.contract.gateway.conftest import with_token
from tests.database.sending import values
from tests.scheduler.conftest import (
    ACrowd,
    Scheduler,
    SetClock,
    SettingsFor,
    a_crowd,
    clock,
    sender,
    settings_for,
)
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.supabase_lite import PUBLISHABLE_KEY, SECRET_KEY

__all__ = ["a_crowd", "clock", "sender", "settings_for"]

LEADS = 45
AFTER_THE_LEASE = timedelta(minutes=11)


@pytest.fixture
def cutter(project_url: str) -> Iterator[AnswerCutter]:
    with AnswerCutter(project_url) as cutter:
        yield cutter


@pytest.fixture
def service(cutter: AnswerCutter) -> Iterator[DbService]:
    """The scheduler's own, through the proxy."""
    with closing(SupabaseDatabase(cutter.url, PUBLISHABLE_KEY, SECRET_KEY)) as project:
        yield DbService(project.gateway(SERVICE), SERVICE)


@pytest.fixture
def bob(project: SupabaseDatabase) -> DbService:
    return DbService(project.gateway(with_token(cast.BOB)), cast.BOB)


@pytest.fixture
def scheduler(
    service: DbService, sender: SendGridSender, settings_for: SettingsFor, clock: SetClock
) -> Scheduler:
    return Scheduler(service, sender, settings_for(drip_batch_size=20), clock)


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Insisting on a settlement takes its seconds otherwise."""
    with stamina.set_testing(True, attempts=50):
        yield


@pytest.fixture
def leads(a_crowd: ACrowd, published_steps: PublishedSteps) -> None:
    """All due at NOW."""
    published_steps("lead", 2)
    a_crowd(LEADS)


def run(scheduler: Scheduler) -> None:
    """A tick, or what the loop makes of one that could not even be written down."""
    try:
        scheduler.tick()
    except DatabaseUnreachableError:
        pass
    finally:
        scheduler.clock.now += AFTER_THE_LEASE


def each_lead_once(standin: SendGridStandIn) -> None:
    sent = Counter(mail.to for mail in standin.accepted)
    assert sent == {f"lead-crowd{n}@customer.example": 1 for n in range(1, LEADS + 1)}


def unsure_of(raw: Raw) -> list[str]:
    """Statuses of sends that nobody knows the end of."""
    unsure = "('claimed', 'handed_over', 'unconfirmed')"
    return values(raw, f"select status from email_sends where status in {unsure}")
