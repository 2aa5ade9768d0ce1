"""Which text encoding a contact file is in. Every byte is looked at before a row is believed."""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_CHUNK_BYTES = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # UTF-32's mark begins with UTF-16's, so it is looked for first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAVE_AS = "Open it in a spreadsheet and save it as “CSV UTF-8”."
_KNOWN_BINARIES = (
    (
        b"PK\x03\x04",
        f"This is an Excel workbook (or another zip archive), not a CSV file. {_SAVE_AS}",
    ),
    (b"\xd0\xcf\x11\xe0", f"This is an old Excel workbook (.xls), not a CSV file. {_SAVE_AS}"),
    (b"%PDF", "This is a PDF document. Export the contacts as a CSV file instead."),
    (b"\x1f\x8b", "This file is compressed. Unpack it and import the CSV file inside."),
)
_BINARY_BYTES = re.compile(rb"[\x01-\x08\x0e-\x19\x1b-\x1f\x7f]")
# One character of UTF-8 beyond ASCII. In Windows-1252 text such pairs hardly occur.
_UTF8_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


class ImportFileError(ValueError):
    """The file as a whole cannot be read. The message names the problem and the fix."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a first reading of all bytes found."""

    encoding: str
    byte_size: int
    line_count: int


class _View(io.RawIOBase):
    """Reads a shared binary file from its own position, and leaves it open when closed itself.

    An uploaded file is one object: two readings of it must not move each other's place.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        if not isinstance(buffer, memoryview | bytearray):
            raise TypeError("A buffer to read into is needed")
        self._source.seek(self._position)
        piece = self._source.read(len(buffer))
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)


def open_bytes(source: BinaryIO | Path) -> io.BufferedReader:
    """The file from its first byte on; closing it leaves a file object of the caller's open."""
    return source.open("rb") if isinstance(source, Path) else io.BufferedReader(_View(source))


def open_text(source: BinaryIO | Path, encoding: str) -> io.TextIOWrapper:
    """The decoded text with its line ends untouched, as the csv module asks for."""
    return io.TextIOWrapper(open_bytes(source), encoding=encoding, newline="")


def scan(source: BinaryIO | Path) -> Scan:
    """Finds the encoding by decoding the whole file once, a chunk at a time.

    Raises ImportFileError for an empty, binary or damaged file.
    """
    with open_bytes(source) as stream:
        head = stream.read(_CHUNK_BYTES)
    _refuse_binary(head)
    marked = _marked_encoding(head)
    for encoding in (marked,) if marked else ("utf-8", "cp1252"):
        try:
            byte_size, line_count = _decode_all(source, encoding)
        except UnicodeError:
            if encoding == "utf-8":
                _refuse_damaged_utf8(source)
            continue
        return Scan(encoding, byte_size, line_count)
    raise ImportFileError(f"The file's characters cannot be read as text. {_SAVE_AS}")


def _refuse_binary(head: bytes) -> None:
    if not head.strip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise ImportFileError("The file is empty. Export the contacts again and check the result.")
    for magic, message in _KNOWN_BINARIES:
        if head.startswith(magic):
            raise ImportFileError(message)
    if len(_BINARY_BYTES.findall(head)) > len(head) // 100 + 1:
        raise ImportFileError(f"This is not a text file. {_SAVE_AS}")


def _marked_encoding(head: bytes) -> str | None:
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    # UTF-16 without its mark: every second byte of Latin text is zero.
    zeros_even, zeros_odd = head[0::2].count(0), head[1::2].count(0)
    if max(zeros_even, zeros_odd) > len(head) * 0.3:
        return "utf-16-be" if zeros_even > zeros_odd else "utf-16-le"
    return None


def _decode_all(source: BinaryIO | Path, encoding: str) -> tuple[int, int]:
    decoder = codecs.getincrementaldecoder(encoding)()
    byte_size = line_feeds = returns = 0
    for chunk in _chunks(source):
        text = decoder.decode(chunk)
        byte_size += len(chunk)
        line_feeds += text.count("\n")
        returns += text.count("\r")
    decoder.decode(b"", final=True)
    return byte_size, max(line_feeds, returns)


def _refuse_damaged_utf8(source: BinaryIO | Path) -> None:
    # Read as Windows-1252, a UTF-8 file with one broken byte would turn every José into JosÃ©.
    inside = beyond = 0
    for chunk in _chunks(source):
        inside += sum(len(sequence) for sequence in _UTF8_SEQUENCE.findall(chunk))
        beyond += len(_BEYOND_ASCII.findall(chunk))
    if inside * 2 > beyond:
        raise ImportFileError(
            f"The file is UTF-8 text with damaged characters, or it was cut off. {_SAVE_AS}"
        )


def _chunks(source: BinaryIO | Path) -> Iterator[bytes]:
    with open_bytes(source) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk
