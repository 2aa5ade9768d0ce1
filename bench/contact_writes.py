"""Many contacts at once: a file of them, and one INSERT that enrolls everybody it adds."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.cluster import Cluster
from bench.measuring import Job, run_child
from bench.population import COLUMNS, People, prepare
from bench.timing import milliseconds_of

LIBRARY = "library"
HEADERS = {
    "first_name": "First Name",
    "last_name": "Last Name",
    "email": "Email",
    "phone": "Phone",
    "company_name": "Company",
    "job_title": "Job Title",
    "industry": "Industry",
    "contact_type": "Contact type",
    "city": "City",
    "country": "Country",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactWrites:
    """One round."""

    import_rows: int
    import_seconds: float
    storing_seconds: float
    import_peak_memory_mb: float
    inserted: int
    insert_seconds: float
    insert_and_enroll_seconds: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def populate_library(cluster: Cluster) -> None:
    """A database with campaigns and e-mails, and no contacts."""
    prepare(cluster.new_crm_database(LIBRARY))


def measure_contact_writes(cluster: Cluster, *, rows: int, inserted: int) -> ContactWrites:
    """Raises RuntimeError if a row of the file was not imported."""
    with cluster.copy_of(LIBRARY) as address, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "contacts.csv"
        _write_file(path, rows)
        job = Job(address=address, postmaster=cluster.postmaster, text=str(path))
        found = run_child("bench.contact_import_run", job)
    if found["summary"]["imported"] != rows:
        raise RuntimeError(f"Not every row was imported: {found['summary']}")
    with cluster.copy_of(LIBRARY) as address:
        alone = _insert(address, inserted, enroll=False)
    with cluster.copy_of(LIBRARY) as address:
        enrolling = _insert(address, inserted, enroll=True)
    return ContactWrites(
        import_rows=rows,
        import_seconds=found["wall"],
        storing_seconds=found["storing"],
        import_peak_memory_mb=found["peak_memory_mb"],
        inserted=inserted,
        insert_seconds=alone,
        insert_and_enroll_seconds=enrolling,
    )


def _write_file(path: Path, rows: int) -> None:
    """A file that names its columns as exports do."""
    wanted = [COLUMNS.index(name) for name in HEADERS]
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(HEADERS.values())
        for person in People()(rows):
            writer.writerow([person[i] for i in wanted])


def _insert(address: str, count: int, *, enroll: bool) -> float:
    """Seconds of one INSERT … SELECT, triggers included.

    Raises:
        RuntimeError: if not everybody (or anybody, without `enroll`) was enrolled.
    """
    columns = ", ".join(COLUMNS)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            f"create temporary table arrivals as select {columns} from contacts limit 0"
        )
        with connection.cursor().copy(f"copy arrivals ({columns}) from stdin") as copy:
            for person in People()(count):
                copy.write_row(person)
        connection.execute("analyze arrivals")
        connection.execute(
            "select set_config('mpt.auto_enroll', %s, false)", ("on" if enroll else "off",)
        )
        insert = f"insert into contacts ({columns}) select {columns} from arrivals"
        milliseconds = milliseconds_of(lambda: connection.execute(insert))
        enrolled = connection.execute("select count(*) from campaign_enrollments").fetchone()
    if enrolled != (count if enroll else 0,):
        raise RuntimeError(f"{enrolled} enrollments after adding {count} contacts.")
    return milliseconds / 1000
