"""Import a contact file from the shell: the same code as the page.

`python scripts/import_contacts.py FILE.csv [--type lead] [--enroll] [--on-duplicate skip]`
Rows that cannot be imported go into FILE.rejects.csv, each with its row number and the reason.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

# Scripts run from anywhere as `python scripts/x.py`; the project root holds the packages.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tqdm import tqdm

from crm.contact_import import ContactImport, ImportChoices
from crm.imports.columns import recognise
from crm.imports.encoding import ImportFileError
from crm.imports.reader import ContactFile, open_contact_file
from crm.imports.rejects import write_rejects
from db_service import DatabaseError, DbService, SettingsError, disconnect


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--type", help="give every contact this type, whatever the file says")
    parser.add_argument("--enroll", action="store_true", help="start the campaign of their type")
    parser.add_argument("--on-duplicate", choices=("update", "skip"), default="update")
    parser.add_argument("--rejects", type=Path, help="where rejected rows go")
    return parser.parse_args()


def _choices(wanted: argparse.Namespace, file: ContactFile, service: DbService) -> ImportChoices:
    types = frozenset(t.key for t in service.contacts.types())
    if wanted.type and wanted.type not in types:
        raise SettingsError(f"--type {wanted.type}: unknown; known are {', '.join(sorted(types))}.")
    mapping = recognise(file.headers)
    if wanted.type:
        mapping = {h: None if f == "contact_type" else f for h, f in mapping.items()}
    return ImportChoices(
        mapping=mapping,
        known_types=types,
        default_type=wanted.type,
        default_country=service.app_settings.sending_rules().default_country,
        on_duplicate=wanted.on_duplicate,
        enroll=wanted.enroll,
    )


def _run(importing: ContactImport, file: ContactFile) -> None:
    with tqdm(total=file.row_count_estimate, unit=" rows", disable=None) as bar:
        for read in importing.run(now=datetime.now(UTC)):
            bar.update(read - bar.n)


def _write_rejects(importing: ContactImport, file: ContactFile, path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        count = write_rejects(out, file.headers, importing.rejected())
    print(f"{count:,} rejected row(s) with their reasons: {path}")


def main() -> int:
    wanted = _arguments()
    try:
        file = open_contact_file(wanted.file)
        service = DbService.for_service()
        importing = ContactImport(file, _choices(wanted, file, service), service.contact_imports)
        print(
            f"{wanted.file.name}: {importing.source}, {file.encoding}, about "
            f"{file.row_count_estimate:,} rows"
        )
        _run(importing, file)
        summary = importing.summary
        print("  ".join(f"{name} {count:,}" for name, count in asdict(summary).items()))
        if summary.rejected:
            rejects = wanted.rejects or wanted.file.with_suffix(".rejects.csv").name
            _write_rejects(importing, file, Path(rejects))
    except (SettingsError, DatabaseError, ImportFileError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        disconnect()
    return 0


if __name__ == "__main__":
    sys.exit(main())
