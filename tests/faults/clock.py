"""One simulated clock for all processes of a fault run: eight bytes in a shared file."""

from __future__ import annotations

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

_SECONDS = struct.Struct("<d")
_FILE = "clock"


class SharedClock:
    """Seconds since 1970 in `folder`/clock, mapped into whoever reads it. Only one process sets it:
    leases, the grace of the evidence and whole weeks then pass as fast as work allows."""

    def __init__(self, folder: Path) -> None:
        with (folder / _FILE).open("r+b") as file:
            self._bytes = mmap.mmap(file.fileno(), _SECONDS.size)

    @classmethod
    def create(cls, folder: Path, start: datetime) -> SharedClock:
        (folder / _FILE).write_bytes(_SECONDS.pack(start.timestamp()))
        return cls(folder)

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.fromtimestamp(_SECONDS.unpack_from(self._bytes)[0], UTC)

    def set(self, moment: datetime) -> None:
        _SECONDS.pack_into(self._bytes, 0, moment.timestamp())

    def advance(self, by: timedelta) -> datetime:
        self.set(self.now() + by)
        return self.now()
