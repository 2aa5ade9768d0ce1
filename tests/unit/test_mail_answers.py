"""Which HTTP answer means what."""

import json

import httpx
import pytest

from crm.mail.message import (
    Accepted,
    Answer,
    RateLimited,
    RecipientsRefused,
    Refused,
    TooLarge,
    Unauthorized,
    Unconfirmed,
)
from crm.mail.sendgrid_answers import answer_of

NOW = 1_800_000_000.0


def answered(status: int, body: object = b"", **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return answer_of(status, named, raw, clock=lambda: NOW)


def errors(*pairs: tuple[str | None, str]) -> object:
    return {"errors": [{"field": field, "message": words, "help": None} for field, words in pairs]}


def test_only_a_202_is_accepted() -> None:
    assert answered(202, x_message_id="abc") == Accepted("abc")
    assert answered(202) == Accepted(None)


@pytest.mark.parametrize("status", [200, 201, 204, 301, 302, 307, 408, 500, 502, 503, 504, 599])
def test_what_is_neither_yes_nor_no_is_unconfirmed(status: int) -> None:
    assert answered(status, b"garbage", x_message_id="abc") == Unconfirmed(
        f"the provider answered with status {status}"
    )


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_a_fault_of_the_account_or_address_blames_no_recipient(status: int) -> None:
    answer = answered(status, errors((None, "Maximum credits exceeded")))
    assert answer == Unauthorized(f"{status}: Maximum credits exceeded")


@pytest.mark.parametrize("status", [402, 406, 409, 410, 415, 422, 451])
def test_another_4xx_is_refused_for_good(status: int) -> None:
    assert answered(status) == Refused(f"{status}: no reason given", permanent=True)


def test_a_413_is_too_large() -> None:
    assert answered(413) == TooLarge()


@pytest.mark.parametrize(
    "field",
    ["personalizations.3.to.0.email", "personalizations[3].to[0].email"],
)
def test_an_index_in_the_error_path_names_the_recipient(field: str) -> None:
    assert answered(400, errors((field, "bad"))) == RecipientsRefused({3: "bad"})


@pytest.mark.parametrize(
    "field",
    ["personalizations.3", "personalizations.3.substitutions", "personalizations.3.headers"],
)
def test_a_refusal_that_is_not_about_the_address_says_so(field: str) -> None:
    assert answered(400, errors((field, "bad"))) == RecipientsRefused({3: "bad"}, frozenset({3}))


def test_several_errors_are_kept_apart_by_recipient() -> None:
    answer = answered(
        400,
        errors(
            ("personalizations.3.to.0.email", "bad address"),
            ("personalizations.3.to.0.name", "bad name"),
            ("personalizations.12.headers", "bad header"),
            ("subject", "bad subject"),
        ),
    )
    assert answer == RecipientsRefused(
        {3: "bad address; bad name", 12: "bad header"}, content_at_fault=frozenset({12})
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (errors(("from.email", "bad")), "400: bad (from.email)"),
        (errors(("personalizations", "too many")), "400: too many (personalizations)"),
        (errors(("custom.personalizations.3", "x")), "400: x (custom.personalizations.3)"),
        (errors(("personalizations.1234567", "x")), "400: x (personalizations.1234567)"),
        (errors((None, "Bad Request")), "400: Bad Request"),
        ({"errors": "surprise"}, "400: no reason given"),
        ({"errors": [7, None]}, "400: no reason given"),
        ([1], "400: no reason given"),
        (b"<html>", "400: no reason given"),
        (b"\xff\xfe", "400: no reason given"),
        (b"[" * 100_000, "400: no reason given"),
    ],
)
def test_a_400_without_an_index_refuses_the_request(body: object, reason: str) -> None:
    assert answered(400, body) == Refused(reason)


def test_reasons_are_cut_to_a_readable_length() -> None:
    answer = answered(400, errors((None, "x" * 5_000)))
    assert isinstance(answer, Refused)
    assert len(answer.reason) == 300


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x_ratelimit_reset": str(NOW + 42)}, 42.0),
        ({"x_ratelimit_reset": str(NOW + 42), "retry_after": "7"}, 42.0),
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "Fri, 15 Jan 2027 08:01:00 GMT"}, 60.0),
        ({"x_ratelimit_reset": str(NOW - 42)}, 1.0),
        ({"x_ratelimit_reset": str(NOW + 1e9)}, 3600.0),
        ({"x_ratelimit_reset": "soon"}, 60.0),
        ({"x_ratelimit_reset": "nan", "retry_after": "inf"}, 60.0),
        ({}, 60.0),
    ],
)
def test_a_429_says_when_to_come_back(headers: dict[str, str], seconds: float) -> None:
    assert answered(429, **headers) == RateLimited(seconds)
