"""Only what the provider signed is believed, for as long as it may repeat a delivery."""

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from sendgrid.helpers.eventwebhook import EventWebhook

from crm.mail.webhook_signatures import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    WebhookVerifier,
    might_be_genuine,
)
from tests.cast import NOW
from tests.standins.sendgrid_events import EventEmitter

BODY = b'[{"email": "grace@customer.example"}]\r\n'
STAMP = int(NOW.timestamp())
EMITTER = EventEmitter()
VERIFIER = WebhookVerifier(EMITTER.public_key)


def _verdict(body: bytes, headers: dict[str, str], *, after: timedelta = timedelta(0)) -> bool:
    return VERIFIER.is_genuine(
        body,
        signature=headers[SIGNATURE_HEADER],
        timestamp=headers[TIMESTAMP_HEADER],
        now=NOW + after,
    )


@given(body=st.binary())
def test_headers_of_the_provider_are_never_taken_for_a_strangers(body: bytes) -> None:
    headers = EMITTER.signed_headers(body, STAMP)
    assert might_be_genuine(headers[SIGNATURE_HEADER], headers[TIMESTAMP_HEADER], now=NOW)


def test_what_the_provider_signed_is_genuine() -> None:
    headers = EMITTER.signed_headers(BODY, STAMP)
    assert _verdict(BODY, headers)
    # The provider's own library agrees with the signature these tests rest on.
    assert EventWebhook(EMITTER.public_key).verify_signature(
        BODY.decode(), headers[SIGNATURE_HEADER], headers[TIMESTAMP_HEADER]
    )


@given(body=st.binary())
def test_any_bytes_can_be_signed_and_one_changed_bit_is_noticed(body: bytes) -> None:
    headers = EMITTER.signed_headers(body, STAMP)
    assert _verdict(body, headers)
    assert not _verdict(body + b" ", headers)
    if body:
        assert not _verdict(bytes([body[0] ^ 1]) + body[1:], headers)


def test_a_body_that_is_not_utf8_is_verified_as_the_bytes_it_is() -> None:
    body = b"subject=\xfcber\x00\xff\xfe"
    assert _verdict(body, EMITTER.signed_headers(body, STAMP))


def test_a_signature_of_somebody_else_is_refused() -> None:
    assert not _verdict(BODY, EventEmitter().signed_headers(BODY, STAMP))


def test_a_signature_does_not_fit_another_moment() -> None:
    headers = EMITTER.signed_headers(BODY, STAMP) | {TIMESTAMP_HEADER: str(STAMP + 1)}
    assert not _verdict(BODY, headers)


@given(signature=st.text(max_size=120))
def test_no_text_in_place_of_a_signature_is_believed_or_raises(signature: str) -> None:
    headers = {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: str(STAMP)}
    assert not _verdict(BODY, headers)


@pytest.mark.parametrize("stamp", ["", "soon", "-5", "1e9", "1773154800.5", "٣٣٣", " 1773154800"])
def test_a_timestamp_that_is_no_whole_number_is_refused_though_signed(stamp: str) -> None:
    assert not _verdict(BODY, EMITTER.signed_headers(BODY, stamp))


def test_a_timestamp_of_any_length_is_refused_without_a_fuss() -> None:
    assert not _verdict(BODY, EMITTER.signed_headers(BODY, "9" * 10_000))


@pytest.mark.parametrize(
    ("after", "believed"),
    [
        (timedelta(hours=24), True),
        (timedelta(days=7), True),
        (timedelta(days=7, seconds=1), False),
        (timedelta(days=-1), True),
        (timedelta(days=-1, seconds=-1), False),
    ],
)
def test_a_delivery_repeated_for_a_day_is_believed_and_one_of_another_week_is_not(
    after: timedelta, believed: bool
) -> None:
    assert _verdict(BODY, EMITTER.signed_headers(BODY, STAMP), after=after) is believed


def _shown(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> str:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


@pytest.mark.parametrize(
    "key",
    [
        "",
        "no key",
        "schlüssel",
        base64.b64encode(b"no key").decode(),
        EMITTER.public_key[:-8],
        _shown(ec.generate_private_key(ec.SECP384R1()).public_key()),
        _shown(ed25519.Ed25519PrivateKey.generate().public_key()),
    ],
    ids=["empty", "words", "not ascii", "base64 of words", "cut", "P-384", "Ed25519"],
)
def test_anything_but_a_p256_public_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="not "):
        WebhookVerifier(key)
