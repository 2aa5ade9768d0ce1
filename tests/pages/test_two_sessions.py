"""A sales person and an admin in one process: whoever comes first, neither sees through the other's
eyes. Over a direct connection, and over Supabase's REST API with a token each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import db_service
from crm.database.gateway import Gateway
from crm.database.supabase_auth import SupabaseAuth, SupabaseSession
from crm.records.sends import SendRecords
from crm.settings import Settings, load_settings
from crm.ui import oidc_claims
from db_service import Connection, Identity
from tests import cast
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import MAIN, RunScheduler, shown
from tests.standins.supabase_lite import PUBLISHABLE_KEY, SECRET_KEY, token

ISSUER = "https://login.example"
AN_HOUR = timedelta(hours=1)
_SETTINGS = {
    "APP_SECRET_KEYS": "a-key-of-this-test-run-and-no-other",
    "OIDC_CLIENT_ID": "mpt-crm",
    "OIDC_CLIENT_SECRET": "a-client-secret",
    "OIDC_METADATA_URL": f"{ISSUER}/.well-known/openid-configuration",
    "OIDC_COOKIE_SECRET": "a-cookie-secret-of-more-than-32-characters",
}
HERS, CAROLS = "to-sashas@customer.example", "to-carols@customer.example"
CAROLS_CONTACT = "00000000-0000-4000-8000-00000000000c"
# What stands on a page for the admin alone.
FOR_ADMINS = {
    "02_Contacts": "E-mail sent: lead 1",
    "13_Campaign_Manager": CAROLS,
    "20_Settings": "Stopped addresses",
    "21_Users": "carol@mpt.example",
    "22_Audit_Log": "An operator at the server (as postgres) published",
}
ADA_FIRST, SASHA_FIRST = ("ada", "sasha"), ("sasha", "ada")

Visit = Callable[[str], AppTest]


def claims(name: str) -> dict[str, Any]:
    """What Streamlit keeps of an id token."""
    return {
        "is_logged_in": True,
        "iss": ISSUER,
        "sub": name,
        "email": f"{name}@mpt.example",
        "email_verified": True,
        "exp": int((datetime.now(UTC) + AN_HOUR).timestamp()),
        "tokens": {"id": name},
    }


def id_of(name: str) -> str:
    return oidc_claims.person_id(claims(name))


def with_id_token(_: SupabaseAuth, id_token: str, access_token: str) -> SupabaseSession:
    """Supabase Auth's answer for the person of this id token."""
    user_id = id_of(id_token)
    access = token(user_id, lasts=AN_HOUR)
    ends_at = datetime.now(UTC) + AN_HOUR
    return SupabaseSession(user_id, f"{id_token}@mpt.example", access, "renewal", ends_at)


@pytest.fixture(params=["postgres", "supabase"])
def settings(
    request: pytest.FixtureRequest, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    ours = _SETTINGS | {"DATABASE_URL": address, "DATA_DIR": str(tmp_path)}
    if request.param == "supabase":
        project_url: str = request.getfixturevalue("project_url")
        ours |= {
            "SUPABASE_URL": project_url,
            "SUPABASE_KEY": PUBLISHABLE_KEY,
            "SUPABASE_SERVICE_KEY": SECRET_KEY,
            "SUPABASE_AUTH_PROVIDER": "google",
        }
        monkeypatch.setattr(SupabaseAuth, "with_id_token", with_id_token)
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(_env_file=None)
    db_service.connect(settings)
    yield settings
    db_service.disconnect()


@pytest.fixture
def visit(
    settings: Settings,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
    run_scheduler: RunScheduler,
) -> Visit:
    """A tab of Sasha's (sales) or Ada's (admin), after an e-mail to a contact of Sasha's and one
    to a contact of Carol's."""
    raw.cursor().executemany(
        "insert into profiles (id, email, full_name, role) values (%s, %s, %s, %s)",
        [
            (id_of("sasha"), "sasha@mpt.example", "Sasha Sales", "sales"),
            (id_of("ada"), "ada@mpt.example", "Ada Admin", "admin"),
        ],
    )
    raw.execute(
        "update drip_campaigns set window_days = '{1,2,3,4,5,6,7}', window_start = '00:00',"
        " window_end = '00:00', respect_holidays = false"
    )
    published_steps("lead", 1)
    a_contact(owner_id=id_of("sasha"), email=HERS)
    a_contact(owner_id=cast.CAROL_ID, id=CAROLS_CONTACT, email=CAROLS)
    assert run_scheduler()["accepted"] == 2
    # Contacts are for everybody to read, with the address they have now; what was sent is not.
    raw.execute("update contacts set email = id || '@customer.example'")

    def open_(name: str) -> AppTest:
        app = AppTest.from_file(MAIN, default_timeout=30)
        app.user = claims(name)
        app.query_params["contact"] = CAROLS_CONTACT
        app.run()
        return app.switch_page("../../pages/02_Contacts.py").run()

    return open_


def seen_by(tabs: dict[str, AppTest], page: str) -> dict[str, bool]:
    """Who of them sees what the page has for admins."""
    return {name: FOR_ADMINS[page] in text_of(app, page) for name, app in tabs.items()}


def text_of(app: AppTest, page: str) -> str:
    # What was sent, and who may not be written to, stand in parts of their pages.
    app.query_params["view"] = "Outbox"
    app.query_params["section"] = "Suppressions"
    app.switch_page(f"../../pages/{page}.py")
    return shown(app.run())


@pytest.mark.parametrize("order", [ADA_FIRST, SASHA_FIRST], ids=" first, then ".join)
def test_each_sees_what_is_theirs_whoever_came_first(
    visit: Visit, raw: Raw, order: tuple[str, str]
) -> None:
    tabs = {name: visit(name) for name in order}
    for page in FOR_ADMINS:
        assert seen_by(tabs, page) == {"ada": True, "sasha": False}, page
    for app in tabs.values():
        assert HERS in text_of(app, "13_Campaign_Manager"), "hers is there for both"


def test_each_request_goes_out_in_the_name_of_who_asked(visit: Visit) -> None:
    tabs = {name: visit(name) for name in (*ADA_FIRST, *SASHA_FIRST)}
    held = {name: app.session_state["session"].db for name, app in tabs.items()}
    assert {name: db.identity.user_id for name, db in held.items()} == {
        name: id_of(name) for name in held
    }
    for attribute in ("_gateway", "contacts", "sends", "people"):
        assert getattr(held["ada"], attribute) is not getattr(held["sasha"], attribute)


def test_a_page_offers_what_its_reader_may_do(visit: Visit) -> None:
    changing = {"edit", "change_type", "record_call"}
    offered = {name: {str(b.key) for b in visit(name).button} & changing for name in ADA_FIRST}
    assert offered == {"ada": changing, "sasha": set()}
    assert "Carol Sales looks after this contact" in shown(visit("sasha"))


# Negative controls: with a result or a client kept for everybody, the first test here speaks up.


def test_an_answer_kept_for_everybody_is_noticed(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = SendRecords.sent
    answers: list[Any] = []

    def remembered(self: SendRecords, **wanted: Any) -> Any:
        answers[:] = answers or [ask(self, **wanted)]
        return answers[0]

    monkeypatch.setattr(SendRecords, "sent", remembered)
    tabs = {name: visit(name) for name in ADA_FIRST}
    assert seen_by(tabs, "13_Campaign_Manager")["sasha"]


def test_a_client_kept_for_everybody_is_noticed(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Connection.gateway
    gateways: list[Gateway] = []

    def remembered(self: Connection, identity: Identity) -> Gateway:
        gateways[:] = gateways or [make(self, identity)]
        return gateways[0]

    monkeypatch.setattr(Connection, "gateway", remembered)
    tabs = {name: visit(name) for name in ADA_FIRST}
    assert seen_by(tabs, "13_Campaign_Manager")["sasha"]
