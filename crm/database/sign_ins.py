"""Who is signed in through Supabase Auth, for as long as this process lives.

A browser's cookie carries a random key. The tokens behind it stay here, and are renewed by
whichever page asks first.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from crm.database.errors import DatabaseError, DatabaseUnreachableError, SignedOutError
from crm.database.gateway import Identity, signed_in
from crm.database.supabase_errors import SIGNED_OUT, UNREACHABLE

if TYPE_CHECKING:
    from crm.database.supabase_auth import SupabaseAuth, SupabaseSession

logger = logging.getLogger(__name__)

_RENEWAL_MARGIN = timedelta(seconds=60)
_PAUSE = timedelta(seconds=5)  # after a renewal that got no answer
_LONGEST = timedelta(days=7)  # an open tab would renew itself for ever
_KEPT_UNASKED = timedelta(hours=12)  # after the access token expired
_KEY_BYTES = 32


class _Exchange:
    """An id token that was, or is being, exchanged. `lock` is held while it is."""

    def __init__(self, ends_at: datetime) -> None:
        self.ends_at = ends_at
        self.lock = threading.Lock()
        self.key = ""
        self.is_over = False  # signed out: the same id token opens nothing again


class _SignIn:
    """One sign-in. `lock` is held while its session is renewed."""

    def __init__(self, session: SupabaseSession, exchange: _Exchange | None = None) -> None:
        self.session = session
        self.exchange = exchange
        self.ends_at = exchange.ends_at if exchange else session.expires_at + _LONGEST
        self.lock = threading.Lock()
        self.asks_again_at = datetime.min.replace(tzinfo=UTC)
        self.is_over = False

    def has_ended(self, now: datetime) -> bool:
        return self.is_over or self.ends_at <= now

    def is_fresh(self, now: datetime) -> bool:
        return now < self.session.expires_at - _RENEWAL_MARGIN


class SignIns:
    """The sign-ins of one project, safe to use from several threads. Times are aware UTC."""

    def __init__(self, auth: SupabaseAuth) -> None:
        self.auth = auth
        self._lock = threading.Lock()
        self._sign_ins: dict[str, _SignIn] = {}
        self._exchanges: dict[bytes, _Exchange] = {}  # by the id token's hash

    def start(self, session: SupabaseSession) -> str:
        """The key of a new sign-in: a secret of the browser that signed in."""
        return self._add(_SignIn(session))

    def start_with_id_token(
        self, id_token: str, access_token: str, *, ends_at: datetime, now: datetime
    ) -> str:
        """The key of the one sign-in that an id token opens, however many tabs ask for it.

        Raises:
            SignInRefusedError: if Supabase does not take the id token.
            SignedOutError: if it has expired (at `ends_at`), or its sign-in has ended.
        """
        if ends_at <= now:
            raise SignedOutError(SIGNED_OUT)
        exchange = self._exchange_for(id_token, ends_at, now)
        with exchange.lock:
            if exchange.is_over:
                raise SignedOutError(SIGNED_OUT)
            if exchange.key not in self._sign_ins:
                session = self.auth.with_id_token(id_token, access_token)
                exchange.key = self._add(_SignIn(session, exchange))
            return exchange.key

    def identity(self, key: str, *, now: datetime) -> Identity:
        """The person, with an access token that is good for a while.

        Raises:
            SignedOutError: if the sign-in has ended, or nobody knows the key.
            DatabaseUnreachableError: if the token has expired and Supabase gives no answer.
        """
        sign_in = self._sign_ins.get(key)
        if sign_in is None:
            raise SignedOutError(SIGNED_OUT)
        try:
            session = _current_session(sign_in, self.auth, now)
        except SignedOutError:
            self._remove(key)
            raise
        return signed_in(
            session.user_id, claims={"email": session.email}, access_token=session.access_token
        )

    def end(self, key: str) -> None:
        """Sign out, here and at Supabase; nothing happens if nobody knows the key."""
        sign_in = self._remove(key)
        if sign_in is None:
            return
        with sign_in.lock:  # a renewal under way is waited for: what it brings ends too
            access_token = sign_in.session.access_token
        try:
            self.auth.sign_out(access_token)
        except DatabaseError as error:
            # Nobody can renew what Supabase still holds: the tokens were here and nowhere else.
            logger.warning("A sign-in ended here that Supabase still has: %s", error)

    def _add(self, sign_in: _SignIn) -> str:
        key = secrets.token_urlsafe(_KEY_BYTES)
        with self._lock:
            self._forget_the_unasked(sign_in.session.expires_at - _KEPT_UNASKED)
            self._sign_ins[key] = sign_in
        return key

    def _forget_the_unasked(self, before: datetime) -> None:
        unasked = [k for k, other in self._sign_ins.items() if other.session.expires_at < before]
        for key in unasked:
            del self._sign_ins[key]

    def _remove(self, key: str) -> _SignIn | None:
        with self._lock:
            sign_in = self._sign_ins.pop(key, None)
        if sign_in is not None:
            sign_in.is_over = True
            if sign_in.exchange is not None:
                sign_in.exchange.is_over = True
        return sign_in

    def _exchange_for(self, id_token: str, ends_at: datetime, now: datetime) -> _Exchange:
        fingerprint = hashlib.sha256(id_token.encode(errors="replace")).digest()
        with self._lock:
            self._exchanges = {f: e for f, e in self._exchanges.items() if e.ends_at > now}
            return self._exchanges.setdefault(fingerprint, _Exchange(ends_at))


def _current_session(sign_in: _SignIn, auth: SupabaseAuth, now: datetime) -> SupabaseSession:
    if sign_in.has_ended(now):
        raise SignedOutError(SIGNED_OUT)
    session = sign_in.session
    if sign_in.is_fresh(now):
        return session
    # While the token is still good nobody waits for the one who renews it.
    if not sign_in.lock.acquire(blocking=session.expires_at <= now):
        return session
    try:
        return _renewed_session(sign_in, auth, now)
    finally:
        sign_in.lock.release()


def _renewed_session(sign_in: _SignIn, auth: SupabaseAuth, now: datetime) -> SupabaseSession:
    """What _current_session does while it holds the lock."""
    if sign_in.has_ended(now):
        raise SignedOutError(SIGNED_OUT)
    session = sign_in.session
    is_good = now < session.expires_at
    if sign_in.is_fresh(now) or (is_good and now < sign_in.asks_again_at):
        return session
    if now < sign_in.asks_again_at:
        raise DatabaseUnreachableError(UNREACHABLE)
    try:
        sign_in.session = auth.renew(session.refresh_token)
    except SignedOutError:
        raise
    except DatabaseError as error:
        sign_in.asks_again_at = now + _PAUSE
        logger.warning("A sign-in could not be renewed: %s", error)
        if not is_good:
            raise
    return sign_in.session
