"""Judges again which opens and clicks were machines', after the rules in the database improved.

python scripts/rescore_events.py [--since 2026-01-01]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from db_service import DatabaseError, DbService, SettingsError, disconnect


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 without settings or database."""
    parser = argparse.ArgumentParser(description="Judge opens and clicks by today's rules.")
    parser.add_argument(
        "--since", type=_day, default=datetime(2000, 1, 1, tzinfo=UTC), metavar="DATE (UTC)"
    )
    since = parser.parse_args(arguments).since
    try:
        changed = DbService.for_service().events.rescore(since=since)
    except (SettingsError, DatabaseError) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        disconnect()
    print(f"{changed:,} opens and clicks changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
