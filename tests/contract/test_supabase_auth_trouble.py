"""What goes wrong between us and Supabase Auth, and what people, pages and logs are told of it."""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import format_exception

import httpx
import pytest

from crm.database.errors import (
    DatabaseError,
    DatabaseUnreachableError,
    SignedOutError,
    SignInRefusedError,
)
from crm.database.supabase_auth import SupabaseAuth
from tests.contract.scripted_project import Answer, scripted_project
from tests.standins.supabase_lite import PUBLISHABLE_KEY

SECRETS = ["ada@mpt.example", "her password", "her-link", "her.id.token", "her-access", "her-key"]


def _password(auth: SupabaseAuth) -> object:
    return auth.with_password("ada@mpt.example", "her password")


def _send(auth: SupabaseAuth) -> object:
    auth.send_link("ada@mpt.example", redirect_to="http://127.0.0.1:8501")
    return None


def _link(auth: SupabaseAuth) -> object:
    return auth.with_link("her-link")


def _id_token(auth: SupabaseAuth) -> object:
    return auth.with_id_token("her.id.token", "her-access")


def _renew(auth: SupabaseAuth) -> object:
    return auth.renew("her-key")


def _sign_out(auth: SupabaseAuth) -> object:
    auth.sign_out("her-access")
    return None


def _settings(auth: SupabaseAuth) -> object:
    return auth.confirms_addresses()


Ask = Callable[[SupabaseAuth], object]
ASKS: list[Ask] = [_password, _send, _link, _id_token, _renew, _sign_out, _settings]


def _refusal(status: int, code: str, message: str = "ada@mpt.example: no") -> Answer:
    body = f'{{"code": {status}, "error_code": "{code}", "msg": "{message}"}}'
    return (status, "application/json", body.encode())


@contextmanager
def _auth(*answers: Answer | None) -> Iterator[SupabaseAuth]:
    with scripted_project(*answers) as url:
        auth = SupabaseAuth(url, PUBLISHABLE_KEY, provider="google")
        try:
            yield auth
        finally:
            auth.close()


@pytest.mark.parametrize("ask", ASKS)
def test_no_project_is_one_calm_error(ask: Ask) -> None:
    auth = SupabaseAuth("http://127.0.0.1:1", PUBLISHABLE_KEY, provider="google")
    with pytest.raises(DatabaseUnreachableError, match="cannot be reached") as failure:
        ask(auth)
    assert not failure.value.permanent
    assert failure.value.__context__ is None, "the request, and so the password, is not passed on"
    auth.close()


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize(
    "answer",
    [
        None,
        (500, "text/html", b"<h1>ada@mpt.example</h1>"),
        _refusal(500, "unexpected_failure"),
        (502, "text/html", b""),
        (503, "application/json", b'{"message": "no healthy upstream"}'),
        (504, "application/json", b'{"error_code": "request_timeout", "msg": "ada@mpt.example"}'),
        (522, "text/html", b""),
        (404, "text/html", b"<h1>No such project</h1>"),
        (302, "text/html", b"<h1>Moved</h1>"),
    ],
)
def test_a_project_in_trouble_may_recover(ask: Ask, answer: Answer | None) -> None:
    with _auth(answer) as auth, pytest.raises(DatabaseUnreachableError) as failure:
        ask(auth)
    assert failure.value.__context__ is None


@pytest.mark.parametrize("ask", [ask for ask in ASKS if ask is not _sign_out])
@pytest.mark.parametrize("body", [b"<h1>Sign in to the hotel's network</h1>", b"", b"[]", b"null"])
def test_a_page_in_between_signs_nobody_in(ask: Ask, body: bytes) -> None:
    with _auth((200, "text/html", body)) as auth, pytest.raises(DatabaseUnreachableError):
        ask(auth)


def test_a_person_without_a_session_is_not_signed_in() -> None:
    user = (
        b'{"id": "b0b00000-0000-4000-8000-000000000002", "aud": "authenticated",'
        b' "app_metadata": {}, "user_metadata": {}, "created_at": "2026-11-21T10:00:00Z"}'
    )
    with _auth((200, "application/json", user)) as auth, pytest.raises(DatabaseUnreachableError):
        _link(auth)


def test_a_slow_answer_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.database.supabase_transport.SIGN_IN_TIMEOUTS", httpx.Timeout(0.1))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        auth = SupabaseAuth(url, PUBLISHABLE_KEY, provider="google")
        for ask in ASKS:
            with pytest.raises(DatabaseUnreachableError):
                ask(auth)
        auth.close()


@pytest.mark.parametrize("ask", [_password, _send, _link, _id_token])
def test_too_many_attempts_are_told_to_wait(ask: Ask) -> None:
    answers = (_refusal(429, "over_request_rate_limit"), (429, "application/json", b"{}"))
    with _auth(*answers) as auth:
        for _ in answers:
            with pytest.raises(SignInRefusedError, match="Wait a minute"):
                ask(auth)


def test_too_many_renewals_end_no_sign_in() -> None:
    busy = _refusal(429, "over_request_rate_limit")
    with _auth(busy) as auth, pytest.raises(DatabaseUnreachableError):
        _renew(auth)


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("otp_disabled", None),
        ("signup_disabled", None),
        ("over_email_send_rate_limit", logging.WARNING),
        ("email_address_not_authorized", logging.WARNING),
    ],
)
def test_a_link_that_was_not_sent_is_between_supabase_and_the_operator(
    code: str, level: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    status = 429 if "rate_limit" in code else 422
    with _auth(_refusal(status, code)) as auth, caplog.at_level(logging.WARNING):
        _send(auth)
    assert [record.levelno for record in caplog.records] == ([level] if level else [])
    assert "ada" not in caplog.text


@pytest.mark.parametrize(
    ("ask", "answer", "words"),
    [
        (_password, _refusal(400, "user_banned"), "blocked"),
        (_password, _refusal(422, "email_provider_disabled"), "Sign In / Providers"),
        (_send, _refusal(422, "email_provider_disabled"), "Sign In / Providers"),
        (_send, _refusal(400, "email_address_invalid"), "not an e-mail address"),
        (_send, _refusal(400, "captcha_failed"), "Attack Protection"),
        (_send, _refusal(418, "news"), r"Supabase refused the sign-in: news \(status 418\)"),
        (_password, _refusal(400, "captcha_failed"), "Attack Protection"),
        (_link, _refusal(403, "otp_expired"), "Ask for a new one"),
        (_link, _refusal(403, "user_banned"), "blocked"),
        (_id_token, _refusal(400, "provider_disabled"), "SUPABASE_AUTH_PROVIDER"),
        (_id_token, _refusal(422, "signup_disabled"), "new ones are switched off"),
    ],
)
def test_every_refusal_has_words_of_its_own(ask: Ask, answer: Answer, words: str) -> None:
    with _auth(answer) as auth, pytest.raises(SignInRefusedError, match=words) as refusal:
        ask(auth)
    assert "ada" not in str(refusal.value)


@pytest.mark.parametrize(
    "answer",
    [
        _refusal(400, "refresh_token_not_found"),
        _refusal(400, "refresh_token_already_used"),
        _refusal(403, "session_not_found"),
        _refusal(400, "session_expired"),
        _refusal(400, "user_banned"),
        (400, "application/json", b'{"error": "invalid_grant", "error_description": "Revoked"}'),
    ],
)
def test_a_refused_renewal_is_a_signed_out_person(answer: Answer) -> None:
    with _auth(answer) as auth, pytest.raises(SignedOutError, match="sign in again"):
        _renew(auth)


@pytest.mark.parametrize("code", ["bad_jwt", "session_not_found", "user_not_found"])
def test_signing_out_what_has_ended_is_done(code: str) -> None:
    with _auth(_refusal(403, code)) as auth:
        _sign_out(auth)


def test_signing_out_that_did_not_happen_is_told() -> None:
    refusal = _refusal(400, "validation_failed")
    with _auth(refusal) as auth, pytest.raises(DatabaseError, match="did not sign out"):
        _sign_out(auth)


@pytest.mark.parametrize("ask", ASKS)
def test_nothing_secret_is_in_errors_or_logs(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    words = " ".join(SECRETS)
    answers = [None, _refusal(400, "other", words), _refusal(500, "other", words)]
    told = ""
    with _auth(*answers) as auth, caplog.at_level(logging.DEBUG):
        for _ in answers:
            with pytest.raises(DatabaseError) as failure:
                ask(auth)
            told += "".join(format_exception(failure.value)[-1:]) + repr(failure.value.__context__)
    assert not any(secret in told + caplog.text for secret in SECRETS)
    assert "sb_publishable" not in told + caplog.text
