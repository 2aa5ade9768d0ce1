"""An e-mail that came in, reduced to what tells what it is.

Every part of it is a stranger's: sizes are bounded before anything is parsed, unknown charsets and
broken encodings give replacement characters, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser, HeaderParser
from email.policy import Compat32
from email.utils import getaddresses
from itertools import islice

from crm.mail.addresses import AddressError, normalise_address
from crm.mail.reply_html import text_of_html

MAX_HEADERS = 500
MAX_HEADER_CHARACTERS = 2_000
MAX_RAW_BYTES = 200_000
MAX_NESTED = 20
_MAX_SUBJECT_CHARACTERS = 500
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
# As Python takes it for one: with blanks before the sign, or in pieces (RFC 2231).
_BOUNDARY = re.compile(rb"boundary[\s*\d]*=", re.IGNORECASE)
# Python knows codecs that are no charsets, and some that take a very long time.
_CHARSET = re.compile(
    r"(?:utf-?(?:8|16|16le|16be)|us-ascii|ascii|latin-?1|iso-?8859-\d{1,2}|windows-(?:125\d|874|31j)"
    r"|cp\d{3,4}|koi8-[rtu]|iso-2022-(?:jp|kr)(?:-\d)?|shift[-_]jis|sjis|euc-(?:jp|kr)"
    r"|ks_c_5601-1987|gb2312|gbk|gb18030|big5(?:-hkscs)?|tis-620|macintosh|mac-roman)"
)
# Postgres text holds no NUL and no half of a pair; nobody needs the other control characters.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class _ShortHeaders(Compat32):
    """Cuts headers while they are read: Python takes their parameters apart in quadratic time."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:MAX_HEADER_CHARACTERS]


_POLICY = _ShortHeaders()

Headers = Mapping[str, tuple[str, ...]]
"""Values by lower-case name, unfolded and still encoded."""


class UnreadableMessageError(ValueError):
    """Not an e-mail we can read; the message says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMessage:
    """`sender` is the normalised From address or empty; `envelope_from` is the SMTP return path,
    empty for a bounce, None where it is not known; `text` includes what is quoted."""

    headers: Headers = field(default_factory=dict)
    sender: str = ""
    envelope_from: str | None = None
    subject: str = ""
    text: str = ""
    html: str = ""

    def header(self, name: str) -> str:
        """The first of that name, decoded, or an empty text."""
        values = self.headers.get(name.lower(), ())
        return decoded_header(values[0]) if values else ""


def parse_headers(block: bytes) -> Headers:
    """The headers of an e-mail; lines that are none are passed over."""
    text = block.decode("utf-8", "replace").replace("\0", "")
    found: dict[str, tuple[str, ...]] = {}
    message = HeaderParser(policy=_POLICY).parsestr(text, headersonly=True)
    for name, value in message.items()[:MAX_HEADERS]:
        unfolded = " ".join(str(value).split())
        found[name.lower()] = (*found.get(name.lower(), ()), unfolded)
    return found


def decoded_header(value: str) -> str:
    """The text of a header with encoded words (RFC 2047); a broken one stays as it is."""
    try:
        parts = decode_header(value[:MAX_HEADER_CHARACTERS])
    except (HeaderParseError, ValueError):
        return storable(value)
    words = [
        decoded(part, charset or "utf-8") if isinstance(part, bytes) else part
        for part, charset in parts
    ]
    return storable(" ".join("".join(words).split()))


def decoded(content: bytes, charset: str) -> str:
    """In the charset it names, or UTF-8 for one that is unknown."""
    name = charset.strip().strip("\"'").lower()
    try:
        return content.decode(name if _CHARSET.fullmatch(name) else "utf-8", "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def storable(text: str) -> str:
    """Without characters that a database refuses, with line ends of one kind."""
    return _UNSTORABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def sender_of(from_header: str) -> str:
    """The address of a From header that is still encoded: a decoded name could pose as one."""
    try:
        pairs = getaddresses([from_header[:MAX_HEADER_CHARACTERS]])
    except RecursionError:
        # Comments in comments in comments.
        return ""
    address = next((address for _, address in pairs if address), "")
    try:
        return normalise_address(address)
    except AddressError:
        return ""


def from_fields(
    headers: Headers,
    *,
    text: str,
    html: str,
    subject: str = "",
    sender: str = "",
    envelope_from: str | None = None,
) -> ReceivedMessage:
    """The message; `subject` and `sender` count only where its own headers name none."""
    own_from = headers.get("from", ("",))[0]
    message = ReceivedMessage(headers=headers)
    own_subject = message.header("subject") or storable(" ".join(subject.split()))
    return ReceivedMessage(
        headers=headers,
        sender=sender_of(own_from or sender),
        envelope_from=envelope_from,
        subject=own_subject[:_MAX_SUBJECT_CHARACTERS],
        text=storable(text),
        html=storable(html),
    )


def from_mime(raw: bytes, *, envelope_from: str | None = None) -> ReceivedMessage:
    """A whole MIME message, which may be cut off; attachments are not decoded.

    Read are MAX_RAW_BYTES of it, and no more than MAX_NESTED parts that have parts themselves:
    Python looks at each line once for every part around it.

    Raises:
        UnreadableMessageError: if its parts are nested too deeply.
    """
    raw = _bounded(raw)
    blank = _BLANK_LINE.search(raw)
    headers = parse_headers(raw[: blank.start()] if blank else raw)
    try:
        message = BytesParser(policy=_POLICY).parsebytes(raw)
        text, html = (_first(message, kind) for kind in ("text/plain", "text/html"))
    except RecursionError:
        raise UnreadableMessageError("Its parts are nested too deeply.") from None
    return from_fields(headers, text=text, html=html, envelope_from=envelope_from)


def _bounded(raw: bytes) -> bytes:
    raw = raw[:MAX_RAW_BYTES]
    beyond = next(islice(_BOUNDARY.finditer(raw), MAX_NESTED, None), None)
    return raw[: beyond.start()] if beyond else raw


def text_of(message: ReceivedMessage) -> str:
    """What there is to read, quotations included where they were sent as text."""
    return message.text if message.text.strip() else text_of_html(message.html)


def _first(message: Message, kind: str) -> str:
    return next(
        (_content(part) for part in _leaves(message) if part.get_content_type() == kind), ""
    )


def _leaves(message: Message) -> Iterator[Message]:
    """Parts that are shown; an e-mail inside the e-mail is somebody else's."""
    if message.get_content_maintype() == "message":
        return
    if not message.is_multipart():
        if message.get_content_disposition() != "attachment":
            yield message
        return
    for part in message.get_payload():
        if isinstance(part, Message):
            yield from _leaves(part)


def _content(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    return decoded(payload, str(part.get_param("charset") or "utf-8"))
