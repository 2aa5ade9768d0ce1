"""Load templates/ into the database as published versions; `--dry-run` prints the diff."""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

# Scripts run from anywhere as `python scripts/x.py`; the project root holds the packages.
PROJECT_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_ROOT))

from crm.drip.compile import compile_template
from crm.drip.template_source import TemplateError, TemplateSource, load_library
from db_service import (
    DatabaseError,
    DbService,
    SettingsError,
    TemplateDraft,
    TemplateVersion,
    disconnect,
)

LIBRARY = PROJECT_ROOT / "templates"


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


def _drafts(service: DbService, folder: Path) -> list[TemplateDraft]:
    """Every e-mail of the library, compiled; raises TemplateError before anything is published."""
    layout = (folder / "layout.html").read_text()
    campaigns = {c.key: c.id for c in service.campaigns.all_rules()}
    return [_draft(s, campaigns[s.campaign], layout) for s in load_library(folder)]


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
    """Publish what changed; counts `published` and `unchanged`."""
    published = {(v.campaign_id, v.step): v for v in service.templates.published()}
    counts: Counter[str] = Counter()
    for draft in _drafts(service, folder):
        old = published.get((draft.campaign_id, draft.step))
        if old is not None and old.content_hash == draft.content_hash:
            counts["unchanged"] += 1
            continue
        counts["published"] += 1
        if dry_run:
            _print_diff(old, draft)
        else:
            service.templates.publish(draft, now=now)
    return counts


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
    finally:
        disconnect()
    verb = "would be published" if wanted.dry_run else "published"
    print(f"{counts['published']} e-mail(s) {verb}, {counts['unchanged']} unchanged.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
