"""Whole ticks: the real engine on a real Postgres, over real HTTP to the SendGrid stand-in."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from crm.mail.senders import Sender
from crm.mail.sendgrid_sender import SendGridSender
from crm.settings import Settings, load_settings
from db_service import DbService
from drip_scheduler import Tick
from scripts.populate_drip_templates import LIBRARY, populate
from tests.cast import NOW
from tests.conftest import Raw
from tests.standins.sendgrid import SendGridStandIn

Report = dict[str, Any]
ACrowd = Callable[..., None]
SettingsFor = Callable[..., Settings]

# Long enough for an honest answer on a busy machine, short enough to wait for a silent provider.
_IMPATIENT = httpx.Timeout(connect=5.0, read=1.0, write=5.0, pool=5.0)


class SetClock:
    """A clock that stands still until a test sets it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> datetime:
        self.now += timedelta(**parts)
        return self.now


class Scheduler:
    """Ticks of one scheduler with its own sender, at the time a test says."""

    def __init__(
        self, service: DbService, sender: Sender, settings: Settings, clock: SetClock
    ) -> None:
        self.service = service
        self.sender = sender
        self.settings = settings
        self.clock = clock

    def a_tick(self) -> Tick:
        return Tick(self.service, self.sender, self.settings, clock=self.clock)

    def tick(self, **later: float) -> Report:
        """One run, after `later` (hours=1, for example) has passed."""
        self.clock.advance(**later)
        return self.a_tick().run()


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture
def settings_for(sendgrid_standin: SendGridStandIn) -> SettingsFor:
    """Settings of a scheduler that sends to the stand-in; every field may be overridden."""

    def settings(**overrides: Any) -> Settings:
        fields: dict[str, Any] = {
            "_env_file": None,
            "database_url": "postgresql://named-by-the-test",
            "sendgrid_api_key": sendgrid_standin.key,
            "sendgrid_base_url": sendgrid_standin.url,
            "mail_from_email": "morgan@mpt.example",
            "mail_from_name": "Morgan at MPT",
            "mail_postal_address": "1 Main Street, Springfield",
            "mail_website": "https://mpt.example",
            "mail_booking_url": "https://mpt.example/book",
            "public_url": "https://crm.mpt.example",
            "app_secret_keys": "a-key-of-the-tests-with-32-characters",
        }
        return load_settings(**fields | overrides)

    return settings


@pytest.fixture
def sender(sendgrid_standin: SendGridStandIn) -> Iterator[SendGridSender]:
    sender = SendGridSender(sendgrid_standin.key, sendgrid_standin.url, timeouts=_IMPATIENT)
    with contextlib.closing(sender):
        yield sender


@pytest.fixture
def scheduler(
    service: DbService, sender: SendGridSender, settings_for: SettingsFor, clock: SetClock
) -> Scheduler:
    return Scheduler(service, sender, settings_for(), clock)


@pytest.fixture
def library(service: DbService) -> None:
    """The 23 e-mails of templates/, published."""
    populate(service, LIBRARY, dry_run=False, now=NOW - timedelta(days=30))


@pytest.fixture
def a_crowd(raw: Raw) -> ACrowd:
    """Adds n contacts at once: crowd1@customer.example and so on."""

    def add(n: int, *, contact_type: str = "lead") -> None:
        raw.execute(
            "insert into contacts (first_name, last_name, email, contact_type)"
            " select 'Crowd', 'Member ' || n, %s || n || '@customer.example', %s"
            " from generate_series(1, %s) n",
            (f"{contact_type}-crowd", contact_type, n),
        )

    return add
