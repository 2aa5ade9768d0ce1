"""Signing in at Supabase Auth: a password, a link by e-mail, or an OpenID provider's id token.

Every method raises SignInRefusedError where Supabase says no (the message is for people), and
DatabaseUnreachableError where asking again later may help. No error and no line of the log holds an
address, a password or a token.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from json import JSONDecodeError
from typing import TypeVar, cast

from pydantic import ValidationError
from supabase_auth import SyncGoTrueClient
from supabase_auth.errors import AuthError
from supabase_auth.types import AuthResponse, SignInWithIdTokenCredentials

from crm.database.errors import (
    DatabaseError,
    DatabaseUnreachableError,
    SignedOutError,
    SignInRefusedError,
)
from crm.database.supabase_auth_errors import (
    AuthRefusal,
    id_token_refused,
    link_refused,
    password_refused,
    sending_refused,
    translated,
)
from crm.database.supabase_errors import SIGNED_OUT, UNREACHABLE
from crm.database.supabase_transport import SignInConnections

logger = logging.getLogger(__name__)

# Whether an address is known, or was mailed a minute ago, is nobody's business at the sign-in page.
_SILENT = {"otp_disabled", "signup_disabled", "user_banned"}
_SILENT_AND_FOR_THE_OPERATOR = {"over_email_send_rate_limit", "email_address_not_authorized"}

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class SupabaseSession:
    """What Supabase gave a person who signed in."""

    user_id: str
    email: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime  # of the access token, UTC, by our own clock


class SupabaseAuth:
    """One project's Auth, safe to use from several threads. It remembers nobody.

    `provider` is the name under which the project knows the OpenID provider.
    """

    def __init__(self, url: str, publishable_key: str, *, provider: str) -> None:
        self._url = f"{url.rstrip('/')}/auth/v1"
        self._headers = {"apikey": publishable_key, "Authorization": f"Bearer {publishable_key}"}
        self._provider = provider
        self._connections = SignInConnections()

    def with_password(self, email: str, password: str) -> SupabaseSession:
        try:
            return self._session(
                lambda auth: auth.sign_in_with_password({"email": email, "password": password})
            )
        except AuthRefusal as refusal:
            raise password_refused(refusal) from None

    def send_link(self, email: str, *, redirect_to: str) -> None:
        """Mail a sign-in link; an address nobody knows is answered like any other.

        Somebody new gets an account at Supabase, and by that alone no access to anything.
        """
        try:
            self._ask(
                lambda auth: auth.sign_in_with_otp(
                    {"email": email, "options": {"email_redirect_to": redirect_to}}
                )
            )
        except AuthRefusal as refusal:
            if refusal.reason in _SILENT_AND_FOR_THE_OPERATOR:
                logger.warning("Supabase did not send a sign-in link: %s", refusal)
            elif refusal.reason not in _SILENT:
                raise sending_refused(refusal) from None

    def with_link(self, token_hash: str) -> SupabaseSession:
        try:
            return self._session(
                lambda auth: auth.verify_otp({"token_hash": token_hash, "type": "email"})
            )
        except AuthRefusal as refusal:
            raise link_refused(refusal) from None

    def with_id_token(self, id_token: str, access_token: str) -> SupabaseSession:
        """`access_token` is the provider's, against which the id token may have to be checked."""
        if not self._provider:
            raise SignInRefusedError(
                "SUPABASE_AUTH_PROVIDER: not set. An operator must name the provider as the"
                " Supabase project knows it, such as google."
            )
        credentials = {"provider": self._provider, "token": id_token}
        if access_token:
            credentials["access_token"] = access_token
        try:
            return self._session(
                lambda auth: auth.sign_in_with_id_token(
                    # The declared type lists a few providers; a project may have any.
                    cast("SignInWithIdTokenCredentials", credentials)
                )
            )
        except AuthRefusal as refusal:
            raise id_token_refused(refusal) from None

    def renew(self, refresh_token: str) -> SupabaseSession:
        """A new session for the same sign-in; Supabase takes each refresh token once.

        Raises:
            SignedOutError: if the sign-in has ended, or the person may no longer sign in.
        """
        try:
            return self._session(lambda auth: auth.refresh_session(refresh_token))
        except AuthRefusal as refusal:
            if refusal.status == 429:
                raise DatabaseUnreachableError(UNREACHABLE) from None
            raise SignedOutError(SIGNED_OUT) from None

    def sign_out(self, access_token: str) -> None:
        """End this one sign-in at Supabase; nothing happens if it has ended already.

        Its access token stays valid until it expires: only the way to renew it is gone.
        """
        try:
            self._ask(lambda auth: auth.admin.sign_out(access_token, "local"))
        except AuthRefusal as refusal:
            if refusal.status not in {401, 403, 404}:
                raise DatabaseError(f"Supabase did not sign out: {refusal}.") from None

    def confirms_addresses(self) -> bool:
        """Whether an address must be confirmed before it signs in ("Confirm email" of the project).

        Where it is off, whoever signs up with somebody's address is taken for that person.
        """
        try:
            settings = self._ask(lambda auth: auth._request("GET", "settings").json())
        except AuthRefusal as refusal:
            raise DatabaseError(f"Supabase did not tell how it signs in: {refusal}.") from None
        if not isinstance(settings, dict) or "mailer_autoconfirm" not in settings:
            raise DatabaseUnreachableError(UNREACHABLE)
        return settings["mailer_autoconfirm"] is False

    def close(self) -> None:
        self._connections.close()

    def _session(self, ask: Callable[[SyncGoTrueClient], AuthResponse]) -> SupabaseSession:
        asked_at = datetime.now(
            UTC
        )  # their clock may be another, so their `expires_at` is not ours
        session = self._ask(ask).session
        if session is None:
            raise DatabaseUnreachableError(UNREACHABLE)
        return SupabaseSession(
            user_id=session.user.id,
            email=session.user.email or "",
            access_token=session.access_token,
            refresh_token=session.refresh_token,
            expires_at=asked_at + timedelta(seconds=session.expires_in),
        )

    def _ask(self, ask: Callable[[SyncGoTrueClient], _Answer]) -> _Answer:
        """Raises AuthRefusal, or a member of the error tree."""
        failure: Exception
        try:
            return ask(self._client())
        except AuthError as error:
            failure = translated(error)
        except (ValidationError, JSONDecodeError):  # something between us and the project answered
            failure = DatabaseUnreachableError(UNREACHABLE)
        except UnicodeError:  # characters that no JSON can carry
            failure = AuthRefusal(400, "bad_json")
        if isinstance(failure, AuthRefusal):
            logger.info("Supabase Auth refused: %s", failure)
        # Out here the error that it stands for is gone: that one holds the request.
        raise failure

    def _client(self) -> SyncGoTrueClient:
        """A client for one request: it would keep the session for the next one to ask."""
        return SyncGoTrueClient(
            url=self._url,
            headers=self._headers,
            auto_refresh_token=False,
            persist_session=False,
            http_client=self._connections.client(),
        )
