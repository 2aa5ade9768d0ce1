"""The text of an e-mail that came as HTML only, without the parts its mail program quoted.

Every character is looked at once: html.parser takes half a minute for 60 kB of "<a ", and anybody
can send us that.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

MAX_READ_CHARACTERS = 1_000_000

_BREAKS = {
    "br", "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "pre", "section", "article", "header", "footer",
}  # fmt: skip
_UNSEEN = {"head", "style", "script", "title", "template", "noscript", "blockquote"}
_IN_HEAD = {"head", "style", "script", "title"}
_CONTAINERS = {"div", "span", "p", "table", "td", "section"}
# What Gmail, Yahoo, Thunderbird, Proton and Zoho call their quotations, and Gmail its signature.
_QUOTATION = re.compile(
    r"\b(?:gmail_quote|gmail_attr|gmail_signature|yahoo_quoted|moz-cite-prefix|moz-signature"
    r"|protonmail_quote|protonmail_signature_block|zmail_extra|tutanota_quote)\b"
)
# Outlook marks where the earlier e-mail begins; all that follows is old.
_OLD_FROM_HERE = re.compile(
    r"\b(?:appendonsend|divRplyFwdMsg|OutlookMessageHeader"
    r"|mail-editor-reference-message-container)\b"
)
_NAME = re.compile(r"/?([A-Za-z][A-Za-z0-9]*)")


@dataclass(slots=True)
class _Page:
    parts: list[str] = field(default_factory=list)
    # The element that hides its content, and how many of its name are open within.
    hidden_by: str = ""
    depth: int = 0

    def text(self, words: str) -> None:
        if not self.hidden_by:
            self.parts.append(re.sub(r"\s+", " ", html.unescape(words)))

    def tag(self, inside: str) -> bool:
        """Takes a tag in; False where the old e-mail begins."""
        found = _NAME.match(inside)
        if not found:
            return True
        name, closes = found.group(1).lower(), inside.startswith("/")
        if self.hidden_by:
            self._while_hidden(name, closes)
        elif not closes and _OLD_FROM_HERE.search(inside):
            return False
        elif not closes and (name in _UNSEEN or _is_quotation(name, inside)):
            self.hidden_by, self.depth = ("", 0) if inside.endswith("/") else (name, 1)
        elif name in _BREAKS:
            self.parts.append("\n")
        return True

    def _while_hidden(self, name: str, closes: bool) -> None:
        if name == "body" and self.hidden_by in _IN_HEAD:
            # HTML lets the closing tags before a body be left out.
            self.hidden_by = ""
        elif name == self.hidden_by:
            self.depth += -1 if closes else 1
            if self.depth == 0:
                self.hidden_by = ""
                self.parts.append("\n")


def text_of_html(source: str) -> str:
    """Readable lines; quotations, styles, scripts and comments are left out."""
    page = _Page()
    source = _without_comments(source[:MAX_READ_CHARACTERS])
    first, *pieces = source.split("<")
    page.text(first)
    for piece in pieces:
        inside, closed, words = piece.partition(">")
        if not closed or not _NAME.match(inside):
            # A lone "<", or a declaration such as <!DOCTYPE html>.
            page.text(words if inside.startswith(("!", "?")) else "<" + piece)
        elif page.tag(inside):
            page.text(words)
        else:
            break
    lines = (line.strip() for line in "".join(page.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _is_quotation(name: str, inside: str) -> bool:
    return name in _CONTAINERS and _QUOTATION.search(inside) is not None


def _without_comments(source: str) -> str:
    kept = []
    at = 0
    while (opens := source.find("<!--", at)) >= 0:
        kept.append(source[at:opens])
        closes = source.find("-->", opens)
        at = closes + 3 if closes >= 0 else len(source)
    return "".join([*kept, source[at:]])
