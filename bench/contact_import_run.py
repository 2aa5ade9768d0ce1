"""Measured program: the import of the contact file `text` names, as page and script do it."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.measuring import NOW, Job, measured, peak_memory_mb, report
from crm.contact_import import ContactImport, ImportChoices
from crm.database.gateway import SERVICE
from crm.database.postgres import PostgresDatabase
from crm.imports.columns import recognise
from crm.imports.reader import open_contact_file
from crm.records.contact_imports import ContactImportRecords, ImportedRow


class TimedImports(ContactImportRecords):
    """Notes how long storing took; the rest of an import is reading and cleaning."""

    seconds = 0.0

    def store(self, *rows: Any, **choices: Any) -> list[ImportedRow]:
        started = time.perf_counter()
        stored = super().store(*rows, **choices)
        self.seconds += time.perf_counter() - started
        return stored


def import_file(path: Path, imports: TimedImports) -> dict[str, int]:
    file = open_contact_file(path)
    choices = ImportChoices(
        mapping=recognise(file.headers),
        known_types=frozenset({"networking", "lead", "prospect", "client"}),
    )
    importing = ContactImport(file, choices, imports)
    for _ in importing.run(now=NOW):
        pass
    return asdict(importing.summary)


def main() -> None:
    job = Job.from_command_line()
    database = PostgresDatabase(job.address)
    imports = TimedImports(database.gateway(SERVICE))
    with measured(job.postmaster) as meter:
        summary = import_file(Path(job.text), imports)
    database.close()
    report(
        wall=meter.usage.wall,
        storing=imports.seconds,
        own_cpu=meter.usage.own_cpu,
        postgres_cpu=meter.usage.postgres_cpu,
        peak_memory_mb=peak_memory_mb(),
        summary=summary,
    )


if __name__ == "__main__":
    main()
