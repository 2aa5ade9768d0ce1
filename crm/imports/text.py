"""Cells as clean text: what a person typed, without what only a machine sees."""

import re
import unicodedata

# Control characters, zero-width spaces and marks, and the overrides that reverse reading order.
# Joiners (U+200C, U+200D) stay: Persian and many emoji need them.
_UNSEEN = dict.fromkeys(
    (
        *(code for code in range(0x20) if chr(code) not in "\t\n\r"),
        *(code for code in range(0x7F, 0xA0) if code != 0x85),
        *(0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    )
)
# What web pages leave in front of a copied address.
_MARKS = dict.fromkeys((0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF))
# "van der Berg" and "de la Cruz" begin with their particle.
_PARTICLES = frozenset(
    (
        *("al", "bin", "da", "dal", "de", "del", "della", "den", "der", "di", "dos", "du", "el"),
        *("la", "le", "ten", "ter", "van", "vom", "von", "zu", "zum", "zur"),
    )
)
_LABEL_BREAK = re.compile(r":::|[;,]")


def one_line(cell: str) -> str:
    """Unseen characters dropped, white space (line breaks too) collapsed, accents composed.

    Nothing else changes: a formula or markup stays the text it is.
    """
    if not (cell.isascii() and cell.isprintable()):
        cell = unicodedata.normalize("NFC", cell.translate(_UNSEEN))
    return " ".join(cell.split())


def many_lines(cell: str) -> str:
    """As `one_line`, line breaks kept."""
    return "\n".join(map(one_line, cell.splitlines())).strip()


def without_unseen(cell: str) -> str:
    """An address as typed: ends trimmed, zero-width marks from a web page dropped, no more.

    Control characters and line breaks inside stay, so that the address check refuses them.
    """
    return cell.translate(_MARKS).strip()


def first_of_several(cell: str) -> str:
    """Google puts several values into one cell, divided by ":::"; the first is the main one."""
    return cell.split(":::", 1)[0]


def split_full_name(name: str) -> tuple[str, str]:
    """First and last name of "Ada Lovelace", "Lovelace, Ada" or "Ludwig van Beethoven"."""
    if "," in name:
        last, first = name.split(",", 1)
        return first.strip(), last.strip()
    words = name.split()
    cut = max(1, len(words) - 1)
    while cut > 1 and words[cut - 1] in _PARTICLES:
        cut -= 1
    return " ".join(words[:cut]), " ".join(words[cut:])


def split_tags(cell: str) -> tuple[str, ...]:
    """Tags in their order, each once; the groups Google makes itself ("* myContacts") left out."""
    tags: dict[str, str] = {}
    for part in _LABEL_BREAK.split(cell):
        tag = one_line(part)
        if tag and not tag.startswith("* "):
            tags.setdefault(tag.casefold(), tag)
    return tuple(tags.values())
