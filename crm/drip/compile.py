"""Compiles an e-mail once into a skeleton with slots; a contact then renders only its slots.

Order matters: merge fields and conditions are cut out first, then Markdown, layout and CSS are
done, then the cuts become slots. (The CSS inliner would move Jinja out of tables, and Markdown
would percent-encode it in links.)
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import css_inline
from markdown_it import MarkdownIt

from crm.drip.expressions import HTML, TEXT, FieldGroup, constants_of, fields_of
from crm.drip.merge_fields import clean_value
from crm.drip.plain_text import plain_text
from crm.drip.segments import Marks, regroup
from crm.drip.template_source import MAX_SOURCE_BYTES, TemplateError, TemplateSource

Form = Literal["html", "text"]

_TEXT_FOOTER = (
    "--\n{{ sender.company | default('') }}{% if sender.company %}, {% endif %}"
    "{{ sender.postal_address }}\nUnsubscribe: {{ unsubscribe_url }}\n"
)
_LINK = re.compile(r'href="([^"]*)"')
_SAFE_SCHEMES = ("https://", "http://", "mailto:")
_UNSUBSCRIBE_LINK = "{{ unsubscribe_url }}"
_SAFE_IN_LINKS = ("sender.", "unsubscribe_url")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that varies. `tag` marks it in the skeleton, `source` is Jinja, and a shared slot
    depends on the sender alone. Its form says whether values are escaped (html) or not (text,
    which the subject is too)."""

    tag: str
    form: Form
    source: str
    shared: bool


@dataclass(frozen=True, slots=True)
class CompiledTemplate:
    """Subject, HTML and text with tags where something varies, and the slots behind the tags.

    `sender` holds the sender.* values once they are bound, for slots that mix them with others.
    """

    subject: str
    html: str
    text: str
    slots: tuple[Slot, ...]
    sender: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        slots = [
            {"tag": s.tag, "form": s.form, "source": s.source, "shared": s.shared}
            for s in self.slots
        ]
        return {"subject": self.subject, "html": self.html, "text": self.text, "slots": slots}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> CompiledTemplate:
        slots = tuple(Slot(**slot) for slot in stored["slots"])
        return cls(stored["subject"], stored["html"], stored["text"], slots)


def compile_template(source: TemplateSource, layout: str) -> CompiledTemplate:
    """Raises TemplateError for a syntax error, an unknown merge field or a forbidden construct."""
    if len(source.body) > MAX_SOURCE_BYTES:
        message = f"longer than {MAX_SOURCE_BYTES // 1000} kB; shorten it"
        raise TemplateError(source.origin, source.body_line, message)
    marks = _marks(source, layout)
    subject = marks.cut(source.subject, origin=source.origin, first_line=1)
    preheader = marks.cut(source.preheader, origin=source.origin, first_line=1)
    body = marks.blocks_apart(
        marks.cut(source.body, origin=source.origin, first_line=source.body_line)
    )
    footer = marks.cut(_TEXT_FOOTER, origin="text footer", first_line=1)
    frame = marks.cut(_placeholders(layout), origin="layout.html", first_line=1)
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": False})

    page = (
        frame.replace("zzsubjectzz", html.escape(subject))
        .replace("zzpreheaderzz", html.escape(preheader))
        .replace("zzcontentzz", markdown.render(body))
    )
    inlined = css_inline.CSSInliner(keep_style_tags=True, keep_at_rules=True).inline(page)
    finished = marks.lone_block.sub(r"\1", inlined)
    _refuse_contact_values_in_links(finished, marks, source.origin)
    text = plain_text(markdown, body, marks.block) + footer
    return _with_slots({"subject": subject, "html": finished, "text": text}, marks)


def bind_shared(compiled: CompiledTemplate, sender: Mapping[str, str]) -> CompiledTemplate:
    """Fill the slots that are the same for every recipient; the others keep their order.

    Raises:
        ValueError: for a sender link that is not http(s).
    """
    for name in ("website", "booking_url"):
        if sender.get(name) and not sender[name].startswith(("http://", "https://")):
            raise ValueError(f"sender.{name} must start with http:// or https://")
    group = FieldGroup("sender")
    group.update({name: text for name, v in sender.items() if (text := clean_value(v))})
    filled: dict[str, str] = {}
    for slot in compiled.slots:
        if slot.shared:
            environment = HTML if slot.form == "html" else TEXT
            filled[slot.tag] = environment.from_string(slot.source).render(sender=group)
    remaining = tuple(slot for slot in compiled.slots if not slot.shared)
    return CompiledTemplate(
        subject=replace_tags(compiled.subject, filled),
        html=replace_tags(compiled.html, filled),
        text=replace_tags(compiled.text, filled),
        slots=remaining,
        sender=dict(group),
    )


def replace_tags(text: str, values: Mapping[str, str]) -> str:
    """One pass: a value that contains a tag is never replaced again."""
    if not values:
        return text
    pattern = re.compile("|".join(map(re.escape, values)))
    return pattern.sub(lambda match: values[match[0]], text)


def fields_without_default(source: TemplateSource, layout: str) -> frozenset[str]:
    """Fields that some contact may lack and that are written out without a default."""
    marks = _marks(source, layout)
    for text, line in ((source.subject, 1), (source.preheader, 1), (source.body, source.body_line)):
        marks.cut(text, origin=source.origin, first_line=line)
    marks.cut(_placeholders(layout), origin="layout.html", first_line=1)
    return frozenset(marks.unguarded)


def _marks(source: TemplateSource, layout: str) -> Marks:
    content = "\0".join((source.subject, source.preheader, source.body, layout))
    return Marks(hashlib.sha256(content.encode()).hexdigest()[:8])


def _placeholders(layout: str) -> str:
    for name in ("subject", "preheader", "content"):
        layout, times = re.subn(r"\{\{\s*" + name + r"\s*\}\}", f"zz{name}zz", layout)
        if name == "content" and times != 1:
            raise TemplateError("layout.html", 1, "needs {{ content }} exactly once")
    return layout


def _refuse_contact_values_in_links(page: str, marks: Marks, origin: str) -> None:
    # A link that a contact's own words could redirect is a phishing link in our name.
    for target in _LINK.findall(page):
        for match in marks.any_mark.finditer(target):
            if match[1] == "b":
                raise TemplateError(origin, 1, "a condition inside a link's address; put it around")
            written = TEXT.parse(marks.expression(int(match[2])))
            if not all(name.startswith(_SAFE_IN_LINKS) for name in fields_of(written)):
                raise TemplateError(
                    origin, 1, "a link's address may use sender fields and unsubscribe_url only"
                )
            if not all(text.startswith(_SAFE_SCHEMES) for text in constants_of(written)):
                raise TemplateError(origin, 1, "a link starts with https://, http:// or mailto:")


def _with_slots(parts: Mapping[str, str], marks: Marks) -> CompiledTemplate:
    # One tag for the same field wherever it stands: each costs bytes in every personalization.
    slots: dict[tuple[Form, str], Slot] = {}
    finished: dict[str, str] = {}
    for part, marked in parts.items():
        pieces: list[str] = []
        for literal in regroup(marked, marks):
            if not literal.is_slot:
                pieces.append(literal.text)
                continue
            form = _form_of(part, literal.text)
            key = (form, literal.text)
            if key not in slots:
                tag = f"mf{len(slots)}x{marks.digest}"
                slots[key] = Slot(tag, form, literal.text, _is_shared(literal.text))
            pieces.append(slots[key].tag)
        finished[part] = "".join(pieces)
    return CompiledTemplate(
        finished["subject"], finished["html"], finished["text"], tuple(slots.values())
    )


def _form_of(part: str, source: str) -> Form:
    # Our own link has no character that HTML would escape, so it needs no second form.
    return "html" if part == "html" and source != _UNSUBSCRIBE_LINK else "text"


def _is_shared(source: str) -> bool:
    return all(field.startswith("sender.") for field in fields_of(TEXT.parse(source)))
