"""Who is at this browser, asked anew at every run and every section that refreshes by itself.

Three ways, by the settings: an OIDC provider through Streamlit's own sign-in; Supabase Auth by
e-mail, whose routes leave a key in a cookie; and none, on 127.0.0.1, where it is the local admin.
"""

from __future__ import annotations

import hashlib
import threading
from datetime import datetime
from typing import Any

import streamlit as st

from crm.email_sign_in import cookie_name
from crm.ui import oidc_claims
from db_service import LOCAL_ADMIN_ID, Connection, Identity, SignedOutError, connect, signed_in

ENDED = "Your sign-in has ended. Sign in again to go on."
_EXCHANGED = "exchanged_sign_in"


class NotSignedInError(SignedOutError):
    """Nobody has signed in at this browser."""


class EndedTokens:
    """Id tokens whose owner has signed out, until they end by themselves.

    Streamlit forgets a sign-out in every tab but the one it happened in, and a copied cookie would
    stay good for 30 days.
    """

    def __init__(self) -> None:
        self._ends: dict[bytes, datetime] = {}
        self._lock = threading.Lock()

    def add(self, token: str, *, ends_at: datetime, now: datetime) -> None:
        with self._lock:
            self._ends = {k: end for k, end in self._ends.items() if end > now}
            self._ends[_digest(token)] = ends_at

    def __contains__(self, token: str) -> bool:
        with self._lock:
            return _digest(token) in self._ends


_ended = EndedTokens()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def identity(*, now: datetime) -> Identity:
    """The person at this browser.

    Raises:
        NotSignedInError: if nobody is signed in.
        SignedOutError: if the sign-in has ended: its token did, or they signed out elsewhere.
        SignInRefusedError: if Supabase does not take the provider's token.
        DatabaseUnreachableError: if Supabase has to be asked and cannot be reached.
    """
    connection = connect()
    if connection.settings.oidc_client_id:
        return _of_provider(connection, now)
    if connection.settings.supabase_url:
        return _of_cookie(connection, now)
    return signed_in(LOCAL_ADMIN_ID)


def with_provider() -> bool:
    """Do people sign in at an OIDC provider?"""
    return bool(connect().settings.oidc_client_id)


def leave(*, now: datetime) -> None:
    """End the sign-in on the server, in all tabs. Before `st.logout`, which sees to the browser."""
    connection = connect()
    user = st.user.to_dict()
    token, end = _id_token(user), oidc_claims.ends_at(user)
    if token and end:
        _ended.add(token, ends_at=end, now=now)
    exchanged = st.session_state.get(_EXCHANGED)
    if exchanged and connection.sign_ins:
        connection.sign_ins.end(exchanged[1])


def _of_provider(connection: Connection, now: datetime) -> Identity:
    user = st.user.to_dict()
    if not user.get("is_logged_in"):
        raise NotSignedInError(ENDED)
    token, end = _id_token(user), oidc_claims.ends_at(user)
    if not token or end is None or end <= now or token in _ended:
        raise SignedOutError(ENDED)
    if connection.sign_ins is None:
        return oidc_claims.identity(user, trust_email=connection.settings.oidc_trust_email)
    return connection.sign_ins.identity(_key_for(connection, user, now), now=now)


def _key_for(connection: Connection, user: dict[str, Any], now: datetime) -> str:
    """The provider's token is exchanged once; the key it gave stays with this tab's session."""
    assert connection.sign_ins is not None
    token, end = _id_token(user), oidc_claims.ends_at(user)
    assert end is not None
    exchanged = st.session_state.get(_EXCHANGED)
    if exchanged and exchanged[0] == _digest(token):
        return str(exchanged[1])
    access_token = str(user["tokens"].get("access", ""))
    key = connection.sign_ins.start_with_id_token(token, access_token, ends_at=end, now=now)
    st.session_state[_EXCHANGED] = (_digest(token), key)
    return key


def _id_token(user: dict[str, Any]) -> str:
    return str((user.get("tokens") or {}).get("id") or "")


def _of_cookie(connection: Connection, now: datetime) -> Identity:
    assert connection.sign_ins is not None
    # Of this connection of the browser: after somebody else signed in, it is their cookie.
    key = st.context.cookies.get(cookie_name(connection.settings))
    if not key:
        raise NotSignedInError(ENDED)
    return connection.sign_ins.identity(key, now=now)
