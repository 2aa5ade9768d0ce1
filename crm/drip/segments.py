"""Cuts a source into text, merge fields and conditions, so that Markdown and CSS never see Jinja.

Each cut leaves a mark in its place: letters and digits only, so that it passes through Markdown,
URL encoding and the CSS inliner untouched. A mark carries a hash of the template, so that no text
and no contact can contain one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from crm.drip.expressions import TEXT, parse, unguarded_fields
from crm.drip.template_source import TemplateError

_BLOCK_WORDS = ("if", "elif", "else", "endif")


@dataclass(slots=True)
class Marks:
    """The marks of one template: `expressions` and `blocks` hold what each stands for."""

    digest: str
    expressions: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    unguarded: set[str] = field(default_factory=set)

    def cut(self, source: str, *, origin: str, first_line: int) -> str:
        """The source with every Jinja construct replaced by a mark; raises TemplateError."""
        self.unguarded |= unguarded_fields(parse(source, origin=origin, first_line=first_line))
        pieces: list[str] = []
        inside: list[str] = []
        depth = 0
        for line, kind, text in TEXT.lex(source):
            if kind == "data":
                pieces.append(text)
            elif kind in {"variable_begin", "block_begin"}:
                inside = []
            elif kind == "variable_end":
                pieces.append(self._expression("".join(inside).strip()))
            elif kind == "block_end":
                block = "".join(inside).strip()
                depth += {"if": 1, "endif": -1}.get(block.split(" ", 1)[0], 0)
                if depth > 1:
                    raise TemplateError(
                        origin, first_line + line - 1, "an if inside an if; use elif, or two ifs"
                    )
                pieces.append(self._block(block, origin, first_line + line - 1))
            elif kind in {"raw_begin", "raw_end"}:
                raise TemplateError(
                    origin, first_line + line - 1, "raw is not available in e-mails"
                )
            elif not kind.startswith("comment"):
                inside.append(text)
        return "".join(pieces)

    def blocks_apart(self, marked: str) -> str:
        """Blank lines around tags that stand alone on a line, and around a condition that is a
        whole paragraph: what they hold is then paragraphs of its own, and none when empty."""
        alone = rf"^[ \t]*(?P<mark>{self._block_mark})[ \t]*$"
        apart = re.sub(alone, r"\n\g<mark>\n", marked, flags=re.MULTILINE)
        return "\n\n".join(self._spread(paragraph) for paragraph in re.split(r"\n{2,}", apart))

    def _spread(self, paragraph: str) -> str:
        mark = self._block_mark
        words = [self.blocks[int(n)].split(" ")[0] for n in re.findall(mark, paragraph)]
        is_one_condition = (
            words[:1] == ["if"] and words[-1:] == ["endif"] and words.count("if") == 1
        )
        if is_one_condition and re.fullmatch(rf"{mark}.*{mark}", paragraph.strip(), re.DOTALL):
            return re.sub(rf"\s*(?P<mark>{mark})\s*", r"\n\n\g<mark>\n\n", paragraph).strip("\n")
        return paragraph

    def _expression(self, source: str) -> str:
        if source not in self.expressions:
            self.expressions.append(source)
        return f"zx{self.expressions.index(source)}q{self.digest}"

    def _block(self, source: str, origin: str, line: int) -> str:
        if source.split(" ", 1)[0] not in _BLOCK_WORDS:
            raise TemplateError(
                origin, line, f"{source.split(' ', 1)[0]} is not available in e-mails"
            )
        self.blocks.append(source)
        return f"zb{len(self.blocks) - 1}q{self.digest}"

    @property
    def _block_mark(self) -> str:
        return rf"zb(\d+)q{self.digest}"

    @property
    def lone_block(self) -> re.Pattern[str]:
        """A block mark that Markdown made a paragraph of its own."""
        return re.compile(rf"<p[^>]*>\s*(zb\d+q{self.digest})\s*</p>\n?")

    @property
    def block(self) -> re.Pattern[str]:
        """A condition's tag."""
        return re.compile(self._block_mark)

    @property
    def any_mark(self) -> re.Pattern[str]:
        return re.compile(rf"z(x|b)(\d+)q{self.digest}")

    def expression(self, number: int) -> str:
        return "{{ " + self.expressions[number] + " }}"


@dataclass(frozen=True, slots=True)
class Literal:
    """Text as it stands, or the Jinja source of a slot."""

    text: str
    is_slot: bool


def regroup(marked: str, marks: Marks) -> list[Literal]:
    """Literals and slots in order: a field is a slot, and so is a whole if … endif."""
    parts: list[Literal] = []
    slot: list[str] | None = None
    end = 0
    for match in marks.any_mark.finditer(marked):
        before = marked[end : match.start()]
        end = match.end()
        number = int(match[2])
        source = (
            marks.expression(number) if match[1] == "x" else "{% " + marks.blocks[number] + " %}"
        )
        if slot is not None:
            slot += [before, source]
            if match[1] == "b" and marks.blocks[number] == "endif":
                parts.append(Literal("".join(slot), is_slot=True))
                slot = None
            continue
        parts.append(Literal(before, is_slot=False))
        if match[1] == "x":
            parts.append(Literal(source, is_slot=True))
        else:
            slot = [source]
    parts.append(Literal(marked[end:], is_slot=False))
    return [part for part in parts if part.text]
