"""One small world: a database, a provider, a webhook, a clock, and the people written to."""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from tests.faults import findings
from tests.faults.checker import Facts, Rules, Verdict, check
from tests.faults.clock import SharedClock
from tests.faults.deliveries import Deliveries
from tests.faults.emitter import Emitter, Habits
from tests.faults.load import PLANS, Arrival, Connection, Load, Plan
from tests.faults.orders import Order
from tests.faults.processes import Child, Nursery
from tests.faults.provider import Provider
from tests.faults.webhook import Webhook
from tests.standins.sendgrid import KEY
from tests.standins.sendgrid_events import EventEmitter


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a world begins. `weights`: campaign → share of the contacts."""

    start: datetime
    weights: Mapping[str, float]
    batch_size: int = 4
    lease_seconds: int = 120
    latency_seconds: float = 0.0
    habits: Habits = field(default_factory=Habits)


class World:
    """Made by `a_world`. Time stands still except in `advance`."""

    def __init__(
        self,
        setting: Setting,
        *,
        folder: Path,
        settings: Mapping[str, Any],
        address: str,
        clock: SharedClock,
        provider: Provider,
        webhook: Webhook,
        emitter: Emitter,
        nursery: Nursery,
        randomness: random.Random,
    ) -> None:
        self.setting = setting
        self._address = address
        self.database: Connection = psycopg.connect(address, autocommit=True)
        self.clock = clock
        self.provider = provider
        self.webhook = webhook
        self.emitter = emitter
        self.randomness = randomness
        self.load = Load(randomness, setting.weights)
        self.plans: dict[str, Plan] = dict(PLANS)
        self.stopped: dict[str, datetime] = {}
        self.settings = settings
        self._folder = str(folder)
        self._nursery = nursery
        self._down_until: datetime | None = None

    def disconnect(self) -> None:
        self.database.close()

    def reconnect(self) -> None:
        """After the server was stopped."""
        self.disconnect()
        self.database = psycopg.connect(self._address, autocommit=True)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def arrive(self, count: int, **named: Any) -> list[Arrival]:
        return self.load.arrive(self.database, count, now=self.now, **named)

    def order(self, **named: Any) -> Order:
        return Order(role="scheduler", folder=self._folder, settings=self.settings, **named)

    def start(self, **named: Any) -> Child:
        """A scheduler process that makes one tick."""
        return self._nursery.start(self.order(**named))

    def tick(self) -> int:
        """One undisturbed tick; returns its exit code."""
        return self.start().wait().code

    def advance(self, by: timedelta, *, all_done: bool = True) -> None:
        """Time passes: what was accepted is heard of, and due events are told. `all_done` False:
        some scheduler still holds a connection to the provider."""
        if all_done:
            self.provider.settle_down()
        self.emitter.hear(self.provider.take_unheard())
        self.clock.advance(by)
        if self._down_until is not None and self.now >= self._down_until:
            self.webhook.start()
            self._down_until = None
        self.emitter.deliver_due(self.now)

    def begin_outage(self, lasting: timedelta) -> None:
        """The webhook fails, one way or the other, until `advance` passes its end."""
        self.webhook.fail(self.randomness.choice(("killed", "refusing")))
        self._down_until = self.now + lasting

    def stop_contact(self, arrival: Arrival) -> None:
        """The person says stop, a second after whatever happened before."""
        self.clock.advance(timedelta(seconds=1))
        self.database.execute(
            "update contacts set email_status = 'unsubscribed', email_status_at = %s"
            " where email = %s",
            (self.now, arrival.email),
        )
        self.stopped[arrival.email] = self.now

    def drain(self, *, most_days: float = 12) -> None:
        """Undisturbed ticks, until everybody has everything. While anything is uncertain, a few
        new contacts keep arriving: the evidence about it is what happens to others."""
        start = self.now
        all_hours = all(self.plans[key].is_always_open for key in self.setting.weights)
        calm = timedelta(hours=4) if all_hours else timedelta(minutes=80)
        while self.now < start + timedelta(days=most_days):
            uncertain = findings.uncertain_in(self.database)
            if uncertain and self.now < start + timedelta(days=most_days / 2):
                self.arrive(4)
            elif not findings.unfinished_in(self.database):
                break
            self.tick()
            self.advance(timedelta(minutes=30) if uncertain else calm)
        # What was accepted at the very end is reported, too.
        for _ in range(8):
            self.advance(timedelta(hours=1))

    def verdict(self, **rules: Any) -> Verdict:
        self.provider.settle_down()
        facts = Facts(
            arrivals=tuple(self.load.arrivals),
            taken=findings.taken_from(self.provider.accepted),
            stored=findings.sends_in(self.database),
            stopped=self.stopped,
            expired=findings.expired_in(self.database),
        )
        return check(facts, Rules(plans=self.plans, **rules))


@contextlib.contextmanager
def a_world(
    setting: Setting,
    *,
    address: str,
    nursery: Nursery,
    seed: str,
    through: str = "",
) -> Iterator[World]:
    """`through`: the address at which the program reaches the database, if not directly."""
    randomness = random.Random(seed)
    signer = EventEmitter()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mpt-crm-world-")))
        clock = SharedClock.create(folder, setting.start)
        provider = Provider(clock, latency_seconds=setting.latency_seconds)
        stack.enter_context(provider)
        settings = _settings(setting, through or address, provider.url, signer.public_key)
        webhook = Webhook(nursery, folder, settings)
        stack.callback(webhook.stop)
        deliveries = Deliveries(webhook.port, signer)
        stack.callback(deliveries.close)
        webhook.start()
        world = World(
            setting,
            folder=folder,
            settings=settings,
            address=address,
            clock=clock,
            provider=provider,
            webhook=webhook,
            emitter=Emitter(deliveries.post, randomness, setting.habits),
            nursery=nursery,
            randomness=randomness,
        )
        stack.callback(world.disconnect)
        yield world


def _settings(setting: Setting, address: str, provider: str, public_key: str) -> dict[str, Any]:
    return {
        "database_url": address,
        "sendgrid_api_key": KEY,
        "sendgrid_base_url": provider,
        "sendgrid_webhook_public_key": public_key,
        "mail_from_email": "morgan@mpt.example",
        "mail_postal_address": "1 Main Street, Springfield",
        "public_url": "https://crm.mpt.example",
        "app_secret_keys": "a-key-of-the-faults-with-32-characters",
        "drip_batch_size": setting.batch_size,
        "drip_lease_seconds": setting.lease_seconds,
    }
