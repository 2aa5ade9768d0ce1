"""Check the database: schema, row-level security, e-mail counts, strays, invariants, open doors.

Works over a direct connection and over Supabase's REST API alike. Exit status 1 and a named list
when anything is off; `--json` for programs.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

# Scripts run from anywhere as `python scripts/x.py`; the project root holds the packages.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crm.database.gateway import SERVICE
from crm.database.health_checks import Finding, HealthReport, check_health
from db_service import UNCONFIRMED, DatabaseError, SettingsError, connect, disconnect

_PLURALS = {
    "index": "indexes",
    "policy": "policies",
    "stray": "queries for strays",
    "invariant": "invariants",
    "exposed": "queries for open doors",
    "lint": "rules of linting",
    "row-level security": "tables with row-level security on",
    "forced row-level security": "tables with row-level security forced",
    "published e-mails of a campaign": "campaigns with their published e-mails",
}


def _print_for_people(report: HealthReport) -> None:
    for kind, count in report.checked.items():
        print(f"  {count:4} {_PLURALS.get(kind, kind + 's')} checked")
    if report.is_healthy:
        print("All is well.")
        return
    print(f"\n{len(report.findings)} thing(s) off:")
    for finding in report.findings:
        print(f"  - {finding}")


def _print_for_programs(report: HealthReport) -> None:
    answer = {
        "ok": report.is_healthy,
        "checked": dict(report.checked),
        "findings": [asdict(finding) for finding in report.findings],
    }
    print(json.dumps(answer, indent=2))


def _print_failure(error: Exception, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"ok": False, "error": str(error)}))
    else:
        print(error, file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    as_json = parser.parse_args().json
    try:
        connection = connect()
        report = check_health(connection.gateway(SERVICE), connection.address)
        if not connection.vouches_for_addresses():
            finding = Finding("sign-in", "addresses", UNCONFIRMED)
            report = replace(report, findings=(*report.findings, finding))
    except (SettingsError, DatabaseError) as error:
        _print_failure(error, as_json=as_json)
        return 1
    finally:
        disconnect()
    if as_json:
        _print_for_programs(report)
    else:
        _print_for_people(report)
    return 0 if report.is_healthy else 1


if __name__ == "__main__":
    sys.exit(main())
