"""Pages as AppTest runs them, from the app's own script on a real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import db_service
from crm.settings import load_settings
from crm.ui.session import LOCAL_ADMIN
from db_service import DbService, signed_in
from tests.conftest import Raw

MAIN = Path(__file__).resolve().parents[2] / "crm" / "ui" / "main.py"
OpenPage = Callable[..., AppTest]


@pytest.fixture
def settings(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process's one connection leads to this test's database."""
    monkeypatch.setenv("DATABASE_URL", address)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    db_service.connect(load_settings(_env_file=None))
    yield
    db_service.disconnect()


@pytest.fixture
def admin(settings: None, raw: Raw) -> DbService:
    """The person the app acts as without sign-in."""
    raw.execute(
        "insert into profiles (id, email, full_name, role) values (%s, %s, %s, 'admin')"
        " on conflict (id) do nothing",
        (LOCAL_ADMIN, "local@mpt.example", "Morgan Local"),
    )
    return DbService.for_user(signed_in(LOCAL_ADMIN))


@pytest.fixture
def open_page(admin: DbService) -> OpenPage:
    """Opens a page ("campaigns", or the contacts page without a name), as the URL would."""

    def open_(page: str = "", **query: str) -> AppTest:
        app = AppTest.from_file(MAIN, default_timeout=30)
        for name, value in query.items():
            app.query_params[name] = value
        if page:
            app.run()
            app.switch_page(page)
        return app.run()

    return open_
