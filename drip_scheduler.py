"""The drip loop: sweep, claim, decide, render, hand over, send, settle.

`Tick.run()` is one pass over everything that is due. The app runs it hourly in a daemon thread
(DripThread); operators run it as `python drip_scheduler.py --once` or, without the app, `--loop`.
Any number of schedulers may run at once: the claim in the database decides who sends what.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import socket
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

from crm.drip.compose import Held, Letter
from crm.mail.outbox_sender import OutboxSender
from crm.mail.senders import Sender
from crm.mail.sendgrid_sender import SendGridSender
from crm.mail.unsubscribe_tokens import UnsubscribeTokens, unsubscribe_url
from crm.scheduler.desk import Desk, sender_fields, sender_identity
from crm.scheduler.dispatch import Dispatcher, Lease, Progress
from crm.settings import Settings, SettingsError, load_settings
from db_service import ClaimedSend, DatabaseError, DbService, Postponement, connect, disconnect

logger = logging.getLogger(__name__)

REQUESTS_IN_FLIGHT = 4  # with 1000 recipients a request, more would only wait for Postgres
WAKE_POLL_SECONDS = 5.0  # how soon "Run now" is noticed
AFTER_FAILURE = timedelta(minutes=1)
AFTER_RENDER_FAILURE = timedelta(hours=1)

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    return datetime.now(UTC)


class Tick:
    """One run over everything due; its steps are claim, compose, and the dispatch of requests."""

    def __init__(
        self, service: DbService, sender: Sender, settings: Settings, *, clock: Clock = wall_clock
    ) -> None:
        self._service = service
        self._engine = service.engine
        self._sender = sender
        self._settings = settings
        self._clock = clock
        self._tokens = UnsubscribeTokens(settings.secret_keys())
        self._progress = Progress()
        self._gathered: list[Letter] = []
        self._in_flight: set[Future[None]] = set()

    def run(self, trigger: str = "command") -> dict[str, object]:
        """Sweep, then send until nothing is due. Returns the counts, and `error` if it ended early.

        Raises:
            DatabaseError: when not even the run itself can be written down.
        """
        fields = sender_fields(self._settings)
        run = self._engine.start_run(
            trigger=trigger, host=socket.gethostname(), sender=fields, now=self._clock()
        )
        self._lease = Lease(run, str(uuid.uuid4()))
        try:
            self.sweep()
            self._desk = Desk(self._service, fields)
            self._send_all()
        except DatabaseError as error:
            self._progress.stop(str(error))
        return self._finish()

    def sweep(self) -> None:
        """Leases that ran out: released before the hand-over, held as unconfirmed after it."""
        swept = self._engine.sweep(self._lease.run, now=self._clock())
        self._progress.count(released=swept.released, swept_unconfirmed=swept.unconfirmed)

    def _send_all(self) -> None:
        dispatcher = Dispatcher(
            self._engine,
            self._sender,
            self._desk,
            lease=self._lease,
            identity=sender_identity(self._settings),
            clock=self._clock,
            progress=self._progress,
        )
        with ThreadPoolExecutor(REQUESTS_IN_FLIGHT, thread_name_prefix="send") as pool:
            while not self._progress.stop_because and (claimed := self.claim()):
                for letters in self._full_requests(self.compose(claimed)):
                    self._wait_for(REQUESTS_IN_FLIGHT)
                    self._in_flight.add(pool.submit(dispatcher.post, letters))
            if self._gathered and not self._progress.stop_because:
                self._in_flight.add(pool.submit(dispatcher.post, self._gathered))
            self._wait_for(0)
        if self._gathered and self._progress.stop_because:
            self._put_back(self._gathered)

    def claim(self) -> list[ClaimedSend]:
        """Due e-mails of one step, ours until the lease ends. Empty: nothing is due."""
        claimed = self._engine.claim_due(
            self._lease.run,
            self._lease.token,
            limit=self._settings.drip_batch_size,
            lease_seconds=self._settings.drip_lease_seconds,
            now=self._clock(),
        )
        self._progress.count(claimed=len(claimed))
        return claimed

    def compose(self, claimed: Sequence[ClaimedSend]) -> list[Letter]:
        """Decide and render; what may not go now is put back with its reason."""
        if claimed:
            self._desk.refresh_for(claimed[0].template_id)
        now = self._clock()
        composed = [self._compose_one(due, now) for due in claimed]
        held = [x for x in composed if isinstance(x, Held)]
        if held:
            self._postpone(held)
        return [x for x in composed if isinstance(x, Letter)]

    def _compose_one(self, due: ClaimedSend, now: datetime) -> Letter | Held:
        try:
            token = self._tokens.sign(uuid.UUID(due.contact_id), self._desk.key_of(due.campaign_id))
            link = unsubscribe_url(self._settings.public_url, token)
            return self._desk.composer.compose(due, now=now, unsubscribe_url=link)
        except Exception:  # the loop's boundary: one contact never stops a batch
            logger.exception("send %s could not be rendered", due.send_id)
            explanation = (
                "The e-mail could not be written for this contact; the log has the details."
            )
            return Held(due.send_id, now + AFTER_RENDER_FAILURE, "render_failed", explanation)

    def _full_requests(self, letters: list[Letter]) -> Iterator[list[Letter]]:
        """Letters of one template gather until a request is full."""
        size = self._settings.drip_batch_size
        if letters and self._gathered and _template(letters) != _template(self._gathered):
            yield self._gathered
            self._gathered = []
        self._gathered += letters
        while len(self._gathered) >= size:
            full, self._gathered = self._gathered[:size], self._gathered[size:]
            yield full

    def _wait_for(self, at_most: int) -> None:
        """Until at most so many are under way. A failed one ends the run, not the others."""
        while len(self._in_flight) > at_most:
            done, self._in_flight = wait(self._in_flight, return_when=FIRST_COMPLETED)
            for future in done:
                error = future.exception()
                if error is not None:
                    logger.error("a request could not be written down", exc_info=error)
                    self._progress.stop(
                        f"A request could not be written down: {type(error).__name__}."
                    )

    def _put_back(self, letters: Sequence[Letter]) -> None:
        until = self._progress.wake_at or self._clock() + AFTER_FAILURE
        because = self._progress.stop_because
        self._postpone([Held(x.due.send_id, until, "rate_limited", because) for x in letters])

    def _postpone(self, held: Sequence[Held]) -> None:
        postponements = [
            Postponement(
                send_id=h.send_id, until=h.until, reason=h.reason, explanation=h.explanation
            )
            for h in held
        ]
        self._engine.postpone(self._lease.run, postponements, now=self._clock())
        self._progress.count(postponed=len(held))

    def _finish(self) -> dict[str, object]:
        now = self._clock()
        regular = now + timedelta(seconds=self._settings.drip_interval_seconds)
        self.next_run_at = min(regular, self._progress.wake_at or regular)
        counts = dict(self._progress.counts)
        error = self._progress.stop_because
        self._engine.finish_run(
            self._lease.run, counts=counts, error=error, next_run_at=self.next_run_at, now=now
        )
        return {"run": self._lease.run, **counts, "error": error}


def _template(letters: Sequence[Letter]) -> str:
    return letters[0].due.template_id


def make_sender(settings: Settings, clock: Clock = wall_clock) -> Sender:
    """SendGrid with a key, the local outbox without one."""
    if settings.sends_for_real:
        return SendGridSender(
            settings.sendgrid_api_key.get_secret_value(), settings.sendgrid_base_url
        )
    return OutboxSender(settings.data_dir / "outbox", clock=clock)


class DripThread(threading.Thread):
    """The loop beside the web app: a tick at the start, then hourly or when somebody asks."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="drip", daemon=True)
        self._settings = settings
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask the loop to end and wait for the request under way."""
        self._stopping.set()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        sender = make_sender(self._settings)
        trigger = "interval"
        while not self._stopping.is_set():
            next_run_at = self._tick(sender, trigger)
            trigger = self._sleep_until(next_run_at)
        sender.close()

    def _tick(self, sender: Sender, trigger: str) -> datetime:
        try:
            tick = Tick(DbService.for_service(), sender, self._settings)
            tick.run(trigger)
        except Exception:  # the loop's boundary: whatever failed, the next tick tries again
            logger.exception("the run failed; the next one is in %s", AFTER_FAILURE)
            return wall_clock() + AFTER_FAILURE
        return tick.next_run_at

    def _sleep_until(self, moment: datetime) -> str:
        """Wait for the next run; says what woke it."""
        while wall_clock() < moment and not self._stopping.wait(WAKE_POLL_SECONDS):
            try:
                if DbService.for_service().engine.take_run_request(now=wall_clock()):
                    return "requested"
            except DatabaseError as error:
                logger.warning("cannot ask for run requests: %s", error)
        return "interval"


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Send what is due.")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--once", action="store_true", help="one run, then one JSON line of counts")
    how.add_argument("--loop", action="store_true", help="run hourly, without the web app")
    parser.add_argument(
        "--now", type=datetime.fromisoformat, metavar="ISO", help="act as if it were then"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what is due")
    return parser.parse_args(arguments)


def _once(settings: Settings, now: datetime | None, *, dry_run: bool) -> dict[str, object]:
    clock = wall_clock if now is None else (lambda: now)
    service = DbService.for_service()
    if dry_run:
        due = service.engine.due_by_step(now=clock())
        return {"dry_run": True, "due": sum(step["due"] for step in due), "steps": due}
    sender = make_sender(settings, clock)
    try:
        return Tick(service, sender, settings, clock=clock).run()
    finally:
        sender.close()


def _loop(settings: Settings) -> None:
    thread = DripThread(settings)
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    thread.start()
    asked_to_stop.wait()
    thread.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 for a clean run, 1 when it ended early, 2 without settings or database."""
    wanted = _arguments(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = load_settings()
        connect(settings)
        if wanted.loop:
            _loop(settings)
            return 0
        now = wanted.now.astimezone(UTC) if wanted.now else None
        report = _once(settings, now, dry_run=wanted.dry_run)
        print(json.dumps(report))
        return 1 if report.get("error") else 0
    except (SettingsError, DatabaseError) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        disconnect()


if __name__ == "__main__":
    sys.exit(main())
