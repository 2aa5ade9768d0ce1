"""Check that nobody wrote over the audit log: walk its hash chain from the first entry to the last.

`python scripts/verify_audit.py [--expect HEAD] [--json]`
Each entry carries a number without a gap and the hash of the entry before it, so whatever is
changed, taken out or put in breaks the chain. Two things it cannot show by itself: the newest
entries cut off, and the whole chain written anew from some entry on by who owns the database. Both
show beside a head noted earlier, so keep the head this prints somewhere else (a mail, a ticket, a
backup's protocol) and give it with --expect the next time: a log that only grew still holds it.
Exit status: 0 when the chain is whole, 1 when it is broken or lacks the expected head, 2 when it
could not be checked.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

# Scripts run from anywhere as `python scripts/x.py`; the project root holds the packages.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crm.records.audit import ChainState
from db_service import DatabaseError, DbService, SettingsError, disconnect

_PROBLEMS = {
    "missing": "entry {} is missing",
    "changed": "entry {} is not as it was written",
    "added": "entry {} does not follow from the one before it",
    "cut_off": "the expected head is nowhere in it: the newest entries were cut off, or the chain"
    " was written anew",
}


def _head(text: str) -> str:
    """An argparse type: a SHA-256 in hexadecimal, as this script prints it."""
    head = text.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", head):
        raise argparse.ArgumentTypeError("a head is 64 hexadecimal digits, as printed before")
    return head


def _sentence(state: ChainState) -> str:
    entries = f"{state.entries:,} {'entry' if state.entries == 1 else 'entries'}"
    if state.is_whole:
        return f"{entries}, chain whole, head {state.head or '(the log is empty)'}"
    return f"{entries}, chain broken: {_PROBLEMS[state.problem].format(state.broken_at)}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--expect", type=_head, metavar="HEAD", help="noted earlier")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a line")
    wanted = parser.parse_args()
    try:
        state = DbService.for_service().audit.verify(expected=wanted.expect or "")
    except (SettingsError, DatabaseError) as error:
        if wanted.json:
            print(json.dumps({"ok": False, "error": str(error)}))
        else:
            print(error, file=sys.stderr)
        return 2
    finally:
        disconnect()
    if wanted.json:
        print(json.dumps({"ok": state.is_whole} | asdict(state)))
    else:
        print(_sentence(state))
    return 0 if state.is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
