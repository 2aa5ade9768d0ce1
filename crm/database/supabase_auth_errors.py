"""The refusals of Supabase Auth in our own words.

Most answers name a code (Supabase's reference, "Auth error codes"); the id_token grant has words
only. Those words may hold addresses: what they are about is kept, they themselves are not.
"""

from __future__ import annotations

from collections.abc import Mapping

from supabase_auth.errors import (
    AuthApiError,
    AuthError,
    AuthRetryableError,
    CustomAuthError,
)

from crm.database.errors import DatabaseError, DatabaseUnreachableError, SignInRefusedError
from crm.database.supabase_errors import UNREACHABLE

WRONG_PASSWORD = "The e-mail address or the password is wrong."  # noqa: S105 - words, no password
TOO_MANY = "Too many attempts. Wait a minute, then try again."
LINK_ENDED = "This link has expired or was used before. Ask for a new one."
NOT_AN_ADDRESS = "This is not an e-mail address. Check it and try again."

_NO_EMAIL_SIGN_IN = (
    "Signing in by e-mail is switched off in the Supabase project: an operator can switch it on"
    " under Authentication, Sign In / Providers, Email."
)
_WORDS = {
    "user_banned": "This account is blocked. Ask an admin.",
    "email_not_confirmed": (
        "This address is not confirmed yet. Have a sign-in link sent to it and open that."
    ),
    "email_provider_disabled": _NO_EMAIL_SIGN_IN,
    "captcha_failed": (
        "The Supabase project wants a CAPTCHA, which this page does not have: an operator can"
        " switch it off under Authentication, Attack Protection."
    ),
    "nonce": (
        "Supabase refused the sign-in for its nonce. This app has verified the nonce itself: an"
        " operator must turn on “Skip nonce checks” for the provider in Supabase."
    ),
    "audience": (
        "Supabase does not expect sign-ins from this app: an operator must add OIDC_CLIENT_ID to"
        " the client IDs of the provider in Supabase."
    ),
    "bad_id_token": (
        "Supabase did not take the proof of your sign-in. Sign in again; if that does not help,"
        " an operator must check that SUPABASE_AUTH_PROVIDER and OIDC_METADATA_URL name the same"
        " provider."
    ),
    "provider_email_needs_verification": (
        "Your provider has not verified your e-mail address. Verify it there, then sign in again."
    ),
    "signup_disabled": (
        "Supabase does not know this account, and new ones are switched off there: an operator can"
        " allow them under Authentication, Sign In / Providers."
    ),
}
_UNKNOWN_PROVIDER = (
    "Supabase has no such provider, or has it switched off: an operator must check that"
    " SUPABASE_AUTH_PROVIDER names one that is on."
)
_UNREADABLE = ("validation_failed", "bad_json")  # what was typed in
# Of the id_token grant. It checks in this order, and each of its sentences has one of these.
_ABOUT = {"nonce": "nonce", "audience": "audience", "id token": "bad_id_token"}


class AuthRefusal(Exception):  # noqa: N818 - an answer, which each question turns into its error
    """What Supabase Auth answered instead of doing it: an HTTP status, and a code or subject."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{reason or 'no reason given'} (status {status})")
        self.status = status
        self.reason = reason


def translated(error: AuthError) -> AuthRefusal | DatabaseError:
    """A refusal, or the member of the error tree for an answer that says nothing about the asker.

    Neither keeps the error: it holds the request, and so the password or the token.
    """
    if not isinstance(error, AuthApiError | CustomAuthError):
        return DatabaseUnreachableError(UNREACHABLE)  # an answer that is not Supabase Auth's
    if isinstance(error, AuthRetryableError) or error.status >= 500:
        return DatabaseUnreachableError(UNREACHABLE)
    if error.status in {401, 403} and not error.code:
        return DatabaseError("Supabase refused the API key; check SUPABASE_KEY.")
    return AuthRefusal(error.status, error.code or _subject(error.message))


def password_refused(refusal: AuthRefusal) -> SignInRefusedError:
    wrong = dict.fromkeys(("", "invalid_credentials", *_UNREADABLE), WRONG_PASSWORD)
    return _refused(refusal, wrong)


def link_refused(refusal: AuthRefusal) -> SignInRefusedError:
    return _refused(refusal, {refusal.reason: LINK_ENDED})


def sending_refused(refusal: AuthRefusal) -> SignInRefusedError:
    invalid = ("", "email_address_invalid", *_UNREADABLE)
    return _refused(refusal, dict.fromkeys(invalid, NOT_AN_ADDRESS))


def id_token_refused(refusal: AuthRefusal) -> SignInRefusedError:
    unknown = ("validation_failed", "provider_disabled", "oauth_provider_not_supported")
    words = dict.fromkeys(unknown, _UNKNOWN_PROVIDER)
    return _refused(refusal, words | dict.fromkeys(("", "bad_json"), _WORDS["bad_id_token"]))


def _refused(refusal: AuthRefusal, words: Mapping[str, str]) -> SignInRefusedError:
    if refusal.status == 429:
        return SignInRefusedError(TOO_MANY)
    known = {**words, **_WORDS}.get(refusal.reason)
    return SignInRefusedError(known or f"Supabase refused the sign-in: {refusal}.")


def _subject(words: str) -> str:
    return next((about for word, about in _ABOUT.items() if word in words.lower()), "")
