"""Pages as AppTest runs them, from the app's own script on a real database."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

import db_service
from crm.mail.outbox_sender import OutboxSender
from crm.mail.senders import Sender
from crm.settings import Settings, load_settings
from db_service import LOCAL_ADMIN_ID, DbService, signed_in
from drip_scheduler import Tick
from tests.conftest import Raw

MAIN = Path(__file__).resolve().parents[2] / "crm" / "ui" / "main.py"
OpenPage = Callable[..., AppTest]
RunScheduler = Callable[..., dict[str, object]]
TakeAway = Callable[[], None]


@pytest.fixture(scope="session", autouse=True)
def components_are_looked_for_once() -> Iterator[None]:
    """Every AppTest reads what every installed package says of itself; an app does so once."""
    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture
def settings(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The process's one connection leads to this test's database."""
    monkeypatch.setenv("DATABASE_URL", address)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("APP_SECRET_KEYS", "a-key-of-this-test-run-and-no-other")
    settings = load_settings(_env_file=None)
    db_service.connect(settings)
    yield settings
    db_service.disconnect()


@pytest.fixture
def admin(settings: Settings, raw: Raw) -> DbService:
    """The person the app acts as without sign-in. Contacts may be e-mailed around the clock."""
    raw.execute(
        "insert into profiles (id, email, full_name, role) values (%s, %s, %s, 'admin')"
        " on conflict (id) do update set full_name = excluded.full_name",
        (LOCAL_ADMIN_ID, "local@mpt.example", "Morgan Local"),
    )
    raw.execute(
        "update drip_campaigns set window_days = '{1,2,3,4,5,6,7}', window_start = '00:00',"
        " window_end = '00:00', respect_holidays = false"
    )
    return DbService.for_user(signed_in(LOCAL_ADMIN_ID))


@pytest.fixture
def open_page(admin: DbService) -> OpenPage:
    """Opens the contacts page, or another by its file's name, as a URL with this query would."""

    def open_(page: str = "02_Contacts", **query: str) -> AppTest:
        app = AppTest.from_file(MAIN, default_timeout=30)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        return app.switch_page(f"../../pages/{page}.py").run()

    return open_


@pytest.fixture
def take_database_away(settings: Settings) -> TakeAway:
    """From then on no page of this test reaches its database."""

    def take_away() -> None:
        direct = db_service.connect(settings).direct
        assert direct is not None
        direct.close()

    return take_away


@pytest.fixture
def run_scheduler(settings: Settings, tmp_path: Path) -> RunScheduler:
    """One tick a moment from now, through the local outbox or the given sender."""
    outbox = OutboxSender(tmp_path / "outbox", clock=_soon)

    def run(sender: Sender = outbox) -> dict[str, object]:
        addressed = settings.model_copy(
            update={"mail_postal_address": "1 Main Street, Springfield"}
        )
        return Tick(DbService.for_service(), sender, addressed, clock=_soon).run()

    return run


def _soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


def shown(app: AppTest) -> str:
    """All the words on the page, for assertions about what a person reads."""
    assert not app.exception, [element.value for element in app.exception]
    texts = [
        str(getattr(element, "value", ""))
        for kind in (
            "title",
            "subheader",
            "markdown",
            "caption",
            "info",
            "error",
            "warning",
        )
        for element in app.get(kind)
    ]
    # A toast is Markdown with every sign escaped: here it reads nearly as on the screen.
    texts += [re.sub(r"\\([^\w\s\[\]*`])", r"\1", toast.value) for toast in app.toast]
    texts += [str(block.proto.body) for block in app.get("html")]
    texts += [table.value.to_string() for table in app.dataframe]
    texts += [str(badge.proto) for badge in app.get("badge")]
    return "\n".join(texts)
