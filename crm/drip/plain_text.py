"""Markdown as a plain text that reads well on its own."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

_BULLET = "- "


def plain_text(markdown: MarkdownIt, source: str, tag: re.Pattern[str]) -> str:
    """Blocks end in a blank line, so that leaving a conditional block out leaves no gap.

    `tag` finds the mark of a condition's tag; one that stands alone adds no lines itself.
    """
    blocks: list[str] = []
    prefix = ""
    for token in markdown.parse(source):
        if token.type == "list_item_open":
            prefix = f"{token.info}. " if token.info else _BULLET
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            blocks.append("\n")
        elif token.type == "hr":
            blocks.append("----\n\n")
        elif token.type == "inline":
            text = _inline(token.children or [])
            if tag.fullmatch(text.strip()):
                blocks.append(text.strip())
                continue
            blocks.append(prefix + text + ("\n" if token.level > 1 and prefix else "\n\n"))
            prefix = ""
    return "".join(blocks)


def _inline(tokens: list[Token]) -> str:
    parts: list[str] = []
    target = ""
    label_start = 0
    for token in tokens:
        if token.type == "link_open":
            target = str(token.attrs.get("href", ""))
            label_start = len(parts)
        elif token.type == "link_close":
            label = "".join(parts[label_start:])
            if label != target:
                parts.append(f": {target}")
        elif token.type in {"softbreak", "hardbreak"}:
            parts.append("\n" if token.type == "hardbreak" else " ")
        elif token.content:
            parts.append(token.content)
    return "".join(parts)
