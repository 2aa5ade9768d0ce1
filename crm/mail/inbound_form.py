"""SendGrid Inbound Parse's request body: multipart/form-data with the parts of one e-mail.

With "POST the raw, full MIME message" the field `email` holds the whole instead. Files are the
e-mail's attachments: they are stepped over and never kept.
"""

from __future__ import annotations

import json

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError, MultipartParseError
from python_multipart.multipart import parse_options_header

from crm.mail.received_message import (
    MAX_RAW_BYTES,
    ReceivedMessage,
    UnreadableMessageError,
    decoded,
    from_fields,
    from_mime,
    parse_headers,
)

MAX_PARTS = 1_000
# What is longer is cut: the new words of an e-mail stand before all this.
_MAX_BYTES = {
    "headers": 256_000,
    "from": 10_000,
    "subject": 10_000,
    "text": 1_000_000,
    "html": 1_000_000,
    "envelope": 100_000,
    "charsets": 10_000,
    "email": MAX_RAW_BYTES,
}


class _Fields:
    """Collects the fields we read; everything else passes by."""

    def __init__(self) -> None:
        self.kept: dict[str, bytearray] = {}
        self._name = ""
        self._parts = 0
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._disposition = b""

    def begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise UnreadableMessageError(f"It has more than {MAX_PARTS:,} parts.")
        self._name, self._disposition = "", b""

    def header_name(self, chunk: bytes, start: int, end: int) -> None:
        self._header_name += chunk[start:end]

    def header_value(self, chunk: bytes, start: int, end: int) -> None:
        self._header_value += chunk[start:end]

    def header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("latin-1").lower()
        is_ours = name in _MAX_BYTES and b"filename" not in options and name not in self.kept
        self._name = name if is_ours else ""
        if is_ours:
            self.kept[name] = bytearray()

    def content(self, chunk: bytes, start: int, end: int) -> None:
        if self._name:
            kept = self.kept[self._name]
            kept += chunk[start : min(end, start + _MAX_BYTES[self._name] - len(kept))]


def read_form(body: bytes, content_type: str) -> ReceivedMessage:
    """The e-mail in a request whose signature was verified.

    Raises:
        UnreadableMessageError: if it is no such form, or has no e-mail in it.
    """
    fields = _fields(body, content_type)
    envelope_from = _envelope_from(fields.get("envelope", b""))
    if "email" in fields:
        return from_mime(fields["email"], envelope_from=envelope_from)
    if not {"headers", "from", "text", "html"} & fields.keys():
        raise UnreadableMessageError("It has none of the fields of an e-mail.")
    charsets = _json_object(fields.get("charsets", b""))
    text = {name: decoded(value, str(charsets.get(name, ""))) for name, value in fields.items()}
    return from_fields(
        parse_headers(fields.get("headers", b"")),
        text=text.get("text", ""),
        html=text.get("html", ""),
        subject=text.get("subject", ""),
        sender=text.get("from", ""),
        envelope_from=envelope_from,
    )


def _fields(body: bytes, content_type: str) -> dict[str, bytes]:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise UnreadableMessageError("It is not multipart/form-data.")
    fields = _Fields()
    try:
        parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": fields.begin,
                "on_part_data": fields.content,
                "on_header_field": fields.header_name,
                "on_header_value": fields.header_value,
                "on_header_end": fields.header_end,
                "on_headers_finished": fields.headers_finished,
            },
        )
        parser.write(body)
        parser.finalize()
    except (FormParserError, MultipartParseError) as error:
        raise UnreadableMessageError("Its multipart form is broken.") from error
    return {name: bytes(value) for name, value in fields.kept.items()}


def _envelope_from(envelope: bytes) -> str | None:
    sender = _json_object(envelope).get("from")
    return sender.strip() if isinstance(sender, str) else None


def _json_object(content: bytes) -> dict[str, object]:
    """What SendGrid says about a field; its absence only makes us guess."""
    try:
        found = json.loads(content.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
