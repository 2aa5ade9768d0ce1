"""The pages' side of a sign-in at Supabase: tokens renewed, refused, ended, or somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import db_service
from crm.database.supabase_auth import SupabaseAuth, SupabaseSession
from crm.email_sign_in import cookie_name
from crm.settings import Settings, load_settings
from crm.ui import session, sign_in
from db_service import (
    DatabaseUnreachableError,
    SignedOutError,
    SignInRefusedError,
    SignIns,
)
from tests import cast
from tests.contract.supabase_only import supabase_environment
from tests.pages.conftest import MAIN, shown
from tests.standins.supabase_lite import token

OIDC = {
    "OIDC_CLIENT_ID": "mpt-crm",
    "OIDC_CLIENT_SECRET": "a-client-secret",
    "OIDC_METADATA_URL": "https://login.example/.well-known/openid-configuration",
    "OIDC_COOKIE_SECRET": "a-cookie-secret-of-more-than-32-characters",
    "SUPABASE_AUTH_PROVIDER": "google",
}
AN_HOUR = timedelta(hours=1)


def _a_session(user_id: str, *, lasts: timedelta = AN_HOUR) -> SupabaseSession:
    ends_at = datetime.now(UTC) + lasts
    access = token(user_id, lasts=lasts)
    return SupabaseSession(user_id, "somebody@mpt.example", access, "a refresh token", ends_at)


@pytest.fixture
def oidc() -> bool:
    """Does a provider sign people in, whose token Supabase takes?"""
    return True


@pytest.fixture
def settings(
    project_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, oidc: bool
) -> Iterator[Settings]:
    monkeypatch.setattr(sign_in, "_ended", sign_in.EndedTokens())
    ours = supabase_environment(project_url) | {"DATA_DIR": str(tmp_path)}
    ours |= OIDC if oidc else {}
    settings = load_settings(
        _env_file=None, **{name.lower(): value for name, value in ours.items()}
    )
    db_service.connect(settings)
    yield settings
    db_service.disconnect()


@pytest.fixture
def alice(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A tab of Alice, who has signed in at the provider."""
    monkeypatch.setattr(
        SupabaseAuth, "with_id_token", lambda *_: _a_session(cast.ALICE_ID, lasts=AN_HOUR)
    )
    return _tab()


def _tab() -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.user = {
        "is_logged_in": True,
        "exp": int((datetime.now(UTC) + 3 * AN_HOUR).timestamp()),
        "tokens": {"id": "an id token", "access": "an access token"},
    }
    return app


def _token_in_use(app: AppTest) -> str:
    return str(app.session_state["session"].db.identity.access_token)


def test_pages_go_on_with_a_token_that_was_renewed(
    alice: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Alice Sales" in shown(alice.run())
    before = _token_in_use(alice)
    renewed = _a_session(cast.ALICE_ID, lasts=2 * AN_HOUR)
    monkeypatch.setattr(SupabaseAuth, "renew", lambda *_: renewed)
    soon = datetime.now(UTC) + AN_HOUR
    monkeypatch.setattr(session, "now", lambda: soon)
    assert "Alice Sales" in shown(alice.run())
    assert _token_in_use(alice) == renewed.access_token != before


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (SignedOutError("ended"), "Your sign-in has ended"),
        (DatabaseUnreachableError("away"), "The database does not answer"),
    ],
)
def test_a_token_that_cannot_be_renewed_ends_calmly(
    alice: AppTest, monkeypatch: pytest.MonkeyPatch, error: Exception, title: str
) -> None:
    assert "Alice Sales" in shown(alice.run())

    def refuse(*_: object) -> SupabaseSession:
        raise error

    monkeypatch.setattr(SupabaseAuth, "renew", refuse)
    later = datetime.now(UTC) + AN_HOUR
    monkeypatch.setattr(session, "now", lambda: later)
    text = shown(alice.run())
    assert title in text
    assert "Alice Sales" not in text


def test_an_id_token_that_supabase_refuses_says_why(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> SupabaseSession:
        raise SignInRefusedError("Supabase does not know this provider.")

    monkeypatch.setattr(SupabaseAuth, "with_id_token", refuse)
    text = shown(_tab().run())
    assert "The sign-in was refused" in text
    assert "Supabase does not know this provider." in text


def test_signing_out_ends_it_at_supabase_too(
    alice: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    monkeypatch.setattr(SupabaseAuth, "sign_out", lambda _, access: ended.append(access))
    alice.run()
    access = _token_in_use(alice)
    (button,) = [button for button in alice.button if button.label == "Sign out"]
    assert "Sign in to" in shown(button.click().run())
    assert ended == [access]


@pytest.fixture
def cookies(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the tab's browser sends."""
    cookies: dict[str, str] = {}
    monkeypatch.setattr(type(st.context), "cookies", cookies)
    return cookies


@pytest.fixture
def sign_ins(settings: Settings) -> SignIns:
    sign_ins = db_service.connect().sign_ins
    assert sign_ins
    return sign_ins


class TestByEmail:
    @pytest.fixture
    def oidc(self) -> bool:
        return False

    def test_a_made_up_key_opens_nothing(self, settings: Settings, cookies: dict[str, str]) -> None:
        app = AppTest.from_file(MAIN, default_timeout=30)
        assert "Sign in to MPT" in shown(app.run())
        cookies[cookie_name(settings)] = "a made up key"
        text = shown(app.run())
        assert "Your sign-in has ended" in text
        assert 'href="/sign-in"' in text

    def test_a_tab_whose_browser_has_somebody_elses_cookie_now_is_theirs(
        self, settings: Settings, cookies: dict[str, str], sign_ins: SignIns
    ) -> None:
        name = cookie_name(settings)
        cookies[name] = sign_ins.start(_a_session(cast.BOB_ID))
        app = AppTest.from_file(MAIN, default_timeout=30).run()
        assert "Bob Admin" in shown(app)
        app.session_state["left_behind"] = "of Bob"
        cookies[name] = sign_ins.start(_a_session(cast.ALICE_ID))
        text = shown(app.run())
        assert "Alice Sales" in text
        assert "Bob Admin" not in text
        assert "left_behind" not in app.session_state

    def test_an_ended_sign_in_is_out_of_every_tab(
        self, settings: Settings, cookies: dict[str, str], sign_ins: SignIns
    ) -> None:
        key = cookies[cookie_name(settings)] = sign_ins.start(_a_session(cast.BOB_ID))
        here, there = (AppTest.from_file(MAIN, default_timeout=30).run() for _ in range(2))
        assert "Bob Admin" in shown(here)
        sign_ins.end(key)
        for tab in (here, there):
            text = shown(tab.run())
            assert "Your sign-in has ended" in text
            assert "Bob Admin" not in text
