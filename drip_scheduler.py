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
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import UTC, datetime, timedelta

from crm.drip.compose import Letter
from crm.mail.senders import Sender
from crm.mail.unsubscribe_tokens import UnsubscribeTokens
from crm.scheduler.desk import Desk, make_sender, sender_fields, sender_identity, with_saved_sender
from crm.scheduler.dispatch import Dispatcher
from crm.scheduler.gathering import Gathering
from crm.scheduler.progress import Lease, Progress, StopReason
from crm.scheduler.writing import Writer
from crm.settings import Settings, SettingsError, load_settings
from db_service import ClaimedSend, DatabaseError, DbService, connect, disconnect

logger = logging.getLogger(__name__)

REQUESTS_IN_FLIGHT = 4  # with 1000 recipients a request, more would only wait for Postgres
WAKE_POLL_SECONDS = 5.0  # how soon "Run now" is noticed
AFTER_FAILURE = timedelta(minutes=1)

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    return datetime.now(UTC)


class Tick:
    """One run over everything due; its steps are claim, compose, and the dispatch of requests."""

    def __init__(
        self,
        service: DbService,
        sender: Sender,
        settings: Settings,
        *,
        clock: Clock = wall_clock,
        stopping: threading.Event | None = None,
    ) -> None:
        self._service = service
        self._engine = service.engine
        self._sender = sender
        self._settings = settings
        self._clock = clock
        self._tokens = UnsubscribeTokens(settings.secret_keys())
        self._stopping = stopping or threading.Event()
        self._progress = Progress()
        self._in_flight: set[Future[None]] = set()

    def run(self, trigger: str = "command") -> dict[str, object]:
        """Sweep, then send until nothing is due. Returns the counts, and `error` if it ended early.

        Raises:
            DatabaseError: when not even the run itself can be written down.
        """
        self._settings = with_saved_sender(self._settings, self._service)
        fields = sender_fields(self._settings)
        run = self._engine.start_run(
            trigger=trigger, host=socket.gethostname(), sender=fields, now=self._clock()
        )
        self._lease = Lease(run, str(uuid.uuid4()), self._settings.drip_lease_seconds)
        try:
            self._batch_size = self._engine.batch_size(self._settings.drip_batch_size)
            self.sweep()
            self._desk = Desk(self._service, fields)
            self._writer = Writer(self._desk, self._tokens, self._settings.public_url)
            if self._desk.halted_because:
                because = f"All sending is stopped: {self._desk.halted_because}"
                self._progress.stop(because, StopReason.HALTED)
            self._send_all()
        except DatabaseError as error:
            self._break_off(str(error))
        except Exception as error:  # the loop's boundary: the run is written down as failed
            logger.exception("run %s broke off", run)
            self._break_off(f"The run broke off ({type(error).__name__}); the log has the details.")
        return self._finish()

    def _break_off(self, because: str) -> None:
        self._progress.stop(because, StopReason.INTERRUPTED, wake_at=self._clock() + AFTER_FAILURE)

    def sweep(self) -> None:
        """What an earlier run left open is judged; what nobody can be sure of is held."""
        swept = self._engine.sweep(self._lease.run, now=self._clock())
        self._progress.count(swept_unconfirmed=swept.unconfirmed)
        for name in ("released", "confirmed", "resent", "held"):
            self._progress.count(**{name: getattr(swept, name)})
        if swept.held:
            logger.warning("%s unconfirmed e-mails wait for evidence or a person", swept.held)

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
        gathering = Gathering(self._batch_size)
        with ThreadPoolExecutor(REQUESTS_IN_FLIGHT, thread_name_prefix="send") as pool:
            while self._goes_on() and (claimed := self.claim()):
                for letters in gathering.full_requests(self.compose(claimed)):
                    self._wait_for(REQUESTS_IN_FLIGHT)
                    self._in_flight.add(pool.submit(dispatcher.post, letters))
            if rest := gathering.rest():
                self._in_flight.add(pool.submit(dispatcher.post, rest))
            self._wait_for(0)

    def _goes_on(self) -> bool:
        if self._stopping.is_set():
            because = "The scheduler was stopped; the next run goes on from here."
            self._progress.stop(because, StopReason.INTERRUPTED)
        return not self._progress.stop_because

    def claim(self) -> list[ClaimedSend]:
        """Due e-mails of one step, ours until the lease ends. Empty: nothing is due."""
        claimed = self._engine.claim_due(
            self._lease.run,
            self._lease.token,
            limit=self._batch_size,
            lease_seconds=self._lease.seconds,
            now=self._clock(),
        )
        self._progress.count(claimed=len(claimed))
        return claimed

    def compose(self, claimed: Sequence[ClaimedSend]) -> list[Letter]:
        """Decide and render; what may not go now is put back with its reason."""
        self._desk.refresh_for(claimed[0].template_id)
        now = self._clock()
        letters, held, expired = self._writer.write(claimed, now=now)
        if held:
            self._engine.postpone(self._lease.run, held, now=now)
            self._progress.count(postponed=len(held))
            self._progress.postponed_until(min(p.until or now for p in held))
        if expired:
            self._engine.expire(self._lease.run, expired, now=now)
            self._progress.count(expired=len(expired))
        return letters

    def _wait_for(self, at_most: int) -> None:
        """Until at most so many are under way. A failed one ends the run, not the others."""
        while len(self._in_flight) > at_most:
            done, self._in_flight = wait(self._in_flight, return_when=FIRST_COMPLETED)
            for future in done:
                if error := future.exception():
                    # No traceback of a database error: the driver's words quote rows.
                    words = error if isinstance(error, DatabaseError) else type(error).__name__
                    logger.error("a request could not be written down: %s", words)
                    self._break_off(f"A request could not be written down: {words}")

    def _finish(self) -> dict[str, object]:
        now = self._clock()
        regular = now + timedelta(seconds=self._settings.drip_interval_seconds)
        early = (self._progress.wake_at, self._progress.opens_at)
        self.next_run_at = min([regular, *(moment for moment in early if moment and moment > now)])
        counts, error = dict(self._progress.counts), self._progress.stop_because
        self._engine.finish_run(
            self._lease.run, counts=counts, error=error, next_run_at=self.next_run_at, now=now
        )
        return {"run": self._lease.run, **counts, "error": error}


class DripThread(threading.Thread):
    """The loop beside the web app: a tick at the start, then hourly or when somebody asks."""

    def __init__(self, settings: Settings, *, poll_seconds: float = WAKE_POLL_SECONDS) -> None:
        super().__init__(name="drip", daemon=True)
        self._settings = settings
        self._poll_seconds = poll_seconds
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask the loop to end and wait for the requests under way."""
        self._stopping.set()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        trigger = "interval"
        with closing(make_sender(self._settings, wall_clock)) as sender:
            while not self._stopping.is_set():
                next_run_at = self._tick(sender, trigger)
                trigger = self._sleep_until(next_run_at)

    def _tick(self, sender: Sender, trigger: str) -> datetime:
        try:
            tick = Tick(DbService.for_service(), sender, self._settings, stopping=self._stopping)
            tick.run(trigger)
            return tick.next_run_at
        except DatabaseError as error:
            logger.error("the run failed, the next one is in %s: %s", AFTER_FAILURE, error)
        except Exception:  # the loop's boundary: whatever failed, the next tick tries again
            logger.exception("the run failed; the next one is in %s", AFTER_FAILURE)
        return wall_clock() + AFTER_FAILURE

    def _sleep_until(self, moment: datetime) -> str:
        """Wait for the next run; says what woke it."""
        while wall_clock() < moment and not self._stopping.wait(self._poll_seconds):
            try:
                if DbService.for_service().engine.take_run_request(now=wall_clock()):
                    return "requested"
                DbService.for_service().analytics.catch_up(parts=20)  # so that no page has to
            except Exception as error:  # noqa: BLE001 - the loop's boundary: asked again soon
                logger.warning("cannot ask for run requests or count: %s", type(error).__name__)
        return "interval"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Send what is due.")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--once", action="store_true", help="one run, then one JSON line of counts")
    how.add_argument("--loop", action="store_true", help="run hourly, without the web app")
    parser.add_argument(
        "--now", type=_moment, metavar="ISO", help="act as if it were then (UTC unless it says)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what is due")
    return parser.parse_args(arguments)


def _once(settings: Settings, now: datetime | None, stopping: threading.Event) -> dict[str, object]:
    clock = wall_clock if now is None else (lambda: now)
    with closing(make_sender(settings, clock)) as sender:
        return Tick(DbService.for_service(), sender, settings, clock=clock, stopping=stopping).run()


def _due(now: datetime) -> dict[str, object]:
    steps = DbService.for_service().engine.due_by_step(now=now)
    return {"dry_run": True, "due": sum(step["due"] for step in steps), "steps": steps}


def _loop(settings: Settings, stopping: threading.Event) -> None:
    thread = DripThread(settings)
    thread.start()
    stopping.wait()
    thread.stop()


def _stop_on_signal() -> threading.Event:
    """A request under way is finished and written down; killed there, it would be unconfirmed."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


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
        if wanted.dry_run:
            print(json.dumps(_due(wanted.now or wall_clock())))
            return 0
        stopping = _stop_on_signal()
        if wanted.loop:
            _loop(settings, stopping)
            return 0
        report = _once(settings, wanted.now, stopping)
        print(json.dumps(report))
        return 1 if report.get("error") else 0
    except (SettingsError, DatabaseError) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        disconnect()


if __name__ == "__main__":
    sys.exit(main())
