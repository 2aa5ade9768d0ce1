"""What the store of sign-ins does by itself, without anybody to ask."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from crm.database.errors import SignedOutError
from crm.database.sign_ins import SignIns
from crm.database.supabase_auth import SupabaseAuth, SupabaseSession

NOW = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)


@pytest.fixture
def sign_ins() -> Iterator[SignIns]:
    auth = SupabaseAuth("http://127.0.0.1:1", "sb_publishable_x", provider="")
    yield SignIns(auth)
    auth.close()


def _session(expires_at: datetime) -> SupabaseSession:
    return SupabaseSession(
        user_id="b0b00000-0000-4000-8000-000000000002",
        email="bob@mpt.example",
        access_token="secret access",
        refresh_token="secret refresh",
        expires_at=expires_at,
    )


def test_every_key_is_new_and_too_long_to_guess(sign_ins: SignIns) -> None:
    keys = {sign_ins.start(_session(NOW + timedelta(hours=1))) for _ in range(100)}
    assert len(keys) == 100
    assert min(map(len, keys)) >= 43, "256 bits in base64"


@pytest.mark.parametrize("key", ["", "made up", "\ud800", "x" * 10_000])
def test_an_unknown_key_is_nobody(sign_ins: SignIns, key: str) -> None:
    with pytest.raises(SignedOutError):
        sign_ins.identity(key, now=NOW)
    sign_ins.end(key)


def test_who_has_not_asked_for_half_a_day_is_forgotten(sign_ins: SignIns) -> None:
    away = sign_ins.start(_session(NOW))
    back = sign_ins.start(_session(NOW + timedelta(minutes=2)))
    sign_ins.start(_session(NOW + timedelta(hours=12, minutes=1)))
    with pytest.raises(SignedOutError):
        sign_ins.identity(away, now=NOW - timedelta(minutes=5))
    assert sign_ins.identity(back, now=NOW).user_id is not None


def test_an_open_tab_does_not_renew_itself_for_ever(
    sign_ins: SignIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = NOW
    monkeypatch.setattr(
        sign_ins.auth, "renew", lambda _refresh: _session(moment + timedelta(hours=1))
    )
    key = sign_ins.start(_session(NOW + timedelta(hours=1)))
    while moment < NOW + timedelta(days=7):
        assert sign_ins.identity(key, now=moment).user_id is not None
        moment += timedelta(minutes=59)
    moment += timedelta(hours=2)
    with pytest.raises(SignedOutError):
        sign_ins.identity(key, now=moment)


def test_no_text_about_a_sign_in_holds_its_tokens_or_its_address(sign_ins: SignIns) -> None:
    session = _session(NOW + timedelta(hours=1))
    identity = sign_ins.identity(sign_ins.start(session), now=NOW)
    for text in (repr(session), repr(identity), repr(sign_ins), repr(vars(sign_ins))):
        assert "secret" not in text
        assert "bob@" not in text
