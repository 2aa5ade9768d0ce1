"""Change the order of a campaign's e-mails, or take one out.

`python scripts/reorder_steps.py CAMPAIGN STEP STEP …` names every published step once, in the
order wanted; `python scripts/reorder_steps.py CAMPAIGN --retire STEP` takes one out. Nobody
receives an e-mail again. Move or delete the file of `templates/` too, or the next
scripts/populate_drip_templates.py goes back to the files. Exit status: 2 when it was refused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

# Scripts run from anywhere as `python scripts/x.py`; the project root holds the packages.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from db_service import DatabaseError, DbService, SettingsError, disconnect


class RefusedError(Exception):
    """What was asked for cannot be done; the words are for the operator."""


def reorder_steps(service: DbService, key: str, steps: Sequence[int], *, now: datetime) -> str:
    """Put them in this order; the line to print. Raises RefusedError."""
    campaign, present = _published(service, key)
    if sorted(steps) != sorted(present):
        raise RefusedError(f"name every published step of {key} once: {_told(present)}")
    service.templates.reorder(campaign, steps, now=now)
    return f"{key}: {_told(steps)}"


def retire_step(service: DbService, key: str, step: int, *, now: datetime) -> str:
    """Take it out; the line to print. Raises RefusedError."""
    campaign, present = _published(service, key)
    if step not in present:
        raise RefusedError(f"{key} has no published step {step}; it has {_told(present)}")
    waiting = service.templates.retire(campaign, step, now=now)
    return f"{key}: step {step} retired; {waiting} contact(s) waited for it and go on without it"


def _published(service: DbService, key: str) -> tuple[str, list[int]]:
    campaigns = {c.key: c.id for c in service.campaigns.all_rules() if c.key}
    if key not in campaigns:
        raise RefusedError(f"there is no campaign {key}; known are {', '.join(sorted(campaigns))}")
    wanted = campaigns[key]
    return wanted, [v.step for v in service.templates.published() if v.campaign_id == wanted]


def _told(steps: Sequence[int]) -> str:
    return " ".join(str(step) for step in steps) or "none"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("campaign", metavar="CAMPAIGN", help="networking, lead, prospect, client")
    parser.add_argument("steps", metavar="STEP", type=int, nargs="*", help="in the order wanted")
    parser.add_argument("--retire", metavar="STEP", type=int, help="take this e-mail out")
    return parser.parse_args()


def main() -> int:
    wanted = _arguments()
    now = datetime.now(UTC)
    try:
        if (wanted.retire is None) != bool(wanted.steps):
            raise RefusedError("give either the steps in their new order or --retire STEP")
        service = DbService.for_service()
        if wanted.retire is None:
            print(reorder_steps(service, wanted.campaign, wanted.steps, now=now))
        else:
            print(retire_step(service, wanted.campaign, wanted.retire, now=now))
    except (RefusedError, SettingsError, DatabaseError) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        disconnect()
    return 0


if __name__ == "__main__":
    sys.exit(main())
