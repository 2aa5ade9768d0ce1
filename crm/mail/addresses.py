"""One spelling per e-mail address, so that duplicates and suppressions are found.

No DNS is asked: the provider finds out about dead domains, and an import of 100,000 rows must
not depend on a name server.
"""

import re

from email_validator import EmailNotValidError, validate_email
from email_validator.exceptions import EmailSyntaxError

# People paste these along with an address: zero-width characters, soft hyphens, text direction
# marks and the byte order mark.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_MAILTO = re.compile(r"mailto:([^?]*)(?:\?.*)?", re.IGNORECASE | re.DOTALL)
_IN_BRACKETS = re.compile(r"[^<>]*<([^<>]*)>[\s.,;:]*")
_QUOTES = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb"
_TRAILING = ".,;:!?" + _QUOTES

MAX_PASTED_CHARACTERS = 1_000


class AddressError(ValueError):
    """Not an address that mail can be sent to. `reason` is a sentence for people and does not
    repeat the address."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def normalise_address(text: str) -> str:
    """The address in lower case with an ASCII domain, freed from what it was pasted with.

    The local part is lower-cased too: RFC 5321 lets hosts tell cases apart, none that matters
    does, and two spellings would be two contacts. Raises AddressError.
    """
    pasted = _unwrapped(text)
    local = pasted.rpartition("@")[0]
    if not pasted:
        raise AddressError("Please enter an e-mail address.")
    if not local.isascii():
        raise AddressError("The part before the @ has letters that the mail provider refuses.")
    try:
        valid = validate_email(
            pasted,
            check_deliverability=False,
            allow_smtputf8=False,
            strict=True,
            # Demo data lives under .test (RFC 6761); localhost and .invalid stay refused.
            test_environment=pasted.lower().endswith(".test"),
        )
    except EmailSyntaxError as error:
        raise AddressError(_sentence(error)) from None
    except EmailNotValidError:
        raise AddressError("The domain cannot receive mail.") from None
    return (valid.ascii_email or valid.normalized).lower()


def _unwrapped(text: str) -> str:
    if len(text) > MAX_PASTED_CHARACTERS:
        raise AddressError("The address is too long.")
    bare = _INVISIBLE.sub("", text).strip().strip(_QUOTES).strip()
    if found := _IN_BRACKETS.fullmatch(bare):
        bare = found.group(1).strip()
    if found := _MAILTO.fullmatch(bare):
        bare = found.group(1)
    return bare.strip().lstrip(_QUOTES).rstrip(_TRAILING).strip()


def _sentence(error: EmailSyntaxError) -> str:
    """The validator's words, unless they quote what was typed."""
    words = str(error)
    return words if "'" not in words and '"' not in words else "The address is malformed."
