"""A folder for what a run throws away, databases above all: in memory, where there is room."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ROOM_NEEDED = 2 * 1024**3  # bytes


@contextmanager
def quick_folder(prefix: str) -> Iterator[Path]:
    """Not pytest's own folder: a second run tightens its rights, and the server is another user."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_NEEDED
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=_MEMORY if roomy else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
