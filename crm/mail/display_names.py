"""The name shown beside an address, made harmless."""

import re

MAX_NAME_CHARACTERS = 78
"""One header line (RFC 5322, 2.1.1)."""

# Control characters and line breaks could begin a header; SendGrid reads ; and , in a name as
# the end of an address; bidirectional overrides and isolates let a name pose as another one;
# a lone surrogate cannot be written as UTF-8 at all.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f;,\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def clean_name(name: str) -> str:
    """The name without what breaks a header, on one line, 78 characters at most; may be empty."""
    if _UNSAFE.search(name):
        name = _UNSAFE.sub(" ", name)
    name = " ".join(name.split())
    if len(name) > MAX_NAME_CHARACTERS:
        name = name[:MAX_NAME_CHARACTERS].rstrip()
    return name
