"""Who gets in, who stays in, and what everybody else reads instead: the pages' side of sign-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import db_service
from crm.settings import Settings, load_settings
from crm.ui import oidc_claims, session, sign_in
from db_service import DatabaseUnreachableError, DbService, signed_in
from tests import cast
from tests.pages.conftest import MAIN, shown

ISSUER = "https://login.example"
Claims = dict[str, Any]
Visit = Callable[..., AppTest]


@pytest.fixture
def settings(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A direct connection, with an OIDC provider."""
    for name, value in {
        "DATABASE_URL": address,
        "DATA_DIR": str(tmp_path),
        "APP_SECRET_KEYS": "a-key-of-this-test-run-and-no-other",
        "OIDC_CLIENT_ID": "mpt-crm",
        "OIDC_CLIENT_SECRET": "a-client-secret",
        "OIDC_METADATA_URL": f"{ISSUER}/.well-known/openid-configuration",
        "OIDC_COOKIE_SECRET": "a-cookie-secret-of-more-than-32-characters",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sign_in, "_ended", sign_in.EndedTokens())
    settings = load_settings(_env_file=None)
    db_service.connect(settings)
    yield settings
    db_service.disconnect()


@pytest.fixture
def visit(settings: Settings) -> Visit:
    """A tab of a browser in which this person has signed in, or nobody."""

    def open_(claims: Claims | None = None, **query: str) -> AppTest:
        app = AppTest.from_file(MAIN, default_timeout=30)
        app.user = claims or {"is_logged_in": False}
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return open_


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Lets the pages' clock go on."""

    def by(span: timedelta) -> None:
        moment = datetime.now(UTC) + span
        monkeypatch.setattr(session, "now", lambda: moment)

    return by


def _claims(subject: str, email: str = "", **more: object) -> Claims:
    """What Streamlit keeps of an id token, good for an hour unless said otherwise."""
    return {
        "is_logged_in": True,
        "iss": ISSUER,
        "sub": subject,
        "email": email or f"{subject}@mpt.example",
        "email_verified": True,
        "exp": int((datetime.now(UTC) + timedelta(hours=1)).timestamp()),
        "tokens": {"id": f"the id token of {subject}"},
    } | more


def _invite(email: str, name: str, role: str = "sales") -> None:
    bob = DbService.for_user(signed_in(cast.BOB_ID))
    bob.people.invite(email=email, full_name=name, role=role, now=datetime.now(UTC))


def _id_of(claims: Claims) -> str:
    return oidc_claims.person_id(claims)


def _button(app: AppTest, label: str) -> Any:
    (found,) = [button for button in app.button if button.label == label]
    return found


def test_nobody_signed_in_sees_one_sentence_and_a_button(visit: Visit) -> None:
    app = visit()
    assert "Sign in to MPT" in shown(app)
    assert [button.label for button in app.button] == ["Sign in"]
    assert app.text_input.len == 0


def test_a_refused_sign_in_says_so_and_nothing_else(visit: Visit) -> None:
    app = visit(sign_in="refused")
    assert "The sign-in was refused" in shown(app)
    assert [button.label for button in app.button] == ["Sign in again"]


def test_a_link_that_says_refused_does_not_send_anybody_away(visit: Visit) -> None:
    _invite("fay@mpt.example", "Fay New")
    assert "Fay New" in shown(visit(_claims("fay"), sign_in="refused"))


@pytest.mark.parametrize(
    ("claims", "title"),
    [
        (_claims("stranger"), "You are not invited yet"),
        (_claims("stranger", email_verified=False), "Your address is not verified"),
        (_claims("stranger", email_verified=None), "Your address is not verified"),
        (_claims("stranger", email_verified="yes"), "Your address is not verified"),
        (_claims("stranger", email="alice@mpt.example"), "Your address belongs to another account"),
    ],
    ids=["not invited", "unverified", "unsaid", "said otherwise", "taken"],
)
def test_a_stranger_reads_why_and_whom_to_ask(visit: Visit, claims: Claims, title: str) -> None:
    app = visit(claims)
    text = shown(app)
    assert title in text
    assert "admin" in text
    assert f"You are signed in as {claims['email']}." in text
    assert {b.label for b in app.button} == {"Try again", "Sign in with another account"}
    assert app.dataframe.len == 0


def test_an_invited_person_comes_in_once_invited(visit: Visit) -> None:
    app = visit(_claims("fay"))
    assert "You are not invited yet" in shown(app)
    _invite("fay@mpt.example", "Fay New")
    _button(app, "Try again").click()
    app.run()
    text = shown(app)
    assert "Fay New" in text
    assert "Dashboard" in text


def test_the_same_address_at_another_provider_is_another_person(visit: Visit) -> None:
    _invite("fay@mpt.example", "Fay New")
    assert "Fay New" in shown(visit(_claims("fay")))
    other = visit(_claims("fay", iss="https://elsewhere.example"))
    assert "Your address belongs to another account" in shown(other)


def test_a_single_tenants_addresses_count_on_the_operators_word(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    _invite("fay@mpt.example", "Fay New")
    claims = _claims("fay", email_verified=None)
    trusting = db_service.connect().settings.model_copy(update={"oidc_trust_email": True})
    monkeypatch.setattr(db_service.connect(), "settings", trusting)
    assert "Fay New" in shown(visit(claims))


@pytest.mark.parametrize(
    "wrong",
    [{"exp": 1_700_000_000}, {"exp": None}, {"exp": "tomorrow"}, {"exp": True}, {"tokens": {}}],
    ids=["expired", "without an end", "no number", "no number either", "without a token"],
)
def test_an_expired_sign_in_opens_nothing_although_its_cookie_lasts(
    visit: Visit, wrong: Claims
) -> None:
    _invite("fay@mpt.example", "Fay New")
    app = visit(_claims("fay") | wrong)
    assert "Your sign-in has ended" in shown(app)
    assert [button.label for button in app.button] == ["Sign in again"]


def test_an_open_page_ends_with_its_token(visit: Visit, later: Callable[[timedelta], None]) -> None:
    _invite("fay@mpt.example", "Fay New")
    app = visit(_claims("fay"))
    assert "Fay New" in shown(app)
    later(timedelta(minutes=59))
    assert "Fay New" in shown(app.run())
    later(timedelta(minutes=61))
    text = shown(app.run())
    assert "Your sign-in has ended" in text
    assert "Fay New" not in text
    assert "session" not in app.session_state


def test_a_person_removed_meanwhile_is_out_after_a_minute(
    visit: Visit, later: Callable[[timedelta], None]
) -> None:
    _invite("fay@mpt.example", "Fay New")
    fay = _claims("fay")
    app = visit(fay)
    DbService.for_user(signed_in(cast.BOB_ID)).people.set_active(
        _id_of(fay), False, now=datetime.now(UTC)
    )
    later(session.READ_AGAIN_AFTER + timedelta(seconds=1))
    text = shown(app.run())
    assert "Your access has been switched off" in text
    assert "Fay New" not in text
    _button(app, "Try again").click()
    assert "Your access has been switched off" in shown(app.run())


def test_a_demoted_admin_loses_the_admins_pages_after_a_minute(
    visit: Visit, later: Callable[[timedelta], None]
) -> None:
    _invite("fay@mpt.example", "Fay New", role="admin")
    fay = _claims("fay")
    app = visit(fay)
    assert session.READ_AGAIN_AFTER.total_seconds() <= 5 * 60
    app.switch_page("../../pages/20_Settings.py").run()
    assert "Settings are for admins" not in shown(app)
    DbService.for_user(signed_in(cast.BOB_ID)).people.set_role(
        _id_of(fay), "sales", now=datetime.now(UTC)
    )
    later(session.READ_AGAIN_AFTER + timedelta(seconds=1))
    assert "Settings are for admins" in shown(app.run())


def test_a_sign_out_ends_the_sign_in_of_the_other_tabs(visit: Visit) -> None:
    _invite("fay@mpt.example", "Fay New")
    here, there = visit(_claims("fay")), visit(_claims("fay"))
    another = visit(_claims("gil"))
    _button(here, "Sign out").click()
    assert "Sign in to MPT" in shown(here.run())
    assert "Your sign-in has ended" in shown(there.run())
    assert "You are not invited yet" in shown(another.run())
    # The same cookie, copied or kept, opens nothing any more; a new sign-in does.
    assert "Your sign-in has ended" in shown(visit(_claims("fay")))
    assert "Fay New" in shown(visit(_claims("fay", tokens={"id": "a later id token"})))


def test_a_tab_taken_over_by_somebody_else_starts_from_nothing(visit: Visit) -> None:
    _invite("fay@mpt.example", "Fay New")
    _invite("gil@mpt.example", "Gil Other")
    app = visit(_claims("fay"))
    app.session_state["left_behind"] = "of Fay"
    app.user = _claims("gil")
    text = shown(app.run())
    assert "Gil Other" in text
    assert "Fay New" not in text
    assert "left_behind" not in app.session_state


def test_a_database_that_is_away_keeps_the_role_and_comes_back(
    visit: Visit, later: Callable[[timedelta], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    _invite("fay@mpt.example", "Fay New")
    app = visit(_claims("fay"))

    def away(*_: object) -> None:
        raise DatabaseUnreachableError("away")

    later(session.READ_AGAIN_AFTER + timedelta(seconds=1))
    with monkeypatch.context() as broken:
        broken.setattr(session, "_person_behind", away)
        assert "Fay New" in shown(app.run())
    assert "Fay New" in shown(app.run())


def test_ended_tokens_are_forgotten_once_they_would_have_ended() -> None:
    now = datetime.now(UTC)
    ended = sign_in.EndedTokens()
    ended.add("first", ends_at=now + timedelta(minutes=1), now=now)
    ended.add("second", ends_at=now + timedelta(hours=1), now=now)
    assert "first" in ended
    ended.add("third", ends_at=now + timedelta(hours=1), now=now + timedelta(minutes=2))
    assert "first" not in ended
    assert "second" in ended
