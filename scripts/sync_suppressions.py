"""Compare our suppression list with SendGrid's; with --apply, settle what differs.

`python scripts/sync_suppressions.py [--apply] [--json]`
Settling only ever adds: whoever one side may not write to, neither may afterwards. Exit status: 0
when both agree, 1 when they differ, 2 when they could not be compared.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

# Scripts run from anywhere as `python scripts/x.py`; the project root holds the packages.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tqdm import tqdm

from crm.settings import load_settings
from crm.suppression_sync import (
    Drift,
    Settled,
    SuppressionListsError,
    find_drift,
    masked,
    settle_drift,
    suppression_client,
)
from db_service import DatabaseError, DbService, SettingsError, connect, disconnect

SHOWN = 10


def _compare(*, apply: bool) -> tuple[Drift, Settled | None]:
    settings = load_settings()
    with (
        suppression_client(settings) as client,
        tqdm(unit=" addresses", disable=None, leave=False) as bar,
    ):

        def progress(doing: str, addresses: int) -> None:
            bar.set_description(doing, refresh=False)
            bar.update(addresses)

        connect(settings)
        service = DbService.for_service()
        drift = find_drift(service, client, progress=progress)
        if not apply:
            return drift, None
        now = datetime.now(UTC)
        return drift, settle_drift(service, client, drift, now, progress=progress)


def _report(drift: Drift, settled: Settled | None) -> dict[str, object]:
    return {
        "ok": not drift or settled is not None,
        "only_at_sendgrid": len(drift.only_there),
        "reasons": drift.reasons_there(),
        "only_here": len(drift.only_here),
        "examples_at_sendgrid": [masked(email) for email in sorted(drift.only_there)[:SHOWN]],
        "examples_here": [masked(email) for email in drift.only_here[:SHOWN]],
        "added_here": settled.added_here if settled else 0,
        "added_at_sendgrid": settled.added_there if settled else 0,
    }


def _print_for_people(drift: Drift, settled: Settled | None) -> None:
    reasons = ", ".join(f"{name} {count:,}" for name, count in drift.reasons_there().items())
    print(f"Only at SendGrid: {len(drift.only_there):,}" + (f" ({reasons})" if reasons else ""))
    _print_examples(sorted(drift.only_there))
    print(f"Only here:        {len(drift.only_here):,}")
    _print_examples(drift.only_here)
    if not drift:
        print("Both lists agree.")
    elif settled:
        print(f"Added {settled.added_here:,} here and {settled.added_there:,} at SendGrid.")
    else:
        print("Run it again with --apply to add them on both sides; nothing is ever lifted.")


def _print_examples(addresses: list[str] | tuple[str, ...]) -> None:
    for address in addresses[:SHOWN]:
        print(f"  {masked(address)}")
    if len(addresses) > SHOWN:
        print(f"  and {len(addresses) - SHOWN:,} more")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apply", action="store_true", help="settle what differs")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    wanted = parser.parse_args()
    try:
        drift, settled = _compare(apply=wanted.apply)
    except (SettingsError, DatabaseError, SuppressionListsError) as error:
        if wanted.json:
            print(json.dumps({"ok": False, "error": str(error)}))
        else:
            print(error, file=sys.stderr)
        return 2
    finally:
        disconnect()
    report = _report(drift, settled)
    if wanted.json:
        print(json.dumps(report))
    else:
        _print_for_people(drift, settled)
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
