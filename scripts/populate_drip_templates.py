"""Load templates/ into the database as published versions; `--dry-run` prints the diff.

A step is an e-mail's number for life, whatever place it has. A new one goes to the end of its
campaign; scripts/reorder_steps.py moves e-mails and takes them out. Exit status: 1 when it cannot
be done, 2 when a text would reach people a second time; then nothing is published.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

# Scripts run from anywhere as `python scripts/x.py`; the project root holds the packages.
PROJECT_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_ROOT))

from crm.drip.compile import compile_template
from crm.drip.template_source import CAMPAIGNS, TemplateError, TemplateSource, load_library
from db_service import (
    DatabaseError,
    DbService,
    SettingsError,
    TemplateDraft,
    TemplateVersion,
    disconnect,
)

LIBRARY = PROJECT_ROOT / "templates"


class RefusedError(Exception):
    """The library would send people an e-mail again."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What becomes of one campaign. `drafts` stand in the files' order, `published` in today's;
    `known` are all versions there ever were."""

    key: str
    drafts: tuple[TemplateDraft, ...]
    published: tuple[TemplateVersion, ...]
    known: tuple[TemplateVersion, ...]

    @property
    def order(self) -> list[int]:
        """The steps as the files have them, and behind them what has no file."""
        return [d.step for d in self.drafts] + [old.step for old in self.without_file]

    @property
    def without_file(self) -> list[TemplateVersion]:
        steps = {draft.step for draft in self.drafts}
        return [old for old in self.published if old.step not in steps]

    @property
    def is_in_another_order(self) -> bool:
        present = [old.step for old in self.published]
        # What is published anew stands at the end at first.
        then = present + [d.step for d in self.drafts if d.step not in present]
        mine = [step for step in then if step in {d.step for d in self.drafts}]
        return mine != [d.step for d in self.drafts]


def _draft(source: TemplateSource, campaign_id: str, layout: str) -> TemplateDraft:
    compiled = compile_template(source, layout).to_json()
    # The hash covers what a recipient sees and when: text, delay, layout and the compiler's work.
    timing = [source.delay_days, source.expires_after_days]
    content = json.dumps([source.name, timing, source.body, compiled], sort_keys=True)
    return TemplateDraft(
        campaign_id=campaign_id,
        step=source.step,
        name=source.name,
        subject=source.subject,
        preheader=source.preheader,
        body=source.body,
        delay_days=source.delay_days,
        expires_after_days=source.expires_after_days,
        content_hash=hashlib.sha256(content.encode()).hexdigest(),
        compiled=compiled,
    )


def _changes(service: DbService, folder: Path) -> list[_Change]:
    """By campaign of the library, every e-mail compiled; raises before anything is published."""
    layout = (folder / "layout.html").read_text()
    ids = {c.key: c.id for c in service.campaigns.all_rules()}
    library, known = load_library(folder), service.templates.ever_published()
    changes = []
    for key in CAMPAIGNS:
        drafts = tuple(_draft(s, ids[key], layout) for s in library if s.campaign == key)
        versions = tuple(old for old in known if old.campaign_id == ids[key])
        today = tuple(old for old in versions if old.status == "published")
        changes.append(_Change(key, drafts, today, versions))
    for change in changes:
        _refuse_a_renumbered_text(change)
    return changes


def _refuse_a_renumbered_text(change: _Change) -> None:
    """Sends are remembered by step: under another one the same text would be sent again."""
    steps_of: dict[str, set[int]] = {}
    for old in change.known:
        steps_of.setdefault(_words(old.body), set()).add(old.step)
    for draft in change.drafts:
        steps = steps_of.get(_words(draft.body), set())
        if steps and draft.step not in steps:
            raise RefusedError(
                f"the e-mail of step {draft.step} of {change.key} was published as step "
                f"{min(steps)}; keep its step number when you move it"
            )


def _words(body: str) -> str:
    """The text as compared: however it is wrapped, cased or composed."""
    return " ".join(unicodedata.normalize("NFKC", body).casefold().split())


def _print_diff(old: TemplateVersion | None, new: TemplateDraft) -> None:
    before = f"Subject: {old.subject}\n\n{old.body}" if old else ""
    after = f"Subject: {new.subject}\n\n{new.body}"
    title = f"{new.name} (step {new.step})"
    lines = difflib.unified_diff(
        before.splitlines(),
        after.splitlines(),
        f"published: {title}",
        f"templates/: {title}",
        lineterm="",
    )
    print("\n".join(lines) or f"{title}: the text is the same; layout, delay or compiler changed")


def populate(service: DbService, folder: Path, *, dry_run: bool, now: datetime) -> Counter[str]:
    """Bring the library in; counts `published` and `unchanged` e-mails.

    Order and number of what is published already are an admin's business: where the files differ,
    it says so. Raises TemplateError or RefusedError before anything is published.
    """
    counts: Counter[str] = Counter()
    for change in _changes(service, folder):
        _publish(service, change, counts, dry_run=dry_run, now=now)
        for old in change.without_file:
            print(
                f"{change.key}: step {old.step} ({old.name}) has no file; to take it out: "
                f"scripts/reorder_steps.py {change.key} --retire {old.step}"
            )
        if change.is_in_another_order:
            print(
                f"{change.key}: the files stand in another order; to follow them: "
                f"scripts/reorder_steps.py {change.key} {_told(change.order)}"
            )
    return counts


def _publish(
    service: DbService, change: _Change, counts: Counter[str], *, dry_run: bool, now: datetime
) -> None:
    published = {old.step: old for old in change.published}
    for draft in change.drafts:
        old = published.get(draft.step)
        if old is not None and old.content_hash == draft.content_hash:
            counts["unchanged"] += 1
            continue
        counts["published"] += 1
        if dry_run:
            _print_diff(old, draft)
        else:
            service.templates.publish(draft, now=now)


def _told(steps: Sequence[int]) -> str:
    return " ".join(str(step) for step in steps)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="print what would change")
    parser.add_argument("--folder", type=Path, default=LIBRARY, help="where the library is")
    wanted = parser.parse_args()
    try:
        service = DbService.for_service()
        counts = populate(service, wanted.folder, dry_run=wanted.dry_run, now=datetime.now(UTC))
    except (SettingsError, DatabaseError, TemplateError) as error:
        print(error, file=sys.stderr)
        return 1
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        disconnect()
    verb = "would be published" if wanted.dry_run else "published"
    print(f"{counts['published']} e-mail(s) {verb}, {counts['unchanged']} unchanged.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
