"""Who may import whom, for the modules outside packages (import-linter sees packages only)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
OWN = {"crm", "db_service", "drip_scheduler", "app", "scripts", "tests", "bench"}
MAY_IMPORT = {
    "app.py": {"crm.web", "crm.settings", "db_service", "drip_scheduler", "streamlit", "starlette"},
    "db_service.py": {"crm.records", "crm.database", "crm.settings"},
    "drip_scheduler.py": {"crm.drip", "crm.mail", "crm.scheduler", "crm.settings", "db_service"},
    "pages": {"crm.ui", "crm.drip", "db_service", "streamlit"},
}


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _strangers(path: Path, allowed: set[str]) -> set[str]:
    guarded = OWN | {"streamlit", "psycopg", "httpx", "sendgrid"}
    return {
        name
        for name in _imports(path)
        if name.partition(".")[0] in guarded
        and not any(
            name == a or name.startswith(f"{a}.") or a.startswith(f"{name}.") for a in allowed
        )
    }


@pytest.mark.parametrize("module", ["app.py", "db_service.py", "drip_scheduler.py"])
def test_a_loose_module_imports_only_what_the_design_allows(module: str) -> None:
    assert _strangers(ROOT / module, MAY_IMPORT[module]) == set()


@pytest.mark.parametrize("page", sorted((ROOT / "pages").glob("*.py")), ids=lambda p: p.stem)
def test_a_page_imports_only_what_the_design_allows(page: Path) -> None:
    assert _strangers(page, MAY_IMPORT["pages"]) == set()


def test_a_page_that_reached_for_the_database_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.py"
    page.write_text("from crm.database.postgres import PostgresDatabase\nimport psycopg\n")
    assert "psycopg" in _strangers(page, MAY_IMPORT["pages"])
    assert "crm.database.postgres" in _strangers(page, MAY_IMPORT["pages"])


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        path.relative_to(ROOT)
        for path in [
            *ROOT.glob("*.py"),
            *(ROOT / "crm").rglob("*.py"),
            *(ROOT / "pages").glob("*.py"),
        ]
        if "os.environ" in path.read_text() or "os.getenv" in path.read_text()
    ]
    assert readers == []


def test_the_engine_and_the_records_never_ask_for_the_time() -> None:
    askers = [
        path.relative_to(ROOT)
        for folder in ("crm/drip", "crm/records")
        for path in (ROOT / folder).rglob("*.py")
        if "datetime.now(" in path.read_text() or "utcnow(" in path.read_text()
    ]
    assert askers == []
