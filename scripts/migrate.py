"""Bring the database up to date: `python scripts/migrate.py [--status]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# Scripts run from anywhere as `python scripts/x.py`; the project root holds the packages.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crm.database.embedded import EmbeddedServer
from crm.database.errors import DatabaseError
from crm.database.migrations import all_migrations, applied_versions, migrate
from crm.settings import Settings, SettingsError, load_settings


def _address(settings: Settings) -> tuple[str, EmbeddedServer | None]:
    if settings.is_embedded:
        server = EmbeddedServer.start(settings.data_dir)
        return server.address(), server
    address = settings.database_url.get_secret_value()
    if not address:
        raise SettingsError(
            "DATABASE_URL: not set. Migrations need a direct connection; or paste migrations/*.sql "
            "into the SQL editor in order."
        )
    return address, None


def _print_status(address: str) -> None:
    applied = applied_versions(address)
    for migration in all_migrations():
        print(f"{'applied' if migration.version in applied else 'pending':8} {migration.title}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--status", action="store_true", help="list migrations, change nothing")
    wanted = parser.parse_args()
    server = None
    try:
        address, server = _address(load_settings())
        if wanted.status:
            _print_status(address)
            return 0
        done = migrate(address)
        for migration in done:
            print(f"applied {migration.title}")
        print(f"{len(done)} migration(s) applied; the database is up to date.")
    except (SettingsError, DatabaseError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if server:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
