"""Addresses as people paste them, in the one spelling that is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.mail.addresses import AddressError, normalise_address


@pytest.mark.parametrize(
    ("pasted", "stored"),
    [
        ("Alice@Example.COM", "alice@example.com"),
        ("  alice@example.com\n", "alice@example.com"),
        ("\u200balice\ufeff@example.com\u00a0", "alice@example.com"),
        ("mailto:alice@example.com?subject=Hi", "alice@example.com"),
        ("<alice@example.com>", "alice@example.com"),
        ("MAILTO:<alice@example.com>", "alice@example.com"),
        ('"Lee, Alice" <alice@example.com>;', "alice@example.com"),
        ("'alice@example.com'", "alice@example.com"),
        ("\u201calice@example.com\u201d,", "alice@example.com"),
        ("alice@example.com.", "alice@example.com"),
        ("o'neil+crm@example.com", "o'neil+crm@example.com"),
        ("info@Bücher.example", "info@xn--bcher-kva.example"),
        ("info@xn--bcher-kva.example", "info@xn--bcher-kva.example"),
        ("alice@mail.test", "alice@mail.test"),
    ],
)
def test_it_frees_an_address_from_what_it_was_pasted_with(pasted: str, stored: str) -> None:
    assert normalise_address(pasted) == stored
    assert normalise_address(stored) == stored


@pytest.mark.parametrize(
    ("pasted", "reason"),
    [
        ("", "Please enter an e-mail address."),
        (" \u200b ", "Please enter an e-mail address."),
        ("alice", "@-sign"),
        ("@example.com", "before the @"),
        ("alice@example", "period"),
        ("alice@localhost", "period"),
        ("alice@crm.localhost", "special-use"),
        ("alice@crm.invalid", "special-use"),
        ("alice@printer.local", "special-use"),
        ("alice@127.0.0.1", "top-level domain"),
        ("alice@[127.0.0.1]", "IP address"),
        ("ålice@example.com", "letters that the mail provider refuses"),
        ("alice@example..com", "two periods"),
        ("alice bob@example.com", "invalid characters"),
        ("alice@example.com, bob@example.com", "malformed"),
        ("alice@example.com\r\nBcc: bob@example.com", "malformed"),
        ("a" * 65 + "@example.com", "too long"),
        ("a" * 2_000, "too long"),
    ],
)
def test_it_refuses_what_mail_cannot_be_sent_to(pasted: str, reason: str) -> None:
    with pytest.raises(AddressError, match=reason) as caught:
        normalise_address(pasted)
    assert "alice" not in caught.value.reason


@given(st.text(max_size=80) | st.emails() | st.emails().map(lambda email: f"<{email}>."))
def test_any_text_gives_one_spelling_or_an_address_error(text: str) -> None:
    try:
        stored = normalise_address(text)
    except AddressError:
        return
    assert stored.isascii()
    assert stored == stored.lower().strip()
    assert normalise_address(stored) == stored
