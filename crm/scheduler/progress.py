"""What one run has done so far, and why it ends before everything due was sent."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class StopReason(StrEnum):
    """Why a run ends early; the value is what drip_decisions stores for what it puts back."""

    PROVIDER = "provider_unreachable"
    HALTED = "sending_halted"
    INTERRUPTED = "lease_expired"


@dataclass(frozen=True, slots=True)
class Lease:
    """Under which run and token this tick claims, hands over and settles, and for how long."""

    run: int
    token: str
    seconds: int


class Progress:
    """Counts and the reason to end the run, shared by the threads of one tick."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.stop_because = ""
        self.stop_reason = StopReason.INTERRUPTED
        self.wake_at: datetime | None = None
        self.opens_at: datetime | None = None
        self._lock = threading.Lock()

    def count(self, **numbers: int) -> None:
        with self._lock:
            self.counts.update(numbers)

    def postponed_until(self, moment: datetime) -> None:
        """Remembers the earliest: a window shorter than the interval must not be slept through."""
        with self._lock:
            self.opens_at = min(moment, self.opens_at or moment)

    def stop(self, because: str, reason: StopReason, *, wake_at: datetime | None = None) -> None:
        """The first reason stands; the run ends after what is in flight.

        `wake_at` (aware UTC): when going on makes sense; None: the regular next run.
        """
        with self._lock:
            if not self.stop_because:
                self.stop_because, self.stop_reason = because, reason
            self.wake_at = self.wake_at or wake_at
